/** A word of a command line: what it says, and where that stands in the text, without quotes. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words of one command that are looked at, and characters of one. */
const MAX_WORDS = 128;
const LONGEST_COMMAND = 8_192;
/** A word of a shell: quoted, or bare with what a backslash protects. What ends the command is no part of it. */
const WORD =
  /'([^'\n]{0,4096})'|\\?"((?:[^"\\\n]|\\[^"\n]){0,4096})\\?"|((?:[^\s'"`|;&<>()\\]|\\[^\s"]|(?<=[^\s])["'])+)/y;
/** Blanks between words, and the end of a line that goes on with the next. */
const GAP = /(?:[ \t]|\\\r?\n|`\r?\n|\^\r?\n){1,256}/y;

/** The words of a command from `at` to its end: a line end, a pipe, a semicolon, or the quote that it stands in. */
export function commandWords(text: string, at: number): Word[] {
  const words: Word[] = [];
  const ceiling = at + LONGEST_COMMAND;
  for (let place = at; words.length < MAX_WORDS && place < ceiling;) {
    WORD.lastIndex = place;
    const found = WORD.exec(text);
    if (found === null) break;
    const [all, single, double, bare] = found;
    const word = single ?? double ?? bare ?? '';
    const start = place + (bare === undefined ? all.indexOf(word, /^\\/.test(all) ? 2 : 1) : 0);
    words.push({ text: word, start, end: start + word.length });
    GAP.lastIndex = place + all.length;
    if (!GAP.test(text)) {
      // `--user='a b'` and `-p"x"` are one word each, written in two ways.
      const next = text[place + all.length];
      if (bare !== undefined && (next === "'" || next === '"') && /[=a-zA-Z]$/.test(bare)) {
        place += all.length;
        continue;
      }
      break;
    }
    place = GAP.lastIndex;
  }
  return words;
}
