import { SinkError } from '../errors.js';
import { after } from '../internal/duration.js';
import type { AuditRecord } from '../schema/record.js';
import { asError, GuardedSink, type Gap } from '../sinks/sink.js';
import { Acknowledger, BatchSender } from './batchSender.js';
import { recordsOf, Barrier, Entry, ItemQueue, Sequence, type Item } from './queue.js';
import { DeadlineTimer, type Completion, timeoutError } from './completion.js';
import { forgetAtExit, isPastExit, writeAtExit, writeNow } from './lifecycle.js';
import type { SinkWorkerOptions } from './options.js';
import { SinkCounters, SinkMetrics, type SinkStats } from './stats.js';

/** Serves one sink: an ordered queue, one batch in flight at a time, a deadline of its own. */
export class SinkWorker {
  readonly #queue = new ItemQueue();
  readonly #deadline = new DeadlineTimer((now) => this.#expire(now));
  readonly #sink: GuardedSink;
  readonly #counters: SinkCounters;
  readonly #acknowledger: Acknowledger;
  readonly #sender: BatchSender;
  readonly #sequence: Sequence | undefined;
  #delay: NodeJS.Timeout | undefined;
  #scheduled = false;
  #waitForRoom = 0;
  /** What the last record that found no room was told. */
  #full: SinkError | undefined;

  constructor(readonly options: SinkWorkerOptions) {
    const { name, maxExportBatchSize, maxRetryAfterMs, gapRecord, report } = options;
    const sink = (this.#sink = new GuardedSink(name, options.sink));
    const metrics = new SinkMetrics(
      name,
      () => this.pending,
      () => sink.backlogBytes,
    );
    this.#counters = new SinkCounters(name, report, metrics);
    this.#sequence = options.filter && new Sequence(options.count);
    this.#acknowledger = new Acknowledger(this.#queue, this.#counters, options.ack);
    this.#sender = new BatchSender(this.#queue, this.#counters, this.#acknowledger, {
      sink,
      maxExportBatchSize,
      maxRetryAfterMs,
      gapRecord,
      keepAliveMs: options.exportTimeoutMillis,
      report,
      keepRefused: options.mode === 'blocking-strict',
      onTaken: (items) => this.#onTaken(items),
      onSettled: () => (this.#queue.hasBarrier ? this.#sender.pump() : this.#pump()),
      onIdle: () => this.#deadline.rest(),
    });
    writeAtExit(this);
  }

  get name(): string {
    return this.options.name;
  }

