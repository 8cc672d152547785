import { after } from '../../internal/duration.js';
import type { AuditRecord } from '../../schema/record.js';
import {
  asError,
  emitTo,
  sinkName,
  causeOf,
  type GapRecordFactory,
  type Sink,
  type SinkResult,
} from '../sink.js';
import { backoffMs, postponement } from '../retry.js';
import { RefusedRecords, PendingGap } from './lost.js';
import type { Chunk } from './reader.js';
import type { Cursor } from './files.js';
import type { SpoolStore } from './store.js';

const LINE_FEED = Buffer.of(0x0a);

/** What `onError` of a spool is given beside the error. */
export interface SpoolErrorInfo {
  /** The sink behind the spool. */
  readonly sink: string;
  /** How many records the receiver will never get; 0 when they wait. */
  readonly lost: number;
  /** The file that the lost ones were put into; absent where they are in none, as when `refused.spool` is full. */
  readonly keptIn?: string;
}

/** How the spool is emptied. */
export interface ReplayOptions {
  readonly batchSize: number;
  /** How many bytes `refused.spool` may hold. */
  readonly maxRefusedBytes: number;
  /** The longest pause that the receiver may ask for in one answer, in milliseconds. */
  readonly maxRetryAfterMs: number;
  readonly report: (error: Error, info: SpoolErrorInfo) => void;
}

type Retryable = Extract<SinkResult, { status: 'retryable' }>;
type Refused = Extract<SinkResult, { status: 'permanent' }>;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Gives the records of a spool to its receiver, in order, and again until it takes them. */
export class Replay {
  #working = false;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #failures = 0;
  /** Whether `onError` has heard that the receiver asks for longer pauses than it is granted. */
  #toldOfPause = false;
  #wake: NodeJS.Timeout | undefined;
  #waiters: Waiter[] = [];
  #gap: PendingGap;
  readonly #refusedRecords: RefusedRecords;
  /** Whether `onError` has heard that `refused.spool` is full. */
  #toldOfFull = false;
  /** Whether `onError` has heard that the receiver refuses the gap record. */
  #toldOfRefusal = false;
  #gapRecord: GapRecordFactory | undefined;
  /** How many records are still sent one by one, to find the one that the receiver refuses. */
  #singly = 0;
  #lastTime: string | undefined;

  constructor(
    private readonly store: SpoolStore,
    private readonly sink: Sink,
    private readonly options: ReplayOptions,
  ) {
    const { gap, unkept } = store.cursor;
    this.#gap = new PendingGap(gap);
    this.#refusedRecords = new RefusedRecords(store, options.maxRefusedBytes, unkept);
  }

  /** Sets the function that makes the gap record for the receiver. */
  set gapRecord(factory: GapRecordFactory) {
    this.#gapRecord = factory;
    this.start();
  }

  /** Starts to send, unless it is sending or waits for the receiver to recover. */
  start(): void {
    if (this.#stopped || this.#working || this.#wake !== undefined) return;
    this.#working = true;
    this.#running = this.#run();
  }

  /** Resolves when the receiver has everything; rejects when the receiver fails, or refuses the gap record. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wakeUp();
      // The attempt in progress may have begun before the newest record came, so start again after it.
      void this.#running.then(() => this.start());
    });
  }

  /** Stops after the batch that the receiver was given. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeUp();
    await this.#running;
    this.#tellWaiters(new Error('the spool was closed'));
  }

  async #run(): Promise<void> {
    try {
      // Set when the receiver has refused the gap record since it last took records.
      let refusal: Error | undefined;
      while (!this.#stopped) {
        const chunk = this.store.read(this.#singly > 0 ? 1 : this.options.batchSize);
        if (chunk !== undefined && (chunk.corrupt.length > 0 || chunk.lost > 0)) {
          this.#skip(chunk);
          continue;
        }
        const isDue = refusal === undefined && this.#gap.count > 0;
        const told = isDue ? await this.#tellGap(chunk?.records[0]) : undefined;
        if (told?.status === 'retryable') return this.#later(told.error, told.retryAfterMs);
        refusal ??= told?.error;
        if (chunk === undefined) {
          // A record may have come meanwhile, in which case the waiters must wait on.
          if (this.store.read(1) !== undefined) continue;
          return this.#tellWaiters(refusal);
        }
        const failure = await this.#deliver(chunk);
        if (failure !== undefined) return this.#later(failure.error, failure.retryAfterMs);
        refusal = undefined;
      }
    } catch (error) {
      this.#later(asError(error), undefined);
    } finally {
      this.#working = false;
    }
  }

  async #deliver(chunk: Chunk): Promise<Retryable | undefined> {
    const result = await emitTo(this.sink, chunk.records);
    if (result.status === 'retryable') {
      this.#takenInPart(result);
      return result;
    }
    this.#failures = 0;
    this.#toldOfPause = false;
    if (result.status === 'permanent') this.#refused(chunk, result.error);
    else this.#taken(chunk, result.rejected ?? []);
    return undefined;
  }

  /** Passes the part of a chunk that the receiver has taken, so that it is not sent again with the rest. */
  #takenInPart({ settled = 0, rejected = [] }: Retryable): void {
    const part = settled === 0 ? undefined : this.store.read(settled);
    if (part !== undefined) this.#taken(part, rejected);
  }

