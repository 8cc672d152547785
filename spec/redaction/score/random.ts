/** Numbers that look random and are the same in every run. */
export interface Random {
  /** A whole number from one to another, both among them. */
  between(least: number, most: number): number;
  of<T>(items: readonly T[]): T;
  /** So many different items. */
  some<T>(items: readonly T[], count: number): T[];
  text(alphabet: string, length: number): string;
}

/** Mulberry32, by Tommy Ettinger: 32 bits of state, which is enough to draw samples. */
export function randomFrom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  const of = <T>(items: readonly T[]): T => items[between(0, items.length - 1)] as T;
  return {
    between,
    of,
    some: (items, count) => {
      const left = [...items];
      return Array.from(
        { length: Math.min(count, left.length) },
        () => left.splice(between(0, left.length - 1), 1)[0]!,
      );
    },
    text: (alphabet, length) =>
      Array.from({ length }, () => alphabet[between(0, alphabet.length - 1)]).join(''),
  };
}
