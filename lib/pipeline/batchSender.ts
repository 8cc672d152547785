import type { AuditRecord } from '../schema/record.js';
import type { Gap, GapRecordFactory } from '../sinks/gap.js';
import { asError, type GuardedSink } from '../sinks/emit.js';
import type { SinkResult } from '../sinks/sink.js';
import type { SinkCounters } from './stats.js';
import { Barrier, Entry, type ItemQueue } from './queue.js';
import type { Report } from './options.js';
import { after } from '../internal/duration.js';
import { SinkError } from '../errors.js';
import { backoffMs, postponement } from '../sinks/retry.js';
import { recordsOf, type Acknowledger } from './acknowledger.js';

/** What the sender must know of how its sink is served. */
export interface BatchSenderOptions {
  readonly sink: GuardedSink;
  readonly maxBatch: number;
  /** Whether a record that the sink fails for good is kept all the same, and tried until it is taken. */
  readonly keepRefused: boolean;
  readonly gapRecord: GapRecordFactory | undefined;
  /** How long a process is kept alive for a batch that fails, in ms: no caller waits longer. */
  readonly patienceMs: number;
  /** How long the receiver may put us off with one answer, in ms. */
  readonly maxRetryAfterMs: number;
  readonly report: Report;
  /** Called with what has just left the queue. */
  readonly onTaken: (items: readonly (Entry | Gap)[]) => void;
  /** Called when a batch is settled: {@link BatchSender.pump} is due, now or when more has been gathered. */
  readonly onSettled: () => void;
  /** Called when nothing is left to do. */
  readonly onIdle: () => void;
}

/** Records and gaps that go to the sink together: the same ones on every attempt, so that a receiver can deduplicate. */
interface Batch {
  items: readonly (Entry | Gap)[];
  attempts: number;
  /** When it was taken from the queue (monotonic ms). */
  readonly since: number;
  /** Since when the sink has it in hand (monotonic ms); absent between two attempts. */
  sentAt?: number | undefined;
  /** Whether the receiver has said when to come again: then nobody hurries it. */
  askedToWait?: boolean;
  /** Whether the user knows that the receiver asks for longer pauses than it is granted. */
  toldOfPause?: boolean;
}

/** An item as the record that a sink sees. */
interface Part {
  readonly item: Entry | Gap;
  readonly record: AuditRecord;
}

/** Takes from a queue and gives to a sink: in order, one batch at a time, again where that can help. */
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

  /** What has left the queue and is not settled. */
  get inFlight(): readonly (Entry | Gap)[] {
    return this.#batch?.items ?? [];
  }

  /** Since when the sink owes an answer for a batch (monotonic ms). */
  get sentAt(): number | undefined {
    return this.#batch?.sentAt;
  }

  /** Whether something is under way, so that what comes next is taken without being asked for. */
  get isBusy(): boolean {
    return this.#batch !== undefined || this.#flushing;
  }

  /** Whether the sink owes an answer: then nothing else may be asked of it. */
  get awaitsSink(): boolean {
    return this.#flushing || this.sentAt !== undefined;
  }

  /** Goes on with whatever is next, unless something is under way. */
  pump(): void {
    if (this.isBusy) return;
    const { first } = this.queue;
    const [barrier] = this.queue.barriersAhead;
    if (first instanceof Barrier) this.#flush(first);
    else if (barrier?.gapAttempts === 'none') this.#flush(barrier);
    // A gap alone goes out only when a record follows it or a flush waits for it: else a broken sink would be tried for ever.
    else if (this.queue.entries > 0 || barrier !== undefined) this.#sendNext();
    else this.options.onIdle();
  }

  /** Tries at once what waits for its next attempt. */
  retryNow(): void {
    if (this.#wake !== undefined && this.#batch?.askedToWait !== true) this.#again();
  }

  /** What waits for its next attempt changes: see {@link Acknowledger.withoutRefusedIntents}. */
  rewrite(change: (items: readonly (Entry | Gap)[]) => readonly (Entry | Gap)[]): void {
    if (this.#batch === undefined || this.awaitsSink) return;
    this.#batch.items = change(this.#batch.items);
    if (recordsOf(this.#batch.items).length === 0 && this.queue.isEmpty) this.queue.putBack(this.recall());
  }

  /** Gives up what the sink does not have in hand, and hands it back. */
  recall(): readonly (Entry | Gap)[] {
    if (this.#batch === undefined || this.awaitsSink) return [];
    clearTimeout(this.#wake);
    this.#wake = undefined;
    const { items } = this.#batch;
    this.#batch = undefined;
    return items;
  }

  #sendNext(): void {
    const items = this.queue.take(this.options.maxBatch);
    this.options.onTaken(items);
    this.#send({ items, attempts: 0, since: performance.now() });
  }

  #send(batch: Batch): void {
    const parts = this.compose(batch.items);
    // A gap of which nothing is to be said: an empty batch would be an answer that the sink is well.
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
    // Not at once: a sink that answers without a promise must not keep the event loop from everybody else.
    if (this.queue.isEmpty) this.pump();
    else setImmediate(() => this.options.onSettled());
  }

  /** What a batch is in records; a gap is one too, if the user said what it looks like. */
  compose(items: readonly (Entry | Gap)[]): Part[] {
    const parts: Part[] = [];
    for (const item of items) {
      const record = item instanceof Entry ? item.record : this.#gapRecord(item);
      if (record !== undefined) parts.push({ item, record });
    }
    return parts;
  }

  #gapRecord(gap: Gap): AuditRecord | undefined {
    const { gapRecord, report } = this.options;
    const { name } = this.counters;
    try {
      return gapRecord && gap.record(name, gapRecord);
    } catch (thrown) {
      const error = new Error(`the gap record of sink '${name}' could not be made`, { cause: thrown });
      report(error, { sink: name, lost: 0, records: [] });
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
    // A gap alone waits in the queue for a record to go with. Where one is there already, it waits its pause as any batch does:
    // else a sink that takes one item at a time would be asked again and again, without end.
    if (records.length === 0 && !this.acknowledger.gapPutOff(cause) && !this.#blocksARecord(batch))
      return this.queue.putBack(batch.items);
    this.#batch = batch;
    const granted = this.#grant(batch, retryAfterMs);
    batch.askedToWait = granted > 0;
    const pause = backoffMs(batch.attempts, granted);
    this.#wake = after(pause, () => this.#again());
    if (performance.now() + pause - batch.since > this.options.patienceMs) this.#wake.unref();
  }

  #blocksARecord({ items }: Batch): boolean {
    return items.length > 0 && this.queue.entries > 0;
  }

  /** How long the receiver is left alone because it asked for it; that it asks for more is told once per batch. */
  #grant(batch: Batch, retryAfterMs: unknown): number {
    const { ms, notice } = postponement(retryAfterMs, this.options.maxRetryAfterMs);
    if (notice !== undefined && batch.toldOfPause !== true) {
      batch.toldOfPause = true;
      const { name } = this.counters;
      this.options.report(new SinkError(name, `sink '${name}': ${notice}`), {
        sink: name,
        lost: 0,
        records: [],
      });
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
