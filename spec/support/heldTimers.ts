interface HeldTimer {
  readonly due: number;
  readonly run: () => void;
}

/** Holds every `setTimeout` of this process, and its monotonic clock, until a test lets time pass. `setImmediate` goes on as ever. */
export class HeldTimers {
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  readonly #waiting = new Set<unknown>();
  #now = 0;

  constructor() {
    const hold = (run: () => void, milliseconds: number) => {
      // As Node's timers: a delay that does not fit 31 bits becomes 1 ms.
      const delay = milliseconds <= 2 ** 31 - 1 ? milliseconds : 1;
      const timer = { due: this.#now + delay, run, unref: () => timer, ref: () => timer };
      this.#waiting.add(timer);
      return timer;
    };
    const release = (timer: unknown) => this.#waiting.delete(timer);
    Object.assign(globalThis, { setTimeout: hold, clearTimeout: release });
    // Whole milliseconds, which add up without a rest.
    const start = Math.ceil(performance.now());
    performance.now = () => start + this.#now;
  }

  /** Runs the timers that are due by then, each at its time, and lets everything happen that waits for no timer. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (let next = this.#next(); next !== undefined && next.due <= end; next = this.#next()) {
      this.#waiting.delete(next);
      this.#now = next.due;
      next.run();
      await settle();
    }
    this.#now = end;
  }

  #next(): HeldTimer | undefined {
    return ([...this.#waiting] as HeldTimer[]).sort((a, b) => a.due - b.due)[0];
  }

  /** Gives the timers back; those that still wait never run. */
  restore(): void {
    Object.assign(globalThis, this.#real);
    // The real one is the prototype's.
    Reflect.deleteProperty(performance, 'now');
  }
}

/** Lets everything happen that waits for no timer. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
