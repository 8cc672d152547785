/** A run of token characters shorter than this is no secret that a detector knows by its shape. */
const SHORTEST_TOKEN = 12;
/** As many digits as the shortest number that a detector looks for (a social security number). */
const SHORTEST_NUMBER = 9;

const PLAIN = 0;
const TOKEN = 1;
const DIGIT = 2;
const SIGN = 3;

/** What each ASCII character can be a part of. */
const CLASSES = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/\d/.test(char)) CLASSES[code] = DIGIT;
  else if (/[A-Za-z_+/.-]/.test(char)) CLASSES[code] = TOKEN;
  else if (/[=:{["'%@\\]/.test(char)) CLASSES[code] = SIGN;
}

/**
 * Whether no built-in detector can find anything in a text, told by one look at each character: most strings of a call are
 * words and short names, and need no more. Surrogates make a text suspicious, since they may stand alone.
 */
export function looksClean(text: string): boolean {
  let run = 0;
  let digits = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const kind = code < 128 ? CLASSES[code] : code >= 0xd800 && code <= 0xdfff ? SIGN : PLAIN;
    if (kind === TOKEN) run++;
    else if (kind === DIGIT) {
      run++;
      if (++digits === SHORTEST_NUMBER) return false;
    } else if (kind === SIGN) return false;
    else run = 0;
    if (run === SHORTEST_TOKEN) return false;
  }
  return !text.startsWith('--') && !text.includes(' --');
}
