import { SinkError } from '../errors.js';

/** What one caller waits for: the word of every sink that its record must reach. */
export class Receipt {
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
