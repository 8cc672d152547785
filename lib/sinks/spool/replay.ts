import type { AuditRecord } from '../../schema/record.js';
import { after } from '../../duration.js';
import { backoffMs, postponement } from '../backoff.js';
import { asError, emitTo, sinkName } from '../emit.js';
import { causeOf, Gap, type GapRecordFactory } from '../gap.js';
import type { Sink, SinkResult } from '../sink.js';
import { encodeEntry } from './entry.js';
import type { SpoolStore, Stretch } from './store.js';

/** What `onError` is told beside the error. */
export interface SpoolErrorInfo {
  /** The sink behind the spool. */
  readonly sink: string;
  /** How many records the receiver will never get; 0 when they wait. */
  readonly lost: number;
  /** The file that the lost ones were put into. */
  readonly keptIn?: string;
}

/** How the spool is emptied. */
export interface ReplayOptions {
  readonly batchSize: number;
  /** How long the receiver may put us off with one answer, in milliseconds. */
  readonly maxRetryAfterMs: number;
  readonly gapRecord: GapRecordFactory | undefined;
  readonly report: (error: Error, info: SpoolErrorInfo) => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Gives what is in a spool to its receiver, in order, again and again until it is taken. */
export class Replay {
  #working = false;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #failures = 0;
  /** Whether the user knows that the receiver asks for longer pauses than it is granted. */
  #toldOfPause = false;
  #wake: NodeJS.Timeout | undefined;
  #waiters: Waiter[] = [];
  #gap = new Gap();
  /** How many records go one by one, to find the one that the receiver refuses. */
  #singly = 0;
  #lastTime: string | undefined;

  constructor(
    private readonly store: SpoolStore,
    private readonly sink: Sink,
    private readonly options: ReplayOptions,
  ) {}

  /** Goes to work, unless it is at work or waits for the receiver to recover. */
  start(): void {
    if (this.#stopped || this.#working || this.#wake !== undefined) return;
    this.#working = true;
    this.#running = this.#run();
  }

  /** Resolves when the receiver has everything; rejects when it fails. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wakeUp();
      // What is being tried now may be the last of it, or may have begun before the newest record: look again afterwards.
      void this.#running.then(() => this.start());
    });
  }

  /** Ends after the batch that the receiver has in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeUp();
    await this.#running;
    this.#tellWaiters(new Error('the spool was closed'));
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        const stretch = this.store.read(this.#singly > 0 ? 1 : this.options.batchSize);
        if (stretch === undefined) return this.#tellWaiters(undefined);
        if (stretch.corrupt.length > 0) {
          this.#skip(stretch);
          continue;
        }
        const failure = await this.#deliver(stretch);
        if (failure !== undefined) return this.#later(failure.error, failure.retryAfterMs);
      }
    } catch (error) {
      this.#later(asError(error), undefined);
    } finally {
      this.#working = false;
    }
  }

  async #deliver(stretch: Stretch): Promise<Extract<SinkResult, { status: 'retryable' }> | undefined> {
    const gaps = this.#gapRecords(stretch);
    const result = await emitTo(this.sink, [...gaps, ...stretch.records]);
    if (result.status === 'retryable') {
      this.#takenInPart(gaps.length, result);
      return result;
    }
    this.#failures = 0;
    this.#toldOfPause = false;
    if (result.status === 'permanent') this.#refused(stretch, result.error);
    else this.#taken(stretch, gaps.length, result.rejected ?? []);
    return undefined;
  }

  /** What the receiver has of a stretch is not given to it again with the rest. */
  #takenInPart(
    gaps: number,
    { settled = 0, rejected = [] }: Extract<SinkResult, { status: 'retryable' }>,
  ): void {
    if (settled < gaps || settled === 0) return;
    if (settled === gaps) {
      this.#gap = new Gap();
      return;
    }
    const part = this.store.read(settled - gaps);
    if (part !== undefined) this.#taken(part, gaps, rejected);
  }

  #taken(stretch: Stretch, gaps: number, rejected: readonly { index: number; error: Error }[]): void {
    if (gaps > 0) this.#gap = new Gap();
    for (const { index, error } of rejected) {
      const record = stretch.records[index - gaps];
      if (record !== undefined) this.#lose(record, error);
    }
    this.#pass(stretch);
  }

  /** One record may spoil a batch for the others: they are tried one by one, and only what is refused alone is lost. */
  #refused(stretch: Stretch, error: Error): void {
    if (stretch.records.length > 1) {
      this.#singly = stretch.records.length;
      return;
    }
    for (const record of stretch.records) this.#lose(record, error);
    this.#pass(stretch);
  }

  #pass(stretch: Stretch): void {
    this.#singly = Math.max(0, this.#singly - stretch.records.length);
    this.#lastTime = stretch.records.at(-1)?.time ?? this.#lastTime;
    this.store.advance(stretch.end);
  }

  #lose(record: AuditRecord, error: Error): void {
    const keptIn = this.store.keepAside('refused.spool', [encodeEntry(record)]);
    this.#gap.add(record, causeOf(error));
    this.options.report(error, { sink: sinkName(this.sink), lost: 1, keptIn });
  }

  #skip(stretch: Stretch): void {
    const count = stretch.corrupt.length;
    const keptIn = this.store.keepAside(`${stretch.end.segment}.corrupt`, stretch.corrupt);
    const time = this.#lastTime ?? new Date().toISOString();
    // The seq is set when the next record shows which place is free.
    this.#gap.merge({
      count,
      firstTime: time,
      lastTime: time,
      seq: stretch.end.seq ?? 0,
      causes: ['corrupt'],
    });
    const error = new Error(`the spool holds ${count} corrupt lines`);
    this.options.report(error, { sink: sinkName(this.sink), lost: count, keptIn });
    this.#pass(stretch);
  }

  #gapRecords(stretch: Stretch): AuditRecord[] {
    const { gapRecord } = this.options;
    if (this.#gap.count === 0 || gapRecord === undefined) return [];
    const next = stretch.records[0]?.seq;
    return [
      { ...this.#gap.record(sinkName(this.sink), gapRecord), ...(next !== undefined && { seq: next - 1 }) },
    ];
  }

  #later(error: Error, retryAfterMs: number | undefined): void {
    this.#failures++;
    if (this.#failures === 1) this.options.report(error, { sink: sinkName(this.sink), lost: 0 });
    this.#tellWaiters(error);
    // The records are on disk, so the process need not live for them.
    const { ms, notice } = postponement(retryAfterMs, this.options.maxRetryAfterMs);
    if (notice !== undefined && !this.#toldOfPause) {
      this.#toldOfPause = true;
      this.options.report(new Error(`spool: ${notice}`), { sink: sinkName(this.sink), lost: 0 });
    }
    this.#wake = after(backoffMs(this.#failures, ms), () => this.#wakeUp()).unref();
  }

  #wakeUp(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    this.start();
  }

  #tellWaiters(failure: Error | undefined): void {
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (failure === undefined) resolve();
      else reject(failure);
    }
  }
}
