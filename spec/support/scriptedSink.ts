import type { AuditRecord } from '../../lib/schema/record.js';
import type { Sink, SinkResult } from '../../lib/sinks/sink.js';

/** What a scripted sink does with one batch. */
export type Step = 'take' | 'throw' | 'retryable' | 'permanent' | 'hang';

/** A sink as a user may write one, which does what the test says: what cannot be had from a real receiver on demand. */
export class ScriptedSink implements Sink {
  readonly batches: AuditRecord[][] = [];
  /** What was taken. */
  readonly records: AuditRecord[] = [];
  flushes = 0;
  closed = false;
  /** How many emits were under way at once, at most. */
  widest = 0;
  #open = 0;
  readonly #hanging: ((result: SinkResult) => void)[] = [];

  constructor(
    readonly name: string,
    /** What to do with the next batches; when it runs out, `then`. */
    readonly steps: Step[] = [],
    public then: Step = 'take',
  ) {}

  get seqs(): number[] {
    return this.records.map((record) => record.seq);
  }

  async emit(batch: readonly AuditRecord[]): Promise<SinkResult> {
    this.widest = Math.max(this.widest, ++this.#open);
    try {
      this.batches.push([...batch]);
      const step = this.steps.shift() ?? this.then;
      await Promise.resolve();
      if (step === 'throw') throw Object.assign(new Error('secret-canary'), { code: 'E_SCRIPT' });
      if (step === 'retryable' || step === 'permanent')
        return { status: step, error: new Error('secret-canary') };
      if (step === 'hang')
        return await new Promise((resolve) => this.#hanging.push(resolve)).then(() => this.#take(batch));
      return this.#take(batch);
    } finally {
      this.#open--;
    }
  }

  /** Lets every hanging batch through. */
  release(): void {
    for (const resolve of this.#hanging.splice(0)) resolve({ status: 'delivered' });
  }

  flush(): Promise<void> {
    this.flushes++;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #take(batch: readonly AuditRecord[]): SinkResult {
    this.records.push(...batch);
    return { status: 'delivered' };
  }
}

/** What became of a promise: its error, or nothing. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** No test waits longer: one that failed must not keep mocha from ending. */
const IN_VAIN_MS = 120_000;

/** Waits until something holds; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + IN_VAIN_MS; !holds();) {
    if (Date.now() > end) throw new Error('what was waited for never came');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
