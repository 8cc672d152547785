import { afterOther, hideSpecialForms } from './forms.js';
import {
  beginsLine,
  endOfLineValue,
  everyWord,
  isProgram,
  isProse,
  lineAround,
  wordsOf,
  type Line,
  type Name,
} from './names.js';
import {
  onNextLine,
  operatorAt,
  pastName,
  readValue,
  isReference,
  type Operator,
  type Value,
} from './assigned.js';
import { Rewriter, type DetectorContext } from './detector.js';
import { isNumberName, KeyVerdict } from '../keys/keyNames.js';
import { looksRandom, looksSecret } from '../text/random.js';
import { isMarker } from '../text/replacement.js';

/** Header fields whose value is the rest of the line, spaces included (RFC 9110, RFC 6265). */
const WHOLE_LINE = /^(?:proxy-)?authorization$|cookie$/i;
/** The scheme before credentials that another detector has hidden already. */
const SCHEME = /^[A-Za-z][\w-]{0,30} /;
/** A value that is secret only for its looks is at least so long. */
const SHORTEST_GUESS = 12;
/** Short names of passwords, whose values are shorter than keys: `pw:`. */
const SHORT_NAMES = /(?:^|[^A-Za-z])(?:pw|psw|mdp)$/i;
const SHORTEST_PASSWORD = 8;
/** Shorter strings in a comparison are signs and states. */
const SHORTEST_COMPARED = 4;
/** A name that is also a plain verb: `"pass": "All links have a name"`. */
const VERB = /^["']?pass$/;
/** What documentation writes before the name of a parameter. */
const PARAMETER = /(?::param|:type|@param|@type|@property)\s[^\n]*$/;
/** The beginning of an object that describes a field instead of holding its value. */
const DESCRIPTION =
  /^\{\s*(?:\.\.\.|\w+\??:\s*[\w.<>[\]]+;)|^\{\s*["']?(?:label|title|type|description|name|placeholder|gender|unit|version|resolved|required|\$ref|\$comment|secretKeyRef|valueFrom|message|default|enum|(?:max|min)Length|(?:min|max)(?:imum)?|pattern|properties|additionalProperties|items|insertionOrder|anyOf|oneOf|allOf)["']?\s*:/;

/** Hides the values of secret names in a text, in any notation that gives a name a value. */
export function redactAssignments(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  const names =
    context.names === undefined ? everyWord(text) : wordsOf(text, context.names, context.nameLengths ?? []);
  for (const name of names) {
    if (name.start < rewriter.done) continue;
    const verdict = judgeName(text.slice(name.start, name.end), context);
    if (verdict === KeyVerdict.keep) continue;
    hideNamed(text, name, verdict, rewriter);
  }
  return hideSpecialForms(rewriter.toString(), context);
}

/** The verdict on a name. In `token.content` the last part decides: what is assigned to a part of a token is rarely the token. */
function judgeName(name: string, { judge }: DetectorContext): KeyVerdict {
  const verdict = judge(name);
  const dot = name.lastIndexOf('.');
  if (dot <= 0 || verdict === KeyVerdict.keep || judge(name.slice(dot + 1)) !== KeyVerdict.keep)
    return verdict;
  return /\.(?:value|raw|plain|plaintext|current|prod|production|dev|staging|test|live|default|main|primary|\d+)$/i.test(
    name,
  )
    ? verdict
    : KeyVerdict.ifRandom;
}

function hideNamed(text: string, name: Name, verdict: KeyVerdict, rewriter: Rewriter): void {
  const closed = pastName(text, name.end);
  const operator = isTag(text, name) ? undefined : operatorAt(text, closed);
  const value =
    operator === undefined
      ? afterOther(text, name, closed, verdict)
      : (assigned(text, name, operator, verdict) ?? afterOther(text, name, closed, verdict));
  if (value === undefined) return;
  const shown = text.slice(value.start, value.end);
  if (shown === '' || isMarker(shown)) rewriter.done = Math.max(rewriter.done, value.next);
  else rewriter.hide(value.start, value.end, verdict === KeyVerdict.mask, value.next);
}

/** The value behind an operator, if it is secret. */
function assigned(text: string, name: Name, operator: Operator, verdict: KeyVerdict): Value | undefined {
  const named = text.slice(name.start, name.end);
  const line = lineAround(text, name.start, operator.at);
  if (WHOLE_LINE.test(named) && !operator.compares) return headerValue(text, name, operator, line);
  const at = operator.sign === ':' || operator.sign === '=' ? valuePlace(text, operator) : operator.at;
  if (at === undefined || endsString(text, at, name, line)) return undefined;
  const indent = /^\s*(?:- )?/.exec(line.before)?.[0].length ?? 0;
  const read = readValue(text, at, operator.sign === ':' ? indent : undefined);
  if (read === undefined) return undefined;
  const value = read.written === 'bare' ? wholeValue(text, read, operator, line) : read;
  return isSecret(text, value, { named, verdict, operator, line }) ? value : undefined;
}

/** Whether the quote behind the operator closes the string that contains the name: `'New password: ')`. */
function endsString(text: string, at: number, name: Name, { before }: Line): boolean {
  const quote = text[at] ?? '';
  if (!/["'`]/.test(quote) || /["'`\\]/.test(text[name.end] ?? '')) return false;
  if (!/^.(?:[ \t]*(?:[),;\]}]|\+\s)|[ \t]*\r?\n|$)/.test(text.slice(at, at + 8))) return false;
  return before.split(quote).length % 2 === 0;
}

/** Where the value begins. On the next line only a quoted string, or what looks like a key, counts. */
function valuePlace(text: string, { at, sign }: Operator): number | undefined {
  const next = onNextLine(text, at);
  if (next === undefined) return at;
  if (/^(?:"(?!"")|'(?!'')|`)/.test(text.slice(next, next + 3))) return next;
  const word = /^\S{1,512}(?=\s*(?:\r?\n|$))/.exec(text.slice(next, next + 520))?.[0] ?? '';
  return sign === ':' && looksRandom(word) ? next : undefined;
}

/** Extends the value to the end of the line if the name begins the line; elsewhere the first word is the value. */
function wholeValue(text: string, value: Value, operator: Operator, line: Line): Value {
  if (!beginsLine(line) || operator.compares) return value;
  const end = endOfLineValue(text, value.start, line);
  if (end === undefined || end <= value.end) return value;
  return { ...value, end, next: end };
}

/** Whether the name is a tag: its value is then the element's content, not an attribute. */
function isTag(text: string, { start }: Name): boolean {
  return /<(?:[\w-]{1,32}:)?$/.test(text.slice(Math.max(0, start - 34), start));
}

interface Given {
  readonly named: string;
  readonly verdict: KeyVerdict;
  readonly operator: Operator;
  readonly line: Line;
}

function isSecret(text: string, value: Value, { named, verdict, operator, line }: Given): boolean {
  const shown = text.slice(value.start, value.end);
  if (isMarker(shown)) return true;
  const after = text.slice(value.end, value.end + 16);
  const quoted = value.written === 'quoted' || value.written === 'block';
  const code = operator.compares || isProgram(line, named, after);
  if (verdict === KeyVerdict.ifRandom) {
    if (!quoted && (/^[A-Za-z_$]+$/.test(shown) || (code && /[.(]/.test(shown)))) return false;
    if (!quoted && shown.endsWith(`.${named}`)) return false;
    const shortest = SHORT_NAMES.test(named) ? SHORTEST_PASSWORD : SHORTEST_GUESS;
    return looksSecret(shown, shortest) && (quoted || shortest < SHORTEST_GUESS || looksRandom(shown));
  }
  if (value.written === 'bracketed') {
    if (isReference(shown, { quoted: true, name: '', code: false, after: '' })) return false;
    const literal = operator.sign === '=' && /\s$/.test(text.slice(value.start - 1, value.start));
    return !DESCRIPTION.test(shown) && !code && !literal && !/\/$/.test(line.before);
  }
  if (isNumberName(named) && !/\d/.test(shown)) return false;
  if (operator.compares && shown.length < SHORTEST_COMPARED) return false;
  if (operator.compares && /^[\p{L}_/<>\s.-]*$/u.test(shown)) return false;
  if (operator.compares && !quoted && !looksRandom(shown)) return false;
  if (!quoted && !beginsLine(line) && isWordOfProse(text, value, line)) return false;
  if (quoted && VERB.test(named) && /\S\s+\S|[^\0-\x7f]{4}/.test(shown)) return false;
  // The question that a prompt shows: `prompt.password('New password: ')`.
  if (quoted && /\s/.test(shown) && /[:?]\s*$/.test(shown) && text[value.start - 2] === '(') return false;
  if (!quoted && isProse(shown) && !beginsLine({ ...line, before: line.before.replace(/^\s*[-*#].*/, 'x') }))
    return false;
  // In a shell `NAME= word` sets the name to nothing.
  const apart = operator.sign === '=' && /\w=[ \t]+$/.test(text.slice(value.start - 8, value.start));
  if (apart && !quoted && !beginsLine(line) && !looksRandom(shown)) return false;
  return !isReference(shown, { quoted, name: named, code, after });
}

/** Whether the value is the first word of a description: `:param password: The passphrase of …`. */
function isWordOfProse(text: string, { start, end }: Value, line: Line): boolean {
  if (!/^[A-Za-z]+$/.test(text.slice(start, end))) return false;
  return (
    isProse(text.slice(start, Math.min(line.end, start + 80)).replace(/\S*$/, 'x')) ||
    PARAMETER.test(line.before)
  );
}

/** The rest of the header's line, or of the string that contains the header. */
function headerValue(text: string, name: Name, operator: Operator, line: Line): Value | undefined {
  const read = readValue(text, operator.at);
  const given = { quoted: true, name: text.slice(name.start, name.end), code: false, after: '' };
  if (read?.written === 'quoted')
    return isReference(text.slice(read.start, read.end), given) ? undefined : read;
  const around = /["'`]/.exec(text[name.start - 1] ?? '')?.[0];
  const quote = around === undefined ? /["'`]/ : new RegExp(around);
  const rest = text.slice(operator.at, line.end);
  const stop =
    around === undefined && beginsLine(line) && !/^cookie/i.test(text.slice(name.start, name.end))
      ? -1
      : rest.search(quote);
  const value = stop === -1 ? rest : rest.slice(0, stop);
  const end = operator.at + value.length;
  if (value === '' || isMarker(value.replace(SCHEME, '')))
    return { start: end, end, next: end, written: 'bare' };
  if (isProse(value) && !beginsLine(line)) return undefined;
  return isReference(value, {
    quoted: false,
    name: 'authorization',
    code: isProgram(line, '', ''),
    after: text.slice(end, end + 8),
  })
    ? undefined
    : { start: operator.at, end, next: end, written: 'bare' };
}
