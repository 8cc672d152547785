/** A run of token characters shorter than this is no secret that a detector knows by its shape. */
const SHORTEST_TOKEN = 12;
/** As many digits as the shortest number that a detector looks for (a social security number). */
const SHORTEST_NUMBER = 9;

const PLAIN = 0;
const TOKEN = 1;
const DIGIT = 2;
const DASH = 3;
const SIGN = 4;

/** What each ASCII character can be a part of. */
const CLASSES = new Uint8Array(128);
for (let code = 0; code < CLASSES.length; code++) {
  const char = String.fromCharCode(code);
  if (/\d/.test(char)) CLASSES[code] = DIGIT;
  else if (char === '-') CLASSES[code] = DASH;
  else if (/[A-Za-z_+/.]/.test(char)) CLASSES[code] = TOKEN;
  else if (/[=:{["'%@\\]/.test(char)) CLASSES[code] = SIGN;
}

/**
 * Whether a text is well-formed and no built-in detector but `email` can find anything in it, told by one look at each
 * character: most strings of a call are words and short names, and need no more.
 */
export function looksClean(text: string): boolean {
  let run = 0;
  let digits = 0;
  let before = PLAIN;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const kind = code < 128 ? (CLASSES[code] as number) : code >= 0xd800 && code <= 0xdfff ? SIGN : PLAIN;
    // Where no word goes before it, a dash may begin a flag, whose value is the next word.
    if (kind === SIGN || (kind === DASH && before !== TOKEN && before !== DIGIT)) return false;
    if (kind === DIGIT) digits++;
    run = kind === PLAIN ? 0 : run + 1;
    if (run === SHORTEST_TOKEN || digits === SHORTEST_NUMBER) return false;
    before = kind;
  }
  return true;
}