  /**
   * Sends the gap record by itself, so that nothing else is in doubt when the receiver refuses it. A refused one is sent again with
   * the next records, if need be by the next process.
   *
   * @param next - the record that follows.
   */
  async #tellGap(next: AuditRecord | undefined): Promise<Retryable | Refused | undefined> {
    const factory = this.#gapRecord;
    if (factory === undefined) return undefined;
    const { count } = this.#gap;
    const result = await emitTo(this.sink, [this.#gap.record(sinkName(this.sink), factory, next)]);
    if (result.status === 'retryable' && (result.settled ?? 0) === 0) return result;
    const error = result.status === 'permanent' ? result.error : result.rejected?.[0]?.error;
    if (error !== undefined) return { status: 'permanent', error: this.#gapRefused(count, error) };
    this.#gap = new PendingGap();
    this.#toldOfRefusal = false;
    this.#advance(this.store.cursor);
    // The receiver has taken the record, and asks for a pause.
    if (result.status === 'retryable') return result;
    this.#failures = 0;
    return undefined;
  }

  #gapRefused(count: number, cause: Error): Error {
    const message = `the receiver refuses the record that says that ${count} records are missing; it is sent again with the next records`;
    const error = Object.assign(new Error(message, { cause }), { code: 'GAP_REFUSED' });
    if (!this.#toldOfRefusal) this.options.report(error, { sink: sinkName(this.sink), lost: 0 });
    this.#toldOfRefusal = true;
    return error;
  }

  #taken(chunk: Chunk, rejected: readonly { index: number; error: Error }[]): void {
    for (const { index, error } of rejected) {
      const record = chunk.records[index];
      if (record !== undefined) this.#lose(record, error);
    }
    this.#pass(chunk);
  }

  /** One bad record may make the receiver refuse a batch, so its records are sent one by one; what is refused alone is lost. */
  #refused(chunk: Chunk, error: Error): void {
    if (chunk.records.length > 1) {
      this.#singly = chunk.records.length;
      return;
    }
    for (const record of chunk.records) this.#lose(record, error);
    this.#pass(chunk);
  }

  #pass(chunk: Chunk): void {
    this.#singly = Math.max(0, this.#singly - chunk.records.length);
    this.#lastTime = chunk.records.at(-1)?.time ?? this.#lastTime;
    this.#advance(chunk.end);
  }

  /** Moves the cursor. Gaps that are not told yet are kept with it, because the next process may have to tell them. */
  #advance({ gap: _gap, unkept: _unkept, ...cursor }: Cursor): void {
    const [gap, unkept] = [this.#gap.pending, this.#refusedRecords.pending];
    this.store.advance({ ...cursor, ...(gap && { gap }), ...(unkept && { unkept }) });
  }

  #lose(record: AuditRecord, error: Error): void {
    const sink = sinkName(this.sink);
    const keptIn = this.#refusedRecords.keep(record, sink, this.#gapRecord);
    const lost = this.#gap.lose(record, causeOf(error));
    this.options.report(error, { sink, lost, ...(keptIn !== undefined && { keptIn }) });
    if (keptIn === undefined && !this.#toldOfFull)
      this.options.report(refusedFull(this.options.maxRefusedBytes), { sink, lost: 0 });
    this.#toldOfFull = keptIn === undefined;
  }

  #skip(chunk: Chunk): void {
    const { corrupt, lost, end } = chunk;
    const keptIn =
      corrupt.length === 0
        ? undefined
        : this.store.keepAside(
            `${end.segment}.corrupt`,
            corrupt.flatMap((line) => [line, LINE_FEED]),
          );
    if (lost > 0) {
      const time = this.#lastTime ?? new Date().toISOString();
      this.#gap.miss(
        lost,
        { time, seq: end.seq ?? 0, counter: end.counter },
        corrupt.length > 0 ? 'corrupt' : 'missing',
      );
    }
    const error = new Error(damage(corrupt.length, lost));
    this.options.report(error, {
      sink: sinkName(this.sink),
      lost,
      ...(keptIn !== undefined && { keptIn }),
    });
    this.#pass(chunk);
  }

  #later(error: Error, retryAfterMs: number | undefined): void {
    this.#failures++;
    if (this.#failures === 1) this.options.report(error, { sink: sinkName(this.sink), lost: 0 });
    this.#tellWaiters(error);
    // The records are on the disk, so the timer does not keep the process alive.
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

function refusedFull(maxBytes: number): Error {
  const message = `refused.spool holds its ${maxBytes} bytes: refused records are counted, and no longer kept in it; move the file away to make room`;
  return Object.assign(new Error(message), { code: 'REFUSED_FULL' });
}
