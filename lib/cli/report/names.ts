import type { Dimension } from './model.js';

/** So many distinct values of a field are told apart; what comes after them is counted as `(other)`. */
const DISTINCT = 20_000;

/** The name that stands for all values that are not told apart. */
const OTHER = '(other)';

/** Gives the values of one field numbers, in the order in which they come. */
export class Names {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #counts: number[] = [];
  #refused = 0;

  /** The number of a value; counts it. */
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
      // Its place is kept free, so that there is always one.
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

  /** The `most` frequent values as a dimension, and the new number of each old one. */
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
