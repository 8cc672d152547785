import { isNumberName, KeyVerdict } from '../keys/keyNames.js';
import { looksRandom, looksSecret } from '../text/random.js';
import { Rewriter, type DetectorContext } from './detector.js';
import type { Name } from './names.js';
import { isReference, readValue, type Value } from './assigned.js';

/** How far back from a name a form is looked for, and how far ahead. */
const BACK = 256;
const AHEAD = 1_024;
/** The shortest value without an operator before it. */
const SHORTEST = 4;
/** The shortest value without an operator that is recognized by its looks. */
const SHORTEST_RANDOM = 8;

/** What makes a string the name of something, right before it: `name="`, `key: '`. */
const NAMING =
  /(?:^|[\s{,<("'[-])(?:name|key|header|field|variable|var|param|parameter|parameterkey|property|option|id|label|entry|setting|type)["']?\s{0,4}(?:[:=]|=>)\s{0,4}["']?$/i;
/** `value:` behind such a name, on the same line or the next. */
const PAIR_VALUE =
  /["']?\s{0,4}(?:[,;]|\r?\n[ \t]*(?:- )?)?\s{0,16}["']?(?:parameter)?value["']?\s{0,4}(?:[:=]|=>)\s{0,4}/iy;
const ATTRIBUTE_VALUE = /["'][^<>]{0,256}?\b(?:value|content|default)\s{0,4}=\s{0,4}(["'])/iy;
const ELEMENT = /(?:["'][^<>]{0,256})?>\s{0,64}(?:<(?:value|string)[^<>]{0,64}>\s{0,64})?(?:<!\[CDATA\[)?/iy;
const OPEN_TAG = /<(?:[\w-]{1,32}:)?(?:[\w-]{1,32}\s)?$/;
const OPENED = /(?:\s[^<>]{0,512})?>\s{0,64}(?:<!\[CDATA\[)?/y;
const NEXT_ELEMENT = /:?(?:\*\*)?<\/[\w:-]{1,32}>\s{0,64}<[\w:-]{1,32}(?:\s[^<>]{0,128})?>\s{0,16}/y;
const FORM_PART = /["'](?:;[^\r\n]{0,256})?\r?\n(?:[A-Z][\w-]{1,64}:[^\r\n]{0,256}\r?\n){0,8}\r?\n/y;
const COMPARED = /(["'`])\s{0,4}(?:===?|!==?|<>)\s{0,4}[\w.]{0,64}$/;
const CALL_ARGUMENT = /["'`]?\s{0,4},\s{0,8}(?=[bru@]{0,2}["'`])/y;
const CALLED = /(?:\.(?:assign|set|append|put|of|from|push))?\((?=[bru@]{0,2}["'`])/y;
/** Calls by these names ask for a secret or check one. */
const ASKS =
  /^(?:get|create|generate|verify|validate|check|parse|decode|require|use|find|fetch|load|read|has|is|describe|it|test|on|no|with)(?=[A-Z_])/;
const QUOTED_NEXT = /[ \t]{1,8}(?:[-–][ \t]{1,8})?(?=["'`])/y;
const CELL = /\s{0,16}(?:\||\t)\s{0,16}/y;
const LINK =
  /(?:[ \t\u00a0]{1,8}(?:is|are|was|=|to|set to|lautet|ist|est|es|é|är|:|-|–))?[ \t\u00a0]{0,4}[:=]?[ \t\u00a0]{1,8}(?=\S)/y;
/** What makes any word behind a name its value: commands that take the two as words. */
const WORD_PAIRS =
  /(?:^|\n)[ \t]*(?:ENV|ARG|setx|setenv|set(?: -\w+)+)[ \t]+$|\blogin[ \t\n]+\S+[ \t\n]+(?:account[ \t\n]+\S+[ \t\n]+)?$|\bmachine[ \t]+\S+[ \t\n]+$|aws configure set[ \t]+(?:\S+\.)?$|\bconnect[ \t]+\S+[ \t]+$|::set-(?:output|env) name=$/i;
const WORD = /[^\s"'`<>,;|]{1,1024}/y;
const COMMAND_LINE = /^(?:PASS|AUTH(?:INFO PASS)?)$/;
const ALONE = /[ \t]{1,4}(\S{3,256})[ \t]*(?=\r?\n|$)/y;
/** Names that are also plain English words. */
const VERBS = /^(?:[Pp]ass|auth|pin|key|keys|otp|cookies?|bearer|creds?|token)$/;
/** Errors of parsers quote the word that they did not expect. */
const STUMBLED = /(?:unexpected|unknown|invalid|missing|expected|illegal|unrecognized)\s$/i;

function matchAt(expression: RegExp, text: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(text);
}

type Form = (text: string, name: Name, closed: number, before: string) => Value | undefined;

/** The value of a name that no operator follows: of an element, an argument, a flag and so on. */
export function afterOther(text: string, name: Name, closed: number, verdict: KeyVerdict): Value | undefined {
  const before = text.slice(Math.max(0, name.start - BACK), name.start);
  for (const form of FORMS) {
    const value = form(text, name, closed, before);
    if (value === undefined) continue;
    const shown = text.slice(value.start, value.end);
    if (verdict === KeyVerdict.ifRandom && !looksSecret(shown)) continue;
    if (shown.endsWith(`.${text.slice(name.start, name.end)}`)) continue;
    if (
      !isReference(shown, { quoted: true, name: text.slice(name.start, name.end), code: false, after: '' })
    ) {
      return value;
    }
  }
  return undefined;
}

const FORMS: readonly Form[] = [element, property, formPart, compared, argument, flag, quoted, word];

/** `<password>x</password>`, and `<key>password</key> <string>x</string>`. */
function element(text: string, name: Name, closed: number, before: string): Value | undefined {
  const opened = OPEN_TAG.test(before) ? matchAt(OPENED, text, name.end) : null;
  const found = opened ?? matchAt(NEXT_ELEMENT, text, closed);
  return found === null ? undefined : content(text, (opened === null ? closed : name.end) + found[0].length);
}

/** The text of an element, up to the next tag. */
function content(text: string, start: number): Value | undefined {
  const ahead = text.slice(start, start + AHEAD);
  const stop = ahead.search(/\s*(?:\]\]>|<)/);
  if (stop <= 0 || !/^\s*(?:\]\]>|<\/)/.test(ahead.slice(stop))) return undefined;
  return { start, end: start + stop, next: start + stop, written: 'quoted' };
}

/** `<add key="password" value="x"/>`, `<param name="password">x</param>`, `name: password` with `value: x` beside it. */
function property(text: string, name: Name, _closed: number, before: string): Value | undefined {
  if (!NAMING.test(before)) return undefined;
  const attribute = matchAt(ATTRIBUTE_VALUE, text, name.end);
  if (attribute !== null) return readValue(text, name.end + attribute[0].length - 1);
  const pair = matchAt(PAIR_VALUE, text, name.end);
  if (pair !== null) return readValue(text, name.end + pair[0].length);
  const opened = /<[^<>]*$/.test(before) ? matchAt(ELEMENT, text, name.end) : null;
  return opened === null ? undefined : content(text, name.end + opened[0].length);
}

/** A part of a multipart form (RFC 7578): its name, perhaps more headers, an empty line, the value. */
function formPart(text: string, name: Name, _closed: number, before: string): Value | undefined {
  if (!/\bname=["']$/.test(before)) return undefined;
  const head = matchAt(FORM_PART, text, name.end);
  if (head === null) return undefined;
  const start = name.end + head[0].length;
  const stop = text.slice(start, start + AHEAD).search(/\r?\n--|\r?\n?$/);
  const end = start + (stop === -1 ? AHEAD : stop);
  return { start, end, next: end, written: 'quoted' };
}

/** The string that a name is compared to: `"x" == password`. */
function compared(_text: string, name: Name, _closed: number, before: string): Value | undefined {
  const found = COMPARED.exec(before);
  if (found === null) return undefined;
  const close = found.index;
  const open = before.lastIndexOf(found[1] ?? '"', close - 1);
  if (open === -1 || close - open < 2) return undefined;
  const base = name.start - before.length;
  return { start: base + open + 1, end: base + close, next: name.end, written: 'quoted' };
}

/** `setProperty("password", "x")`, `set_password("x")`, `std::string secret("x")`. */
function argument(text: string, name: Name, _closed: number, before: string): Value | undefined {
  const second = takesNext(text, name, before) ? matchAt(CALL_ARGUMENT, text, name.end) : null;
  const first =
    second ?? (ASKS.test(text.slice(name.start, name.end)) ? null : matchAt(CALLED, text, name.end));
  if (first === null) return undefined;
  const value = readValue(text, name.end + first[0].length);
  if (value === undefined || value.written !== 'quoted') return undefined;
  const listed = second !== null && /,\s*["'`]$/.test(before);
  if (listed && !looksRandom(text.slice(value.start, value.end))) return undefined;
  return isWording(text.slice(value.start, value.end)) ? undefined : value;
}

/** Whether the next argument is the value: `set("password", "x")`, `setopt(curl, CURLOPT_PASSWORD, "x")`. */
function takesNext(text: string, { start, end }: Name, before: string): boolean {
  if (/(?:\(|,)\s*["'`]$/.test(before)) return /["'`]/.test(text[end] ?? '');
  return /[(,]\s*$/.test(before) && /^[A-Z][A-Z0-9_]+$/.test(text.slice(start, end));
}

/** Whether a text is a word or a message rather than a value: letters alone, or a sentence. */
function isWording(text: string): boolean {
  return /^[\p{L}\s.,:_/!?-]*$/u.test(text) || /\s\S+\s/.test(text);
}

/** `--token x`: the next word of a command line. */
function flag(text: string, name: Name, _closed: number, before: string): Value | undefined {
  const whole = text.slice(name.start, name.end);
  if (!/^--?[A-Za-z]/.test(whole) || !/(?:^|[\s"'=,[(])$/.test(before)) return undefined;
  const gap = matchAt(/[ \t]{1,8}(?=[^\s-])/y, text, name.end);
  return gap === null ? undefined : readValue(text, name.end + gap[0].length);
}

/** `password "x"`, `PASSWORD 'x'`. */
function quoted(text: string, name: Name, closed: number, before: string): Value | undefined {
  const named = text.slice(name.start, name.end);
  if (closed !== name.end || STUMBLED.test(before)) return undefined;
  const gap = matchAt(QUOTED_NEXT, text, closed);
  if (gap === null || (gap[0].trim() === '' && VERBS.test(named))) return undefined;
  const value = readValue(text, closed + gap[0].length);
  if (value === undefined || value.end - value.start < SHORTEST) return undefined;
  const shown = text.slice(value.start, value.end);
  if (/^[\s+,).;]/.test(shown)) return undefined;
  return /^[a-z]+$/.test(shown) && !/^[A-Z_]+$/.test(named) ? undefined : value;
}

/** The next word, if it looks random or the line is a list of pairs; in a table, the next cell. */
function word(text: string, name: Name, closed: number, before: string): Value | undefined {
  const alone = COMMAND_LINE.test(text.slice(name.start, name.end)) && /(?:^|\n)$/.test(before);
  if (alone) return lastWord(text, name.end);
  const cell = matchAt(CELL, text, closed);
  const gap = (cell?.[0] ?? '').trim() === '' ? (matchAt(LINK, text, closed) ?? cell) : cell;
  if (gap === null) return undefined;
  const start = closed + gap[0].length + (/["'`]/.test(text[closed + gap[0].length] ?? '') ? 1 : 0);
  const found = matchAt(WORD, text, start)?.[0].replace(/[.!?:)\]}]+$/, '') ?? '';
  const pairs = WORD_PAIRS.test(before);
  const random = looksRandom(found, SHORTEST_RANDOM) && !/^(?:https?:|\.{0,2}\/)/.test(found);
  const quotedText = /["'`]/.test(text[start - 1] ?? '') && text[start - 1] === text[start + found.length];
  const said =
    quotedText &&
    /\s(?:is|are|was|lautet|ist|est|es|é|är)\s/.test(gap[0]) &&
    /\d/.test(found) &&
    found.length >= SHORTEST;
  const number = isNumber(found, text.slice(name.start, name.end), gap[0]);
  if (found === '' || text[start] === '[' || !(pairs || random || number || said)) return undefined;
  return { start, end: start + found.length, next: start + found.length, written: 'bare' };
}

/** `the code is 13447644`, `ssn 078051120`, `CVV2 is 987`. */
function isNumber(found: string, named: string, gap: string): boolean {
  const said = /\s(?:is|to|ist|est|es|é)\s$/.test(gap);
  if (!isNumberName(named.replace(/\d+$/, ''))) return said && /^\d{4,19}$/.test(found);
  return said ? /^\d{3,19}$/.test(found) : /^\d{8,19}$/.test(found);
}

/** `PASS x` (FTP, POP3): the only word of the line. */
function lastWord(text: string, at: number): Value | undefined {
  const found = matchAt(ALONE, text, at);
  if (found === null) return undefined;
  const end = at + found[0].trimEnd().length;
  return { start: end - (found[1]?.length ?? 0), end, next: end, written: 'bare' };
}

/**
 * Secrets without a name before them: SQL's `IDENTIFIED BY`, the masks of GitHub's workflows. The expression begins with
 * literals and looks behind from there, which passes over most of a text quickly.
 */
const WITHOUT_NAME =
  /IDENTIFIED(?:(?<=\bIDENTIFIED)\s{1,8}(?:WITH\s{1,8}[\w"'`]{1,64}\s{1,8})?(?:BY|AS)\s{1,8}(?:PASSWORD\s{1,8}|VALUES\s{1,8})?(?=["'])|(?<=\bUSER\s{1,4}\S{1,64}\s{1,4}IDENTIFIED)\s{1,4}BY\s{1,4}(?=\w))|::add-mask::(?=\S)/gi;
const SECRET_KIND = /(?:^|\n)[ \t]*["']?kind["']?:[ \t]*["']?Secret\b/;
const DATA = /(?:^|\n)([ \t]*)(?:data|stringData):[ \t]*\r?\n/g;
const ENTRY = /^([ \t]*)(?:- )?["']?[\w.-]{1,128}["']?:[ \t]*/;

/** An `INSERT` of SQL up to the bracket of its first row, with the names of its columns. */
const INSERT =
  /INSERT\s{1,8}(?:(?:IGNORE|OR REPLACE)\s{1,8})?INTO\s{1,8}[\w.`"[\]-]{1,128}\s{0,8}\(([^()]{1,2048})\)\s{0,8}VALUES\s{0,8}(?=\()/gi;
/** A value of a row with the comma or the bracket behind it; what is in quotes is its second group. */
const SQL_VALUE =
  /(\s{0,64}[NEne]?)(?:'((?:[^'\\]|''|\\.){0,4096})'|[^,()']{1,256}(?:\([^()]{0,256}\))?)\s{0,64}[,)]/sy;
const NEXT_ROW = /\s{0,64},\s{0,64}(?=\()/y;
/** The most rows of an `INSERT` that are read. */
const MAX_ROWS = 1_000;

/** What a text contains, in either case, if it has a secret without a name. */
export const SPECIAL_LITERALS = ['identified', '::add-mask::', 'kind: secret', 'kind: "secret"', '"kind":'];

/** Hides secrets that have no name before them, values of SQL's `INSERT`, and the data of Kubernetes Secrets. */
export function hideSpecialForms(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  for (const match of text.matchAll(WITHOUT_NAME)) {
    const at = match.index + match[0].length;
    const value = match[0].startsWith('::') ? restOfLine(text, at) : readValue(text, at);
    if (value === undefined || value.end === value.start || at < rewriter.done) continue;
    const shown = text.slice(value.start, value.end);
    if (!isReference(shown, { quoted: true, name: '', code: false, after: '' })) {
      rewriter.hide(value.start, value.end);
    }
  }
  const out = hideInserted(rewriter.toString(), context);
  return out.includes('Secret') && SECRET_KIND.test(out) ? hideSecretData(out, context) : out;
}

/** Hides the values of an `INSERT` whose columns are secret: `INSERT INTO users (name, password) VALUES ('ada', 'x')`. */
function hideInserted(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  for (const { index, 0: all, 1: columns = '' } of text.matchAll(INSERT)) {
    const names = columns.split(',').map((column) => column.replace(/[\s"'`[\]]/g, ''));
    if (names.every((name) => context.judge(name) === KeyVerdict.keep)) continue;
    let at: number | undefined = index + all.length;
    for (let rows = 0; rows < MAX_ROWS && at !== undefined; rows++)
      at = hideRow(text, at, names, rewriter, context);
  }
  return rewriter.toString();
}

/** Hides the secret values of one row. Returns where the next row begins, if there is one. */
function hideRow(
  text: string,
  start: number,
  names: readonly string[],
  rewriter: Rewriter,
  { judge }: DetectorContext,
): number | undefined {
  let at = start + 1;
  for (const name of names) {
    const cell = matchAt(SQL_VALUE, text, at);
    if (cell === null) return undefined;
    const [all, before = '', value] = cell;
    const verdict = judge(name);
    const secret =
      value !== undefined &&
      verdict !== KeyVerdict.keep &&
      (verdict !== KeyVerdict.ifRandom || looksSecret(value)) &&
      !isReference(value, { quoted: true, name, code: false, after: '' });
    if (secret) {
      const from = at + before.length + 1;
      rewriter.hide(from, from + value.length, verdict === KeyVerdict.mask);
    }
    at += all.length;
  }
  const next = matchAt(NEXT_ROW, text, at);
  return next === null ? undefined : at + next[0].length;
}

function restOfLine(text: string, at: number): { start: number; end: number } {
  const end = text.indexOf('\n', at);
  return { start: at, end: end === -1 ? text.length : end };
}

/** Hides the values of `data` and `stringData` in a Kubernetes Secret. */
function hideSecretData(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  for (const match of text.matchAll(DATA)) {
    const indent = match[1]?.length ?? 0;
    for (let line = match.index + match[0].length; line < text.length;) {
      const { end } = restOfLine(text, line);
      const entry = ENTRY.exec(text.slice(line, end));
      if (entry === null || (entry[1]?.length ?? 0) <= indent) break;
      const value = readValue(text, line + entry[0].length, entry[1]?.length ?? 0);
      const next = value === undefined ? end : Math.max(end, value.end);
      if (value !== undefined && value.end > value.start && value.start < next) {
        const shown = text.slice(value.start, value.end);
        if (!isReference(shown, { quoted: true, name: '', code: false, after: '' }))
          rewriter.hide(value.start, value.end);
      }
      line = next + 1;
    }
  }
  return rewriter.toString();
}
