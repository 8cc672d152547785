import type { Hider } from './hider.js';

/** Collects the parts of a text that stay and those that are hidden. */
export class Rewriter {
  #out = '';
  #written = 0;
  /** Where the search goes on: what stands before it has been looked at. */
  done = 0;

  constructor(
    readonly text: string,
    private readonly hider: Hider,
  ) {}

  /** Hides what stands from `start` to `end`; the search goes on at `next`. Parts are hidden in the text's order. */
  hide(start: number, end: number, mask = false, next = end): void {
    if (start < this.#written) return;
    this.#out += this.text.slice(this.#written, start) + this.hider.hide(this.text.slice(start, end), mask);
    this.#written = end;
    this.done = Math.max(this.done, next);
  }

  /** The text with marks in the places of what was hidden; the same string where nothing was. */
  toString(): string {
    return this.#written === 0 ? this.text : this.#out + this.text.slice(this.#written);
  }
}
