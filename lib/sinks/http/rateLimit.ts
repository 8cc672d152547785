import { sleep } from '../../internal/duration.js';

/**
 * A token bucket: bursts up to `perSecond` requests, then as many a second. Callers are let through in the order in which
 * they came.
 */
export class RateLimit {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt = performance.now();
  #last: Promise<void> = Promise.resolve();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Resolves when one more request may be made. */
  take(): Promise<void> {
    this.#last = this.#last.then(() => this.#take());
    return this.#last;
  }

  async #take(): Promise<void> {
    this.#fill();
    while (this.#tokens < 1) {
      await sleep(Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000));
      this.#fill();
    }
    this.#tokens--;
  }

  #fill(): void {
    const now = performance.now();
    const earned = ((now - this.#filledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned);
    this.#filledAt = now;
  }
}
