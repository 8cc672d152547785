/**
 * What a terminal, a log viewer or a line-splitting reader could act on, and `JSON.stringify` leaves raw: DEL and C1
 * (U+0085 is a line break, U+009B opens an escape sequence), the Unicode line breaks U+2028 and U+2029, and the
 * bidirectional controls (UAX #9) that make a line read as something else.
 */
const HARMFUL = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EVERY_HARMFUL = new RegExp(HARMFUL.source, 'g');
/** A lone surrogate, as `JSON.stringify` writes it; an escaped backslash is matched first, so that it is passed over. */
const LONE_SURROGATE = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

/** Half of a pair or a lone one: the quick look before the careful one. */
const SURROGATE = /[\ud800-\udfff]/;

/**
 * JSON text on one line, in printable characters: every control and direction character is `\u`-escaped, every lone
 * surrogate is U+FFFD (as UTF-8 encoders write it), so that any reader of any encoding sees the same text.
 */
export function toJsonLine(value: unknown): string {
  let line = JSON.stringify(value);
  if (line.includes('\\ud')) {
    line = line.replace(LONE_SURROGATE, (match) => (match === '\\\\' ? match : '\ufffd'));
  }
  return escapeControls(line);
}

/** Escapes DEL, C1, line breaks and direction controls in a JSON text (which escapes the C0 controls itself). */
export function escapeControls(text: string): string {
  return isHarmless(text) ? text : text.replace(EVERY_HARMFUL, escape);
}

/** Of plain ASCII, which most lines are, DEL alone can do harm; to look for it is many times faster than the pattern. */
function isHarmless(text: string): boolean {
  return Buffer.byteLength(text) === text.length ? !text.includes('\u007f') : !HARMFUL.test(text);
}

/** Lines as bytes, each with a line feed: written in place, since joining the texts first costs several times as much. */
export function bytesOfLines(lines: readonly string[]): Buffer {
  let size = lines.length;
  for (const line of lines) size += Buffer.byteLength(line);
  const bytes = Buffer.allocUnsafe(size);
  let end = 0;
  for (const line of lines) {
    end += bytes.write(line, end);
    bytes[end++] = 0x0a;
  }
  return bytes;
}

/** A text for people: as {@link escapeControls}, and C0 controls too. */
export function printable(text: string): string {
  return escapeControls(wellFormed(text).replace(/[\u0000-\u001f]/g, escape));
}

/** The text with every lone surrogate replaced by U+FFFD. (`toWellFormed` is newer than the types we build with.) */
export function wellFormed(text: string): string {
  return SURROGATE.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
