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

/** How many insertions, deletions, replacements and swaps of neighbours lead from one short word to another. */
function distance(a: string, b: string): number {
  let [twoBack, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      line.push(
        Math.min(
          at(last, column) + 1,
          at(line, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(twoBack, column - 2) + 1 : Infinity,
        ),
      );
    }
    [twoBack, last] = [last ?? [], line];
  }
  return at(last, b.length);
}

function at(line: readonly number[] | undefined, column: number): number {
  return line?.[column] ?? Infinity;
}

/** The known word that was most likely meant: up to a third of its letters may be wrong, or its end may be missing. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const far = word.length >= 3 && candidate.startsWith(word) ? 0.5 : distance(word, candidate);
    if (far < least && far <= Math.max(1, Math.floor(candidate.length / 3))) {
      best = candidate;
      least = far;
    }
  }
  return best;
}
