import { type Hash } from './hash.js';

/** Takes hashes out of batches in portions of any size. */
export class LeafCursor {
  readonly #batches: AsyncIterator<readonly Hash[]>;
  #batch: readonly Hash[] = [];
  #at = 0;

  constructor(batches: AsyncIterable<readonly Hash[]>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** The next hashes: as many as were asked for, or all that are left; none for a number below 1. */
  async take(count: number): Promise<Hash[]> {
    const taken: Hash[] = [];
    while (taken.length < count) {
      if (this.#at === this.#batch.length && !(await this.#advance())) break;
      const portion = this.#batch.slice(this.#at, this.#at + count - taken.length);
      for (const hash of portion) taken.push(hash);
      this.#at += portion.length;
    }
    return taken;
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  async #advance(): Promise<boolean> {
    const { value, done } = await this.#batches.next();
    if (done === true) return false;
    this.#batch = value as readonly Hash[];
    this.#at = 0;
    return true;
  }
}
