import { SinkError } from '../errors.js';
import { after } from '../internal/duration.js';

/** The promise that one caller awaits. It settles when every sink that must have the record has answered. */
export class Completion {
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: SinkError) => void;
  #waiting: number;
  #failures: SinkError[] | undefined;
  readonly #anyWillDo: boolean;

  /**
   * @param sinks - how many sinks answer, each once.
   * @param anyWillDo - whether one success is enough.
   */
  constructor(sinks: number, anyWillDo: boolean) {
    this.#waiting = sinks;
    this.#anyWillDo = anyWillDo;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** One sink has taken the record. */
  delivered(): void {
    this.#waiting--;
    if (this.#anyWillDo) this.#resolve();
    else if (this.#waiting === 0) this.#conclude();
  }

  /** One sink has failed. The promise rejects when the other sinks have answered too, each within its own deadline. */
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

/** Several failures as one error. */
export function joined(failures: readonly SinkError[]): SinkError {
  const [first] = failures;
  if (first !== undefined && failures.length === 1) return first;
  return new SinkError(
    failures.map((failure) => failure.sink).join(','),
    failures.map((failure) => failure.message).join('; '),
    { cause: new AggregateError(failures), code: first?.code ?? 'MCP_LOG_ERR_SINK' },
  );
}

/** Deadlines closer together than this, in ms, are handled together: each wake-up costs, and thousands of callers may wait. */
const GRAIN_MS = 10;

/**
 * One timer for all records that wait for a sink, because a timer per record would cost more than the record. It is set for
 * the oldest record, and set anew when it fires. While no record waits, it does not keep the process alive.
 */
export class DeadlineTimer {
  #timer: NodeJS.Timeout | undefined;

  /** @param expire - handles what is overdue, and returns the next deadline (ms of the monotonic clock), if there is one. */
  constructor(private readonly expire: (now: number) => number | undefined) {}

  /** A record waits; its deadline is at least `dueInMs` away. */
  watch(dueInMs: number): void {
    if (this.#timer === undefined) this.#arm(dueInMs);
    else this.#timer.ref();
  }

  /** No record waits any more. */
  rest(): void {
    this.#timer?.unref();
  }

  /** No record will come any more. */
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

/** The error for a sink that has not answered within `exportTimeoutMillis`. */
export function timeoutError(sink: string, exportTimeoutMillis: number): SinkError {
  return new SinkError(sink, `sink '${sink}' has not answered within ${exportTimeoutMillis} ms`, {
    code: 'MCP_LOG_ERR_SINK_TIMEOUT',
  });
}
