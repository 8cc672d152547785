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
