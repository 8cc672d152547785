import type { Automaton, Hit, Place } from '../text/automaton.js';

/** A name in a text. */
export interface Name {
  readonly start: number;
  readonly end: number;
}

/** The most characters of a name. */
const MAX_NAME = 128;
/** How far behind a name another of its words is looked for, as in `private key`. */
const LONGEST_REST = 32;
/** Any word that an operator could follow, for policies whose names are regular expressions. */
const ANY_NAME =
  /[\w$.\-\u00c0-\u1fff\u2c00-\u2fef\u3040-\ud7ff\uf900-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]{1,128}/g;

/** The names in a text that contain one of the policy's literals, each in its full length. */
export function* wordsOf(text: string, automaton: Automaton, lengths: readonly number[]): Generator<Name> {
  let place: Place = { at: 0, state: 0 };
  let done = 0;
  for (let hit = automaton.find(text, place); hit !== undefined; hit = automaton.find(text, place)) {
    const length = Math.max(...hit.literals.map((index) => lengths[index] ?? 0));
    let start = hit.at - length;
    while (start > done && hit.at - start < MAX_NAME && isNamePart(text.charCodeAt(start - 1))) start--;
    if (text[start - 1] === '%' && start + 2 <= hit.at - length) start += 2;
    let end = hit.at;
    while (end < text.length && end - start < MAX_NAME && isNamePart(text.charCodeAt(end))) end++;
    // A name of several words may begin before the literal that was found first.
    let last: Place = hit;
    const next = (from: Place): Hit | undefined =>
      automaton.find(text, from, Math.min(text.length, end + LONGEST_REST));
    for (let more = next(hit); more !== undefined; more = next(more)) {
      const from = more.at - Math.max(...more.literals.map((index) => lengths[index] ?? 0));
      if (from >= end) break;
      if (from >= done) start = Math.min(start, from);
      end = Math.max(end, more.at);
      while (end < text.length && end - start < MAX_NAME && isNamePart(text.charCodeAt(end))) end++;
      last = more;
    }
    yield { start, end };
    done = end;
    place = end > last.at ? { at: end, state: 0 } : last;
  }
}

/** Every word of a text. */
export function* everyWord(text: string): Generator<Name> {
  for (const match of text.matchAll(ANY_NAME)) {
    const escaped = text[match.index - 1] === '%' ? Math.min(2, match[0].length) : 0;
    yield { start: match.index + escaped, end: match.index + match[0].length };
  }
}

/** Letters and digits of any script, `$`, `-`, `.`, `_`. */
function isNamePart(code: number): boolean {
  if (code < 0x80) {
    return (
      (code >= 0x61 && code <= 0x7a) ||
      (code >= 0x41 && code <= 0x5a) ||
      (code >= 0x2d && code <= 0x39 && code !== 0x2f) ||
      code === 0x5f ||
      code === 0x24
    );
  }
  // Signs, spaces and quotes of other scripts, and the full-width forms of those of ASCII, are no part of a name.
  return !(
    code < 0xc0 ||
    (code >= 0x2000 && code <= 0x2bff) ||
    (code >= 0x3000 && code <= 0x303f) ||
    (code >= 0xff00 && code <= 0xff0f) ||
    (code >= 0xff1a && code <= 0xff20) ||
    (code >= 0xff3b && code <= 0xff40) ||
    code >= 0xff5b
  );
}

/** A longer line is not a line of settings. */
const LONGEST_LINE = 1_024;
/** Another name with a value in the same line: then each value ends with its word. */
const ANOTHER = /(?:[\s;,&|]|^)["']?[\w.-]{1,64}["']?(?:\s?[:=]\s?|=>)\S/;
/** A comment at the end of a line. */
const COMMENT = /\s(?:#|\/\/|--)\s.*$/;
/** What may precede the name in a line of settings: a list mark, `export`, the time of a log. */
const LINE_START =
  /^(?:\s*(?:export|set|declare(?: -x)?|local|readonly|-|\+|\d{4}-\d\d-\d\dT[\d:.]+Z?)?\s*|\s*\$env:|\s*["'])$/i;
/** What occurs only in programs. */
const PROGRAM =
  /(?:^|[\s({;,])(?:const|let|var|val|final|def|return|if|elif|while|for|assert|await|new|function|func|fn|public|private|protected|static|import|type|interface|class|struct|readonly|expect|throw|impl|case)\b|(?:this|self|cls|exports|module)\.|=>|[{(;]\s*$|^\s*(?:\*|\/\/|\/\*)/;
/** Prose: three words or more, without a digit. */
const PROSE = /^(?:[A-Za-z'’,()-]+\s+){2,}[A-Za-z'’,()-]+[.!]?$/;

/** The line of a text around a name. */
export interface Line {
  /** The line's text before the name. */
  readonly before: string;
  /** Where the line ends. */
  readonly end: number;
}

/** The line around a name, at most {@link LONGEST_LINE} characters to either side. */
export function lineAround(text: string, start: number, from: number): Line {
  const floor = Math.max(0, start - LONGEST_LINE);
  const begin = Math.max(floor, text.lastIndexOf('\n', start - 1) + 1);
  let end = from;
  const ceiling = Math.min(text.length, from + LONGEST_LINE);
  while (end < ceiling && text[end] !== '\n' && text[end] !== '\r') end++;
  return { before: text.slice(begin, start), end };
}

/** Whether the name begins its line, so that the rest of the line is its value. */
export function beginsLine(line: Line): boolean {
  return LINE_START.test(line.before);
}

/** Whether the line looks like a program rather than settings. */
export function isProgram(line: Line, name: string, after: string): boolean {
  return PROGRAM.test(line.before + name) || /^\s*(?:;\s*(?:\}|\/\/|\n|$)|\)|\}\s*\))/.test(after);
}

/** Where a value that takes the rest of its line ends: before a comment and a closing sign. Undefined if another name follows. */
export function endOfLineValue(text: string, at: number, line: Line): number | undefined {
  const rest = text.slice(at, line.end);
  if (rest.length >= LONGEST_LINE || ANOTHER.test(rest.slice(1)) || /^[^\s]*\\n/.test(rest)) return undefined;
  const value = rest.replace(COMMENT, '').replace(/\s*(?:[,;]\s*)?["'`]?\s*(?:[,;]\s*)?$/, '');
  return value === '' ? undefined : at + value.length;
}

/** Whether a text is a sentence rather than a value. */
export function isProse(text: string): boolean {
  return PROSE.test(text.trim());
}
