import { SinkError } from '../errors.js';
import {
  causeOf,
  Gap,
  vouchesFor,
  asError,
  type Ack,
  type Rejection,
  type GuardedSink,
  type GapRecordFactory,
  type SinkResult,
} from '../sinks/sink.js';
import { Entry, recordsOf, Barrier, type ItemQueue } from './queue.js';
import type { SinkCounters, Loss, Report } from './stats.js';
import { after } from '../internal/duration.js';
import type { AuditRecord } from '../schema/record.js';
import { backoffMs, postponement } from '../sinks/retry.js';

const NONE: ReadonlyMap<number, Error> = new Map();

/** Acts on a sink's answer: tells the callers, counts the records, and leaves a gap in the queue where records are lost. */
export class Acknowledger {
  constructor(
    private readonly queue: ItemQueue,
    private readonly counters: SinkCounters,
    /** The weakest acknowledgement that is enough. */
    private readonly needed: Ack,
  ) {}

  /** The sink has taken the batch, except for the records that it rejected. */
  delivered(items: readonly (Entry | Gap)[], ack: Ack, rejected: readonly Rejection[]): void {
    const weak = vouchesFor(ack, this.needed)
      ? undefined
      : new Error(`it vouches for '${ack}', and '${this.needed}' is needed`);
    const refused =
      rejected.length === 0 ? NONE : new Map(rejected.map(({ index, error }) => [index, error]));
    const taken = refused.size === 0 ? items : items.filter((_, index) => !refused.has(index));
    let entries = 0;
    for (const item of taken) {
      if (!(item instanceof Entry)) continue;
      entries++;
      if (weak === undefined) item.completion?.delivered();
      else item.completion?.failed(this.error(weak));
      item.completion = undefined;
    }
    this.counters.delivered(entries, taken.length - entries);
    if (weak !== undefined) this.counters.trouble(this.error(weak), recordsOf(taken));
    if (refused === NONE) return;
    // Backwards, since each gap goes to the front of the queue.
    for (const [index, error] of [...refused].reverse()) {
      const item = items[index];
      if (item !== undefined) this.lose([item], error);
    }
  }

  /** The records are lost. A gap takes their place at the front of the queue, and every flush that waits behind them fails. */
  lose(items: readonly (Entry | Gap)[], cause: Error, kind: Loss = 'failed'): void {
    this.tell(items, cause);
    const gap = new Gap();
    for (const item of items) {
      if (item instanceof Gap) gap.merge(item);
      else gap.add(item.record, causeOf(cause));
    }
    const records = recordsOf(items);
    if (records.length > 0) this.counters.lost(kind, this.error(cause), records);
    if (gap.count > 0) this.queue.putBack([gap]);
    for (const barrier of this.queue.barriers) barrier.failure ??= this.error(cause);
    if (records.length === 0) for (const barrier of this.queue.barriersAhead) barrier.gapAttempts = 'none';
  }

  /** The sink did not take a gap that no record follows. Returns whether to try again: only while a flush waits for it. */
  gapPutOff(cause: Error): boolean {
    const barriers = this.queue.barriersAhead;
    for (const barrier of barriers) {
      if (barrier.gapAttempts !== 'once') continue;
      barrier.failure ??= this.error(cause);
      barrier.gapAttempts = 'none';
    }
    return barriers.some(({ gapAttempts }) => gapAttempts === 'until taken');
  }

  /** Rejects the promises of the callers; the records themselves stay where they are. */
  tell(items: readonly (Entry | Gap)[], cause: Error): void {
    for (const item of items) {
      if (!(item instanceof Entry)) continue;
      item.completion?.failed(this.error(cause));
      item.completion = undefined;
    }
  }

  /**
   * Replaces each intent whose caller was refused by a gap: its operation never happened, so the intent must not be
   * written later.
   */
  withoutRefusedIntents(items: readonly (Entry | Gap)[], cause: Error): (Entry | Gap)[] {
    return items.map((item) => (item instanceof Entry ? this.withoutRefusedIntent(item, cause) : item));
  }

  /** As {@link withoutRefusedIntents}, for one entry. */
  withoutRefusedIntent(entry: Entry, cause: Error): Entry | Gap {
    return entry.intent && entry.completion === undefined ? this.replace(entry, cause, 'failed') : entry;
  }

  /** Counts a record as lost, and returns the gap that takes its place. */
  replace(entry: Entry, cause: Error, kind: Loss): Gap {
    const gap = new Gap();
    gap.add(entry.record, causeOf(cause));
    this.counters.lost(kind, this.error(cause), [entry.record]);
    return gap;
  }

