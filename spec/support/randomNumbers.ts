/** A small generator of even random numbers (mulberry32), so that a log is the same on every machine. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One of several things, each as often as its share. */
export function pick<T>(random: () => number, items: readonly (readonly [T, number])[]): T {
  let point = random() * items.reduce((sum, [, share]) => sum + share, 0);
  for (const [item, share] of items) if ((point -= share) < 0) return item;
  return items[0]![0];
}

/** Hex digits. */
export function hex(random: () => number, digits: number): string {
  let text = '';
  while (text.length < digits)
    text += Math.floor(random() * 4294967296)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, digits);
}

/** A UUIDv7 of a time, in milliseconds since the epoch. */
export function uuid(random: () => number, time: number): string {
  const stamp = time.toString(16).padStart(12, '0');
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}-7${hex(random, 3)}-8${hex(random, 3)}-${hex(random, 12)}`;
}
