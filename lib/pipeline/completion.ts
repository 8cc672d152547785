import { SinkError } from '../errors.js';
import { after } from '../internal/duration.js';

/** What one caller waits for: the word of every sink that its record must reach. */
export class Completion {
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: SinkError) => void;
  #waiting: number;
  #failures: SinkError[] | undefined;
  readonly #anyWillDo: boolean;

  /** @param sinks - how many will speak, each once. @param anyWillDo - whether one success is enough. */
  constructor(sinks: number, anyWillDo: boolean) {
    this.#waiting = sinks;
    this.#anyWillDo = anyWillDo;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** One sink has the record. */
  delivered(): void {
    this.#waiting--;
    if (this.#anyWillDo) this.#resolve();
    else if (this.#waiting === 0) this.#conclude();
  }

  /** One sink has failed; the caller hears of it when the others have spoken too, each within its own deadline. */
  failed(error: SinkError): void {
    this.#waiting--;
    (this.#failures ??= []).push(error);
    if (this.#waiting === 0) this.#conclude();
  }

  #conclude(): void {
    if (this.#failures === undefined) this.#resolve();
    else this.#reject(joined(this.#failures));
  }
}

/** Several failures as one error; each record gets an error object of its own, since the caller puts its outcome into it. */
export function joined(failures: readonly SinkError[]): SinkError {
  const [first] = failures;
  if (first !== undefined && failures.length === 1) return first;
  return new SinkError(
    failures.map((failure) => failure.sink).join(','),
    failures.map((failure) => failure.message).join('; '),
    { cause: new AggregateError(failures), code: first?.code ?? 'MCP_LOG_ERR_SINK' },
  );
}

/** Expiries that lie closer together than this are handled at once, in ms: thousands of waiting callers, few wake-ups. */
const GRAIN_MS = 10;

/**
 * One timer for all that waits in a worker. It is armed for the oldest and looks again when it fires, instead of a timer per
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

/** The failure of a sink that has not answered in time. */
export function timeoutError(sink: string, deadlineMs: number): SinkError {
  return new SinkError(sink, `sink '${sink}' has not answered within ${deadlineMs} ms`, {
    code: 'MCP_LOG_ERR_SINK_TIMEOUT',
  });
}