  /** The failure as a caller sees it: a new object for each, because it will carry the outcome of that caller's operation. */
  error(cause: Error): SinkError {
    if (cause instanceof SinkError && cause.sink === this.counters.name) {
      return new SinkError(cause.sink, cause.message, { cause: cause.cause, code: cause.code });
    }
    return new SinkError(this.counters.name, `sink '${this.counters.name}' failed: ${causeOf(cause)}`, {
      cause,
    });
  }
}

/** How a {@link BatchSender} serves its sink. */
export interface BatchSenderOptions {
  readonly sink: GuardedSink;
  readonly maxExportBatchSize: number;
  /** Whether records that the sink refuses for good are tried again all the same, until it takes them (`blocking-strict`). */
  readonly keepRefused: boolean;
  readonly gapRecord: GapRecordFactory | undefined;
  /** How long a failing batch keeps the process alive, in ms: no caller waits longer. */
  readonly keepAliveMs: number;
  /** The longest pause that the receiver may ask for in one answer, in ms. */
  readonly maxRetryAfterMs: number;
  readonly report: Report;
  /** Called with the items that have just left the queue. */
  readonly onTaken: (items: readonly (Entry | Gap)[]) => void;
  /** Called when a batch is settled: it decides whether to call {@link BatchSender.pump} now or to gather more records first. */
  readonly onSettled: () => void;
  /** Called when nothing is left to send. */
  readonly onIdle: () => void;
}

/** Records and gaps that go to the sink together. Every attempt sends the same ones, so that a receiver can drop duplicates. */
interface Batch {
  items: readonly (Entry | Gap)[];
  attempts: number;
  /** When it was taken from the queue (monotonic ms). */
  readonly since: number;
  /** When the sink was given it (monotonic ms); absent between two attempts. */
  sentAt?: number | undefined;
  /** Whether the receiver has asked for a pause: a flush then does not cut it short. */
  askedToWait?: boolean;
  /** Whether `onError` has heard that the receiver asks for longer pauses than it is granted. */
  toldOfPause?: boolean;
}

/** An item, and the record that a sink sees of it. */
type Part = { readonly item: Entry | Gap; readonly record: AuditRecord };

