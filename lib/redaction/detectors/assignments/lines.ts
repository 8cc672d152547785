/** A line longer than this is no line of settings. */
const LONGEST_LINE = 1_024;
/** Another name with a value, further on in a line: then each value ends where its word does. */
const ANOTHER = /(?:[\s;,&|]|^)["']?[\w.-]{1,64}["']?(?:\s?[:=]\s?|=>)\S/;
/** A comment at the end of a line. */
const COMMENT = /\s(?:#|\/\/|--)\s.*$/;
/** What stands before a name that begins a line of settings: a list mark, `export`, a log's time. */
const LINE_START =
  /^(?:\s*(?:export|set|declare(?: -x)?|local|readonly|-|\+|\d{4}-\d\d-\d\dT[\d:.]+Z?)?\s*|\s*\$env:|\s*["'])$/i;
/** Words that only programs begin their lines with. */
const PROGRAM =
  /(?:^|[\s({;,])(?:const|let|var|val|final|def|return|if|elif|while|for|assert|await|new|function|func|fn|public|private|protected|static|import|type|interface|class|struct|readonly|expect|throw|impl|case)\b|(?:this|self|cls|exports|module)\.|=>|[{(;]\s*$|^\s*(?:\*|\/\/|\/\*)/;
/** Prose says what a thing is in words: three or more, without a digit. */
const PROSE = /^(?:[A-Za-z'’,()-]+\s+){2,}[A-Za-z'’,()-]+[.!]?$/;

/** A line of a text, about a place in it. */
export interface Line {
  /** What stands on the line before the name. */
  readonly before: string;
  /** Where the line ends. */
  readonly end: number;
}

/** The line that a name stands on; looks no further than so far to either side. */
export function lineAround(text: string, start: number, from: number): Line {
  const floor = Math.max(0, start - LONGEST_LINE);
  const begin = Math.max(floor, text.lastIndexOf('\n', start - 1) + 1);
  let end = from;
  const ceiling = Math.min(text.length, from + LONGEST_LINE);
  while (end < ceiling && text[end] !== '\n' && text[end] !== '\r') end++;
  return { before: text.slice(begin, start), end };
}

/** Whether a name begins its line, so that all of the line is its value. */
export function beginsLine(line: Line): boolean {
  return LINE_START.test(line.before);
}

/** Whether a program is read and not settings, as far as the line tells. */
export function isProgram(line: Line, name: string, after: string): boolean {
  return PROGRAM.test(line.before + name) || /^\s*(?:;\s*(?:\}|\/\/|\n|$)|\)|\}\s*\))/.test(after);
}

/** Where the value of a name that begins its line ends: before a comment and a closing sign; undefined if a name follows. */
export function endOfLineValue(text: string, at: number, line: Line): number | undefined {
  const rest = text.slice(at, line.end);
  if (rest.length >= LONGEST_LINE || ANOTHER.test(rest.slice(1)) || /^[^\s]*\\n/.test(rest)) return undefined;
  const value = rest.replace(COMMENT, '').replace(/\s*(?:[,;]\s*)?["'`]?\s*(?:[,;]\s*)?$/, '');
  return value === '' ? undefined : at + value.length;
}

/** Whether a text is a sentence about something, and no value. */
export function isProse(text: string): boolean {
  return PROSE.test(text.trim());
}
