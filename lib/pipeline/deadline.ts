import { after } from '../internal/duration.js';

/** Expiries that lie closer together than this are handled at once, in ms: thousands of waiting callers, few wake-ups. */
const GRAIN_MS = 10;

/**
 * One timer for all that waits in a lane. It is armed for the oldest and looks again when it fires, instead of a timer per
 * record; while nothing waits it does not keep the process alive.
 */
export class DeadlineTimer {
  #timer: NodeJS.Timeout | undefined;

  /** @param expire - settles what is overdue; returns when the next expiry is due (monotonic ms), or nothing. */
  constructor(private readonly expire: (now: number) => number | undefined) {}

  /** Something waits, and is due after so many ms at the earliest. */
  watch(dueInMs: number): void {
    if (this.#timer === undefined) this.#arm(dueInMs);
    else this.#timer.ref();
  }

  /** Nothing waits any more. */
  rest(): void {
    this.#timer?.unref();
  }

  /** Nothing will ever wait again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(dueInMs: number): void {
    this.#timer = after(dueInMs, () => {
      this.#timer = undefined;
      const now = performance.now();
      const next = this.expire(now);
      if (next !== undefined) this.#arm(Math.max(GRAIN_MS, next - now));
    });
  }
}
