/**
 * What a terminal, a log viewer or a line-splitting reader could act on, and `JSON.stringify` leaves raw: DEL and C1
 * (U+0085 is a line break, U+009B opens an escape sequence), the Unicode line breaks U+2028 and U+2029, and the
 * bidirectional controls (UAX #9) that make a line read as something else.
 */
const HARMFUL = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const EVERY_HARMFUL = new RegExp(HARMFUL.source, 'g');
/** Half of a pair or a lone one: the quick look before the careful one. */
const SURROGATE = /[\ud800-\udfff]/;

/** Escapes DEL, C1, line breaks and direction controls in a JSON text (which escapes the C0 controls itself). */
export function escapeControls(text: string): string {
  return HARMFUL.test(text) ? text.replace(EVERY_HARMFUL, escape) : text;
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
