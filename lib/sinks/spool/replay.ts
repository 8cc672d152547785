import type { AuditRecord } from '../../schema/record.js';
import { after } from '../../duration.js';
import { backoffMs, postponement } from '../backoff.js';
import { asError, emitTo, sinkName } from '../emit.js';
import { causeOf, Gap, type GapRecordFactory } from '../gap.js';
import type { Sink, SinkResult } from '../sink.js';
import { encodeLine } from '../../codecs/json.js';
import type { Stretch } from './reader.js';
import type { Cursor, PendingGap } from './state.js';
import type { SpoolStore } from './store.js';

const LINE_FEED = Buffer.of(0x0a);

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
  #gapRecord: GapRecordFactory | undefined;
  /** How many records go one by one, to find the one that the receiver refuses. */
  #singly = 0;
  #lastTime: string | undefined;

  constructor(
    private readonly store: SpoolStore,
    private readonly sink: Sink,
    private readonly options: ReplayOptions,
  ) {
    const { gap } = store.cursor;
    if (gap !== undefined) this.#gap.merge(gap);
  }

  /** Makes the record that tells the receiver of what it will never get. */
  set gapRecord(factory: GapRecordFactory) {
    this.#gapRecord = factory;
    this.start();
  }

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
        if (stretch === undefined) {
          const failure = await this.#tellGap();
          if (failure !== undefined) return this.#later(failure.error, failure.retryAfterMs);
          // A record may have come meanwhile.
          if (this.store.read(1) !== undefined) continue;
          return this.#tellWaiters(undefined);
        }
        if (stretch.corrupt.length > 0 || stretch.lost > 0) {
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
    const gaps = this.#gapRecords(stretch.records[0]?.seq);
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

  /** Nothing follows that the gap could go before: it is told alone. */
  async #tellGap(): Promise<Extract<SinkResult, { status: 'retryable' }> | undefined> {
    const gaps = this.#gapRecords(undefined);
    if (gaps.length === 0) return undefined;
    const result = await emitTo(this.sink, gaps);
    if (result.status === 'retryable') return result;
    if (result.status === 'permanent')
      this.options.report(result.error, { sink: sinkName(this.sink), lost: 0 });
    this.#failures = 0;
    this.#gap = new Gap();
    this.#advance(this.store.cursor);
    return undefined;
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
    this.#advance(stretch.end);
  }

  /** What the receiver is still to be told is kept with the cursor: the next process may have to do it. */
  #advance({ gap: _told, ...cursor }: Cursor): void {
    this.store.advance(this.#gap.count === 0 ? cursor : { ...cursor, gap: pending(this.#gap) });
  }

  #lose(record: AuditRecord, error: Error): void {
    const keptIn = this.store.keepAside('refused.spool', [Buffer.from(`${encodeLine(record)}\n`)]);
    this.#gap.add(record, causeOf(error));
    this.options.report(error, { sink: sinkName(this.sink), lost: 1, keptIn });
  }

  #skip(stretch: Stretch): void {
    const { corrupt, lost, end } = stretch;
    const keptIn =
      corrupt.length === 0
        ? undefined
        : this.store.keepAside(
            `${end.segment}.corrupt`,
            corrupt.flatMap((line) => [line, LINE_FEED]),
          );
    if (lost > 0) {
      const time = this.#lastTime ?? new Date().toISOString();
      const causes = [corrupt.length > 0 ? 'corrupt' : 'missing'];
      this.#gap.merge({ count: lost, firstTime: time, lastTime: time, seq: end.seq ?? 0, causes });
    }
    const error = new Error(damage(corrupt.length, lost));
    this.options.report(error, {
      sink: sinkName(this.sink),
      lost,
      ...(keptIn !== undefined && { keptIn }),
    });
    this.#pass(stretch);
  }

  #gapRecords(next: number | undefined): AuditRecord[] {
    const factory = this.#gapRecord;
    if (this.#gap.count === 0 || factory === undefined) return [];
    const record = this.#gap.record(sinkName(this.sink), factory);
    return [{ ...record, ...(next !== undefined && next > 0 && { seq: next - 1 }) }];
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

function damage(corrupt: number, lost: number): string {
  const lines = corrupt === 0 ? [] : [`holds ${corrupt} corrupt lines`];
  const records = lost === 0 ? [] : [`lacks ${lost} records that were put in`];
  return `the spool ${[...lines, ...records].join(' and ')}: somebody changed or removed its files`;
}

function pending({ count, firstTime, lastTime, seq, causes }: Gap): PendingGap {
  return { count, firstTime, lastTime, seq, causes: [...causes] };
}