  /** How many records wait, those in flight included. */
  get pending(): number {
    return recordsOf(this.#sender.inFlight).length + this.#queue.entries;
  }

  /** Whether a completed operation is not on this log yet, so that `blocking-strict` must refuse the next one. */
  get isBehind(): boolean {
    const behind = (item: Item) => item instanceof Entry && item.completion === undefined && !item.intent;
    return this.#counters.failing && (this.#sender.inFlight.some(behind) || [...this.#queue].some(behind));
  }

  get stats(): SinkStats {
    return this.#counters.snapshot(this.pending, this.#sink.backlogBytes);
  }

  /** Whether the sink's filter lets a record pass. */
  wants(record: AuditRecord): boolean {
    if (this.options.filter === undefined || this.options.filter(record)) return true;
    this.#counters.filtered();
    return false;
  }

  /**
   * Queues a record. The worker settles its part of `completion`, where there is one, exactly once.
   *
   * @param since when its caller began to wait, in ms of the monotonic clock; now by default.
   */
  push(record: AuditRecord, completion: Completion | undefined, intent: boolean, since?: number): void {
    const { ack, maxQueueSize, overflow, exportTimeoutMillis } = this.options;
    const own = this.#sequence === undefined ? record : this.#sequence.number(record);
    const full = this.#queue.entries >= maxQueueSize;
    if (full && (overflow === 'drop' || completion === undefined)) return this.#drop(own, completion);
    const mayGoOn = ack === 'accepted' && !full;
    if (mayGoOn) completion?.delivered();
    else if (ack === 'accepted' && completion !== undefined) this.#waitForRoom++;
    const now = performance.now();
    this.#queue.push(new Entry(own, mayGoOn ? undefined : completion, since ?? now, intent));
    this.#deadline.watch(exportTimeoutMillis - (now - (since ?? now)));
    if (isPastExit()) writeNow(this);
    else this.#pump();
  }

  /** Delivers all records that wait and flushes the sink, within the deadline. */
  flush(gapAttempts?: Barrier['gapAttempts']): Promise<void> {
    return new Promise((resolve, reject) => {
      const { exportTimeoutMillis } = this.options;
      const timer = after(exportTimeoutMillis, () => {
        this.#queue.remove(barrier);
        reject(barrier.failure ?? timeoutError(this.name, exportTimeoutMillis));
      });
      const settled = (settle: () => void) => {
        clearTimeout(timer);
        settle();
      };
      const barrier = new Barrier(
        () => settled(resolve),
        (error) => settled(() => reject(error)),
        gapAttempts,
      );
      this.#queue.push(barrier);
      this.#sender.retryNow();
      this.#pumpNow();
    });
  }

  /** Flushes the sink, then closes it, each within the deadline. Records that cannot be delivered are lost, and counted. */
  async close(): Promise<void> {
    const failures: SinkError[] = [];
    const note = (error: unknown) => void failures.push(this.#acknowledger.error(asError(error)));
    await this.flush().catch(note);
    this.#giveUp();
    // The gap is sent alone: no record will follow it.
    if (this.#queue.missing > 0 && !this.#sender.awaitsSink) await this.flush('once').catch(note);
    this.#reportMissing();
    if (this.#sender.awaitsSink) this.#acknowledger.tell(this.#sender.inFlight, this.#shutDown());
    else await within(this.options.exportTimeoutMillis, this.#sink.close(), this.name).catch(note);
    this.#deadline.stop();
    forgetAtExit(this);
    this.#counters.close();
    if (failures[0] !== undefined) throw failures[0];
  }

  /** {@link flushSync}, which returns how many records were lost by it. */
  flushAtExit(): number {
    const { failed, dropped } = this.stats;
    this.flushSync();
    const now = this.stats;
    return now.failed + now.dropped - failed - dropped;
  }

  /** Whether the sink has sealed all that it wrote; undefined where it seals nothing. */
  get isSealed(): boolean | undefined {
    return this.options.sink.isSealed;
  }

  /** Whether the sink can write without an event loop. */
  get canFlushSync(): boolean {
    return this.#sink.canFlushSync;
  }

  /** Writes, without an event loop, what waits: the process ends. What the sink does not take is lost, and counted. */
  flushSync(): void {
    if (!this.canFlushSync) return this.#emitOnce();
    const items = this.#removeAll();
    try {
      const parts = this.#sender.compose(items);
      this.#sink.flushSync(parts.map(({ record }) => record));
      this.#acknowledger.delivered(
        parts.map(({ item }) => item),
        this.options.ack,
        [],
      );
    } catch (error) {
      this.#acknowledger.lose(items, asError(error));
    }
  }

  /** A sink that answers without a promise can still take records; the answer of any other would come too late. */
  #emitOnce(): void {
    if (this.#sender.awaitsSink) return this.#giveUp();
    this.#emitHeld();
    // The sink may have refused some of them: its log is given the gap record.
    if (this.#queue.missing > 0) this.#emitHeld();
  }

  #emitHeld(): void {
    const items = this.#removeAll();
    if (items.length === 0) return;
    const parts = this.#sender.compose(items);
    // Gaps alone, and no `gapRecord` to make records of them.
    if (parts.length === 0) return;
    const result = this.#sink.emit(parts.map(({ record }) => record));
    if (result instanceof Promise || result.status !== 'delivered')
      return this.#acknowledger.lose(items, this.#shutDown());
    this.#acknowledger.delivered(
      parts.map(({ item }) => item),
      result.ack ?? 'delivered',
      result.rejected ?? [],
    );
  }

  #drop(record: AuditRecord, completion: Completion | undefined): void {
    const isFirst = this.#queue.loseLast(record, QUEUE_FULL);
    // The stack of an error costs several times what a record does: while the queue stays full, only callers get one of their own.
    if (isFirst || completion !== undefined || this.#full === undefined)
      this.#full = new SinkError(this.name, `the queue of sink '${this.name}' is full`);
    this.#counters.lost('dropped', this.#full, [record], isFirst);
    completion?.failed(this.#full);
  }

  #giveUp(): void {
    const items = this.#removeAll();
    if (items.length > 0) this.#acknowledger.lose(items, this.#shutDown());
  }

  /** Reports what is missing at the end of the sink's log, which has no gap record for it. */
  #reportMissing(): void {
    const { missing } = this.#queue;
    this.#queue.rewrite((item) => (item instanceof Barrier ? item : undefined));
    if (missing === 0 || this.options.gapRecord === undefined) return;
    const error = new SinkError(
      this.name,
      `sink '${this.name}' ends without the record that says that ${missing} records are missing`,
      { code: 'MCP_LOG_ERR_SHUTDOWN' },
    );
    this.options.report(error, { sink: this.name, lost: 0, records: [] });
  }

  #shutDown(): SinkError {
    return new SinkError(this.name, `sink '${this.name}' was shut down before it took the record`, {
      code: 'MCP_LOG_ERR_SHUTDOWN',
    });
  }

  #removeAll(): (Entry | Gap)[] {
    const items = [...this.#sender.recall()];
    this.#queue.rewrite((item) => {
      if (!(item instanceof Barrier)) items.push(item);
      return undefined;
    });
    return items;
  }

  #pump(): void {
    const { scheduledDelayMillis, maxExportBatchSize } = this.options;
    if (this.#sender.isBusy) return;
    if (this.#queue.entries === 0) return this.#sender.pump();
    if (scheduledDelayMillis > 0 && this.#queue.entries < maxExportBatchSize) {
      this.#delay ??= after(scheduledDelayMillis, () => this.#pumpNow());
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      // The records of one turn of the event loop go together.
      queueMicrotask(() => this.#pumpNow());
    }
  }

  #pumpNow(): void {
    clearTimeout(this.#delay);
    this.#delay = undefined;
    this.#scheduled = false;
    this.#sender.pump();
  }

  /** Lets callers go on that waited for room in the queue, once their records are within its bound. */
  #onTaken(items: readonly (Entry | Gap)[]): void {
    // These may be the last records: no later `push` would set the timer.
    this.#deadline.watch(this.options.exportTimeoutMillis);
    if (this.#waitForRoom === 0) return;
    let room = this.options.maxQueueSize;
    for (const item of items) this.#letGoOn(item);
    for (const item of this.#queue) {
      if (room-- <= 0) return;
      this.#letGoOn(item);
    }
  }

  #letGoOn(item: Item): void {
    if (!(item instanceof Entry) || item.completion === undefined) return;
    this.#waitForRoom--;
    item.completion.delivered();
    item.completion = undefined;
  }

  /** Rejects the promises of callers whose deadline has passed. Returns the next deadline. */
  #expire(now: number): number | undefined {
    const { exportTimeoutMillis } = this.options;
    const due = now - exportTimeoutMillis;
    const cause = timeoutError(this.name, exportTimeoutMillis);
    const waiting = this.#waiting();
    const late = waiting.filter((entry) => entry.acceptedAt <= due);
    const since = this.#sender.sentAt ?? now;
    if (late.length > 0 || since <= due) this.#counters.trouble(cause, recordsOf(late), late.length > 0);
    if (late.length > 0) this.#endPatience(late, cause);
    const next = waiting[late.length];
    if (next !== undefined) return next.acceptedAt + exportTimeoutMillis;
    return since > due && since < now ? since + exportTimeoutMillis : undefined;
  }

  /** The records whose callers still wait, oldest first. */
  #waiting(): Entry[] {
    return [...this.#sender.inFlight, ...this.#queue].filter(
      (item): item is Entry => item instanceof Entry && item.completion !== undefined,
    );
  }

  /** Tells the callers. Their records stay while there is room, because the operations did happen; those of intents did not. */
  #endPatience(late: readonly Entry[], cause: SinkError): void {
    if (this.options.mode === 'batch') for (const entry of late) this.#letGoOn(entry);
    this.#acknowledger.tell(late, cause);
    this.#sender.rewrite((items) => this.#acknowledger.withoutRefusedIntents(items, cause));
    let room = this.options.maxQueueSize;
    this.#queue.rewrite((item) => {
      if (!(item instanceof Entry) || item.completion !== undefined) return item;
      if (item.intent) return this.#acknowledger.withoutRefusedIntent(item, cause);
      return room-- > 0 ? item : this.#acknowledger.replace(item, cause, 'dropped');
    });
  }
}

const QUEUE_FULL = 'queue_full';

/** Settles as `work` does, or rejects after `ms`. */
async function within(ms: number, work: Promise<void>, sink: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = after(ms, () => reject(timeoutError(sink, ms)));
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
