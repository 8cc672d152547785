import type { Cube, Timeline, Dimension } from './model.js';

/** The most buckets of a timeline: few enough to draw, and enough to see when something happened. */
const MOST_BUCKETS = 240;
/** How many values of each field the page tells apart. */
const ACTORS = 200;
const TARGETS = 300;
const SERVERS = 100;
/** The most cells that a page can hold without becoming slow. */
const MOST_CELLS = 250_000;

/** The widths of buckets, in milliseconds: those that are easy to read on a clock. */
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 56, 112, 224, 448].map((n) => n * DAY),
];

/** Factors that pack the coordinates of a cell into one safe integer: 2^15 for each of three fields, 8 for the outcome, then the bucket. */
const WIDE = 1 << 15;
const OUTCOME_BITS = 8;

/** Counts operations by time, actor, target, server and outcome, in one pass and bounded memory. */
export class CubeBuilder {
  readonly actors = new Names();
  readonly targets = new Names();
  readonly servers = new Names();
  /** For each combination of names and outcome, the counts by bucket. */
  readonly #cells = new Map<number, Map<number, number>>();
  #step = 0;

  /** Counts one operation. */
  add(time: number, actor: string, target: string, server: string, outcome: number): void {
    const key =
      ((this.actors.take(actor) * WIDE + this.targets.take(target)) * WIDE + this.servers.take(server)) *
        OUTCOME_BITS +
      outcome;
    if (Number.isNaN(time)) return;
    let buckets = this.#cells.get(key);
    if (buckets === undefined) this.#cells.set(key, (buckets = new Map()));
    const bucket = Math.floor(time / STEPS[this.#step]!);
    buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
    this.#note(bucket);
  }

  #low = Infinity;
  #high = -Infinity;

  /** Widens the buckets when there would be too many of them. */
  #note(bucket: number): void {
    this.#low = Math.min(this.#low, bucket);
    this.#high = Math.max(this.#high, bucket);
    while (this.#high - this.#low >= MOST_BUCKETS && this.#step < STEPS.length - 1) this.#widen();
  }

  #widen(): void {
    const from = STEPS[this.#step]!;
    const to = STEPS[++this.#step]!;
    // Not every width is a multiple of the one before (5 and 2, for example), so a bucket goes where its start falls. Counts
    // stay exact; bounds may shift by one bucket.
    const moved = (bucket: number) => Math.floor((bucket * from) / to);
    for (const [key, buckets] of this.#cells) {
      const merged = new Map<number, number>();
      for (const [bucket, count] of buckets)
        merged.set(moved(bucket), (merged.get(moved(bucket)) ?? 0) + count);
      this.#cells.set(key, merged);
    }
    this.#low = moved(this.#low);
    this.#high = moved(this.#high);
  }

  /** Returns the counts. */
  finish(): { cube: Cube; timeline: Timeline } {
    const size = () => [...this.#cells.values()].reduce((sum, { size }) => sum + size, 0);
    while (size() > MOST_CELLS && this.#step < STEPS.length - 1) this.#widen();
    const empty = this.#cells.size === 0;
    const step = STEPS[this.#step]!;
    const timeline = {
      start: empty ? 0 : this.#low * step,
      step,
      buckets: empty ? 0 : this.#high - this.#low + 1,
    };
    return { cube: this.#fold(), timeline };
  }

  #fold(): Cube {
    const actors = this.actors.fold(ACTORS);
    const targets = this.targets.fold(TARGETS);
    const servers = this.servers.fold(SERVERS);
    const folded = new Map<number, number>();
    for (const [key, buckets] of this.#cells) {
      const outcome = key % OUTCOME_BITS;
      const rest = Math.floor(key / OUTCOME_BITS);
      const server = servers.renumber[rest % WIDE]!;
      const target = targets.renumber[Math.floor(rest / WIDE) % WIDE]!;
      const actor = actors.renumber[Math.floor(rest / WIDE / WIDE)]!;
      for (const [bucket, count] of buckets) {
        // At most 448 * 512 * 128 * 256 * 8: a safe integer.
        const cell =
          ((((bucket - this.#low) * 512 + target) * 128 + server) * 256 + actor) * OUTCOME_BITS + outcome;
        folded.set(cell, (folded.get(cell) ?? 0) + count);
      }
    }
    return unpack(folded, {
      actors: actors.dimension,
      targets: targets.dimension,
      servers: servers.dimension,
    });
  }
}

function unpack(
  folded: ReadonlyMap<number, number>,
  dimensions: Pick<Cube, 'actors' | 'targets' | 'servers'>,
): Cube {
  const cells = [...folded].sort(([a], [b]) => a - b);
  const part = (divisor: number, modulus: number) =>
    cells.map(([cell]) => Math.floor(cell / divisor) % modulus);
  return {
    ...dimensions,
    outcome: part(1, 8),
    actor: part(8, 256),
    server: part(8 * 256, 128),
    target: part(8 * 256 * 128, 512),
    time: part(8 * 256 * 128 * 512, 4096),
    count: cells.map(([, count]) => count),
  };
}

/** How many distinct values of a field are told apart. Further values are counted as `(other)`. */
const DISTINCT = 20_000;

/** The name for all values that are not told apart. */
const OTHER = '(other)';

/** Numbers the values of one field, in the order in which they occur. */
class Names {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #counts: number[] = [];
  #refused = 0;

  /** Counts a value and returns its number. */
  take(name: string): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      if (this.#names.length >= DISTINCT) {
        this.#refused++;
        return this.take(OTHER);
      }
      id = this.#names.push(name) - 1;
      this.#ids.set(name, id);
      this.#counts.push(0);
      // Reserves a number for `(other)` before the numbers run out.
      if (this.#names.length === DISTINCT - 1 && name !== OTHER) this.take(OTHER);
    }
    this.#counts[id]!++;
    return id;
  }

  /** How many distinct values there were. */
  get size(): number {
    return this.#refused > 0 ? DISTINCT : this.#names.length;
  }

  /** Whether there were more values than are told apart. */
  get overflowed(): boolean {
    return this.#refused > 0;
  }

  name(id: number): string {
    return this.#names[id] ?? OTHER;
  }

  /** The `most` frequent values as a dimension, and the new number of each value. */
  fold(most: number): { dimension: Dimension; renumber: Uint16Array } {
    const order = this.#names.map((_, id) => id);
    order.sort((a, b) => this.#counts[b]! - this.#counts[a]! || (this.#names[a]! < this.#names[b]! ? -1 : 1));
    const renumber = new Uint16Array(this.#names.length);
    const kept = order.length > most ? order.slice(0, most - 1) : order;
    order.forEach((id, rank) => (renumber[id] = Math.min(rank, kept.length)));
    const names = kept.map((id) => this.#names[id]!);
    const folded = order.length - kept.length;
    if (folded > 0) names.push(OTHER);
    return { dimension: { names, folded }, renumber };
  }
}
