import type { Dimension } from './model.js';
import { patternOf, templatesOf } from './templates.js';

/** How many distinct values of a field are told apart. Further values are counted as `(other)`. */
const DISTINCT = 20_000;

/** The name for all values that are not told apart. */
export const OTHER = '(other)';

/** The server of records that name none. */
export const NO_SERVER = '(none)';

/** Numbers the values of one field, in the order in which they occur. */
export class Names {
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  /** How many operations have each value. Records that are no operation count nothing. */
  readonly #counts: number[] = [];
  #refused = 0;

  /** Counts a value and returns its number. */
  take(name: string, isOperation: boolean): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      if (this.#names.length >= DISTINCT) return this.#refuse(name, isOperation);
      id = this.#new(name);
      // Reserves a number for `(other)` before the numbers run out.
      if (this.#names.length === DISTINCT - 1 && !this.#ids.has(OTHER)) this.#new(OTHER);
    }
    if (isOperation) this.#counts[id]!++;
    return id;
  }

  #new(name: string): number {
    const id = this.#names.push(name) - 1;
    this.#ids.set(name, id);
    this.#counts.push(0);
    return id;
  }

  #refuse(name: string, isOperation: boolean): number {
    this.#refused++;
    const pattern = patternOf(name);
    return this.take(this.#ids.has(pattern) ? pattern : OTHER, isOperation);
  }

  /** How many distinct values operations had. */
  get size(): number {
    if (this.#refused > 0) return DISTINCT;
    return this.#counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
  }

  /**
   * The `most` frequent values as a dimension, and the new number of each value. Of the others, URIs are counted by their
   * template.
   */
  fold(most: number): { dimension: Dimension; renumber: Uint16Array } {
    const other = this.#ids.get(OTHER);
    const order = this.#names.map((_, id) => id).filter((id) => id !== other);
    order.sort((a, b) => this.#counts[b]! - this.#counts[a]! || (this.#names[a]! < this.#names[b]! ? -1 : 1));
    const renumber = new Uint16Array(this.#names.length);
    const exact = order.length > most ? Math.floor(most * 0.7) : order.length;
    const names = order.slice(0, exact).map((id) => this.#names[id]!);
    order.slice(0, exact).forEach((id, rank) => (renumber[id] = rank));
    const rest = order.slice(exact);
    const templates = templatesOf(rest.map((id) => this.#names[id]!));
    const places = placesOf(templates, rest, most - exact - 1);
    rest.forEach((id, index) => {
      renumber[id] = exact + Math.min(places.get(templates[index]!) ?? places.size, most - exact - 1);
    });
    names.push(...places.keys());
    if (other !== undefined) renumber[other] = names.length;
    if (other !== undefined || rest.some((id) => renumber[id] === names.length)) names.push(OTHER);
    return { dimension: { names, exact, folded: rest.length + this.#refused }, renumber };
  }
}

/** The places of the templates that stand for most names, of those that stand for several. */
function placesOf(templates: readonly string[], ids: readonly number[], room: number): Map<string, number> {
  const sizes = new Map<string, number>();
  ids.forEach((_, index) => sizes.set(templates[index]!, (sizes.get(templates[index]!) ?? 0) + 1));
  const largest = [...sizes].filter(([, size]) => size > 1).sort((a, b) => b[1] - a[1]);
  return new Map(largest.slice(0, Math.max(0, room)).map(([template], place) => [template, place]));
}