/** Sends what is in a queue to a sink: in order, one batch at a time, and again where the sink may recover. */
export class BatchSender {
  #batch: Batch | undefined;
  #flushing = false;
  #wake: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: ItemQueue,
    private readonly counters: SinkCounters,
    private readonly acknowledger: Acknowledger,
    private readonly options: BatchSenderOptions,
  ) {}

  /** The items that have left the queue and are not settled. */
  get inFlight(): readonly (Entry | Gap)[] {
    return this.#batch?.items ?? [];
  }

  /** When the sink was given the batch that it has not answered for (monotonic ms). */
  get sentAt(): number | undefined {
    return this.#batch?.sentAt;
  }

  /** Whether a batch or a flush is in progress; the next batch then follows by itself. */
  get isBusy(): boolean {
    return this.#batch !== undefined || this.#flushing;
  }

  /** Whether the sink has still to answer: until then it must not be called again. */
  get awaitsSink(): boolean {
    return this.#flushing || this.sentAt !== undefined;
  }

  /** Starts on what is next in the queue, unless a batch or a flush is in progress. */
  pump(): void {
    if (this.isBusy) return;
    const { first } = this.queue;
    const [barrier] = this.queue.barriersAhead;
    if (first instanceof Barrier) this.#flush(first);
    else if (barrier?.gapAttempts === 'none') this.#flush(barrier);
    // A gap alone is sent only when a record follows it or a flush waits for it: a broken sink would else be tried for ever.
    else if (this.queue.entries > 0 || barrier !== undefined) this.#sendNext();
    else this.options.onIdle();
  }

  /** Ends the pause before the next attempt, unless the receiver asked for it. */
  retryNow(): void {
    if (this.#wake !== undefined && this.#batch?.askedToWait !== true) this.#again();
  }

  /** Changes the batch that waits for its next attempt: see {@link Acknowledger.withoutRefusedIntents}. */
  rewrite(change: (items: readonly (Entry | Gap)[]) => readonly (Entry | Gap)[]): void {
    if (this.#batch === undefined || this.awaitsSink) return;
    this.#batch.items = change(this.#batch.items);
    if (recordsOf(this.#batch.items).length === 0 && this.queue.isEmpty) this.queue.putBack(this.recall());
  }

  /** Takes back the batch that waits for its next attempt; nothing while the sink has it. */
  recall(): readonly (Entry | Gap)[] {
    if (this.#batch === undefined || this.awaitsSink) return [];
    clearTimeout(this.#wake);
    this.#wake = undefined;
    const { items } = this.#batch;
    this.#batch = undefined;
    return items;
  }

  #sendNext(): void {
    const items = this.queue.take(this.options.maxExportBatchSize);
    this.options.onTaken(items);
    this.#send({ items, attempts: 0, since: performance.now() });
  }

  #send(batch: Batch): void {
    const parts = this.compose(batch.items);
    // Gaps without a gap record. An empty batch must not be sent: the sink's answer would make it look healthy.
    if (parts.length === 0) {
      this.#batch = undefined;
      return this.pump();
    }
    this.#batch = batch;
    if (batch.attempts++ > 0) this.counters.retrying();
    batch.sentAt = performance.now();
    const result = this.options.sink.emit(parts.map(({ record }) => record));
    if (result instanceof Promise) {
      void result.then((settled) => {
        this.#settle(batch, parts, settled);
        this.options.onSettled();
      });
      return;
    }
    this.#settle(batch, parts, result);
    // In the next turn of the event loop: a sink that answers without a promise would block the loop while the queue is long.
    if (this.queue.isEmpty) this.pump();
    else setImmediate(() => this.options.onSettled());
  }

  /** The records of a batch. A gap becomes a record where there is a `gapRecord` to make it. */
  compose(items: readonly (Entry | Gap)[]): Part[] {
    const parts: Part[] = [];
    for (const item of items) {
      const record = item instanceof Entry ? item.record : this.#gapRecord(item);
      if (record !== undefined) parts.push({ item, record });
    }
    return parts;
  }

  #gapRecord(gap: Gap): AuditRecord | undefined {
    const { name } = this.counters;
    try {
      return this.options.gapRecord && gap.record(name, this.options.gapRecord);
    } catch (cause) {
      const error = new Error(`the gap record of sink '${name}' could not be made`, { cause });
      this.options.report(error, { sink: name, lost: 0, records: [] });
      return undefined;
    }
  }

  #settle(batch: Batch, parts: readonly Part[], result: SinkResult): void {
    this.counters.answered(performance.now() - (batch.sentAt ?? 0));
    batch.sentAt = undefined;
    this.#batch = undefined;
    if (result.status === 'delivered') {
      const items = parts.map(({ item }) => item);
      this.acknowledger.delivered(items, result.ack ?? 'delivered', result.rejected ?? []);
    } else if (result.status === 'retryable') {
      const taken = parts.slice(0, result.settled ?? 0).map(({ item }) => item);
      if (taken.length > 0) {
        this.acknowledger.delivered(taken, 'delivered', result.rejected ?? []);
        batch.items = batch.items.filter((item) => !taken.includes(item));
      }
      this.#later(batch, result.error, result.retryAfterMs);
    } else if (this.options.keepRefused) {
      this.acknowledger.tell(batch.items, result.error);
      this.#later(batch, result.error, undefined, batch.attempts === 1);
    } else {
      this.acknowledger.lose(batch.items, result.error);
    }
  }

  #later(batch: Batch, cause: Error, retryAfterMs: number | undefined, callersTold = false): void {
    batch.items = this.acknowledger.withoutRefusedIntents(batch.items, cause);
    const records = recordsOf(batch.items);
    this.counters.trouble(this.acknowledger.error(cause), records, callersTold);
    // A gap alone waits in the queue until a record follows it. Where one follows already, the gap waits out its pause like any
    // batch: without a pause, a sink that takes one item at a time would be called without end.
    const blocksARecord = batch.items.length > 0 && this.queue.entries > 0;
    if (records.length === 0 && !this.acknowledger.gapPutOff(cause) && !blocksARecord)
      return this.queue.putBack(batch.items);
    this.#batch = batch;
    const granted = this.#grant(batch, retryAfterMs);
    batch.askedToWait = granted > 0;
    const pause = backoffMs(batch.attempts, granted);
    this.#wake = after(pause, () => this.#again());
    if (performance.now() + pause - batch.since > this.options.keepAliveMs) this.#wake.unref();
  }

  /** The pause that the receiver is granted, in ms. A wish for more is reported once per batch. */
  #grant(batch: Batch, retryAfterMs: unknown): number {
    const { ms, notice } = postponement(retryAfterMs, this.options.maxRetryAfterMs);
    if (notice !== undefined && batch.toldOfPause !== true) {
      batch.toldOfPause = true;
      const { name } = this.counters;
      const error = new SinkError(name, `sink '${name}': ${notice}`);
      this.options.report(error, { sink: name, lost: 0, records: [] });
    }
    return ms;
  }

  #again(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    if (this.#batch !== undefined) this.#send(this.#batch);
  }

  #flush(barrier: Barrier): void {
    this.queue.remove(barrier);
    if (barrier.failure !== undefined) {
      barrier.reject(barrier.failure);
      return this.pump();
    }
    this.#flushing = true;
    const done = (failure?: unknown) => {
      this.#flushing = false;
      if (failure === undefined) barrier.resolve();
      else barrier.reject(this.acknowledger.error(asError(failure)));
      this.pump();
    };
    this.options.sink.flush().then(() => done(), done);
  }
}
