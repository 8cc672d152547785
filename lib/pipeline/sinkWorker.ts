import { after } from '../internal/duration.js';
import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import type { Gap, GapRecordFactory } from '../sinks/gap.js';
import { asError } from '../sinks/emit.js';
import type { Ack } from '../sinks/sink.js';
import { DeadlineTimer } from './deadline.js';
import type { Receipt } from './completion.js';
import { forgetAtExit, isPastExit, writeAtExit, writeNow } from './exit.js';
import type { CompiledFilter } from './filter.js';
import { timeoutError } from './failures.js';
import { Ledger } from './ledger.js';
import { SinkMetrics } from './metrics.js';
import type { SinkPort } from './port.js';
import { Barrier, Entry, ItemQueue, Sequence, type Item } from './queue.js';
import type { Report } from './report.js';
import { Sender } from './batchSender.js';
import { Settler, recordsOf } from './acknowledger.js';
import type { SinkStats } from './stats.js';

/** How one sink is served. */
export interface LaneOptions {
  readonly port: SinkPort;
  readonly filter: CompiledFilter | undefined;
  readonly mode: 'blocking' | 'blocking-strict' | 'batch';
  /** Whether callers wait for this sink. */
  readonly awaited: boolean;
  readonly ack: Ack;
  readonly overflow: 'wait' | 'drop';
  /** Records. */
  readonly maxQueue: number;
  readonly maxBatch: number;
  readonly lingerMs: number;
  readonly deadlineMs: number;
  readonly maxRetryAfterMs: number;
  readonly gapRecord: GapRecordFactory | undefined;
  readonly report: Report;
  /** The first number of its own log, where a filter makes it one of its own. */
  readonly firstSeq: number;
}

/** The way to one sink: an ordered queue, one batch under way at a time, a deadline of its own. */
export class Lane {
  readonly #queue = new ItemQueue();
  readonly #deadline = new DeadlineTimer((now) => this.#expire(now));
  readonly #ledger: Ledger;
  readonly #settler: Settler;
  readonly #sender: Sender;
  readonly #sequence: Sequence | undefined;
  #linger: NodeJS.Timeout | undefined;
  #scheduled = false;
  #waitForRoom = 0;

  constructor(readonly options: LaneOptions) {
    const { port, maxBatch, maxRetryAfterMs, gapRecord, report } = options;
    this.#ledger = new Ledger(
      port.name,
      report,
      new SinkMetrics(
        port.name,
        () => this.pending,
        () => port.backlogBytes,
      ),
    );
    this.#sequence = options.filter && new Sequence(options.firstSeq);
    this.#settler = new Settler(this.#queue, this.#ledger, options.ack);
    this.#sender = new Sender(this.#queue, this.#ledger, this.#settler, {
      port,
      maxBatch,
      maxRetryAfterMs,
      gapRecord,
      patienceMs: options.deadlineMs,
      report,
      keep: options.mode === 'blocking-strict',
      onTaken: (items) => this.#onTaken(items),
      goOn: () => (this.#queue.hasBarrier ? this.#sender.pump() : this.#pump()),
      onIdle: () => this.#deadline.rest(),
    });
    writeAtExit(this);
  }

  get name(): string {
    return this.options.port.name;
  }

  /** How many records are on their way. */
  get pending(): number {
    return recordsOf(this.#sender.underWay).length + this.#queue.entries;
  }

  /** Whether something that happened is still not on this log, so that nothing else may happen (`blocking-strict`). */
  get isBehind(): boolean {
    const behind = (item: Item) => item instanceof Entry && item.receipt === undefined && !item.intent;
    return this.#ledger.failing && (this.#sender.underWay.some(behind) || [...this.#queue].some(behind));
  }

  get stats(): SinkStats {
    return this.#ledger.snapshot(this.pending, this.options.port.backlogBytes);
  }

  /** Whether this sink wants a record. */
  wants(record: AuditRecord): boolean {
    if (this.options.filter === undefined || this.options.filter(record)) return true;
    this.#ledger.filtered();
    return false;
  }

  /** Takes a record, in order. Where there is a receipt, this sink speaks on it exactly once. */
  push(record: AuditRecord, receipt: Receipt | undefined, intent: boolean): void {
    const { ack, maxQueue, overflow, deadlineMs } = this.options;
    const own = this.#sequence === undefined ? record : this.#sequence.number(record);
    const full = this.#queue.entries >= maxQueue;
    if (full && (overflow === 'drop' || receipt === undefined)) return this.#drop(own, receipt);
    const goOn = ack === 'accepted' && !full;
    if (goOn) receipt?.delivered();
    else if (ack === 'accepted' && receipt !== undefined) this.#waitForRoom++;
    this.#queue.push(new Entry(own, goOn ? undefined : receipt, performance.now(), intent));
    this.#deadline.watch(deadlineMs);
    if (isPastExit()) writeNow(this);
    else this.#pump();
  }

  /** Delivers all that is here and flushes the sink, within the deadline. */
  flush(gapAttempts?: Barrier['gapAttempts']): Promise<void> {
    return new Promise((resolve, reject) => {
      const { deadlineMs } = this.options;
      const timer = after(deadlineMs, () => {
        this.#queue.remove(barrier);
        reject(barrier.failure ?? timeoutError(this.name, deadlineMs));
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
      this.#sender.hurry();
      this.#pumpNow();
    });
  }

  /** Flushes and closes the sink, within the deadline each. What cannot be delivered is lost, and counted. */
  async close(): Promise<void> {
    const failures: SinkError[] = [];
    const note = (error: unknown) => void failures.push(this.#settler.error(asError(error)));
    await this.flush().catch(note);
    this.#giveUp();
    // No record will follow that the gap could go before.
    if (this.#queue.missing > 0 && !this.#sender.isOwed) await this.flush('once').catch(note);
    this.#reportUntold();
    if (this.#sender.isOwed) this.#settler.tell(this.#sender.underWay, this.#shutDown());
    else await within(this.options.deadlineMs, this.options.port.close(), this.name).catch(note);
    this.#deadline.stop();
    forgetAtExit(this);
    this.#ledger.close();
    if (failures[0] !== undefined) throw failures[0];
  }

  /** The same, counted: how many records are lost by the end of the process. */
  flushAtExit(): number {
    const { failed, dropped } = this.stats;
    this.flushSync();
    const now = this.stats;
    return now.failed + now.dropped - failed - dropped;
  }

  /** Whether the sink writes without an event loop. */
  get canFlushSync(): boolean {
    return this.options.port.canFlushSync;
  }

  /** The last resort while the process ends. */
  flushSync(): void {
    if (!this.canFlushSync) return this.#emitOnce();
    const items = this.#removeAll();
    try {
      const parts = this.#sender.compose(items);
      this.options.port.flushSync(parts.map(({ record }) => record));
      this.#settler.delivered(
        parts.map(({ item }) => item),
        this.options.ack,
        [],
      );
    } catch (error) {
      this.#settler.lose(items, asError(error));
    }
  }

  /** A sink that answers without a promise still takes what is here; of another, nobody will ever hear the answer. */
  #emitOnce(): void {
    if (this.#sender.isOwed) return this.#giveUp();
    this.#emitHeld();
    // What it refused just now is missing from its log, which is still to say so.
    if (this.#queue.missing > 0) this.#emitHeld();
  }

  #emitHeld(): void {
    const items = this.#removeAll();
    if (items.length === 0) return;
    const parts = this.#sender.compose(items);
    // A gap alone, of which nothing is to be said.
    if (parts.length === 0) return;
    const result = this.options.port.emit(parts.map(({ record }) => record));
    if (result instanceof Promise || result.status !== 'delivered')
      return this.#settler.lose(items, this.#shutDown());
    this.#settler.delivered(
      parts.map(({ item }) => item),
      result.ack ?? 'delivered',
      result.rejected ?? [],
    );
  }

  #drop(record: AuditRecord, receipt: Receipt | undefined): void {
    const error = new SinkError(this.name, `the queue of sink '${this.name}' is full`);
    const first = this.#queue.loseLast(record, QUEUE_FULL);
    this.#ledger.lost('dropped', error, [record], first);
    receipt?.failed(error);
  }

  #giveUp(): void {
    const items = this.#removeAll();
    if (items.length > 0) this.#settler.lose(items, this.#shutDown());
  }

  /** The sink's own log will not show what is missing at its end, so the user is told that. */
  #reportUntold(): void {
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
    const { lingerMs, maxBatch } = this.options;
    if (this.#sender.isBusy) return;
    if (this.#queue.entries === 0) return this.#sender.pump();
    if (lingerMs > 0 && this.#queue.entries < maxBatch) {
      this.#linger ??= after(lingerMs, () => this.#pumpNow());
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      // Records of one turn of the event loop go together.
      queueMicrotask(() => this.#pumpNow());
    }
  }

  #pumpNow(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#scheduled = false;
    this.#sender.pump();
  }

  /** Callers that waited for room go on when their records come within the bound. */
  #onTaken(items: readonly (Entry | Gap)[]): void {
    // What has waited in the queue until now may be the last that there is: nothing else would look at the clock again.
    this.#deadline.watch(this.options.deadlineMs);
    if (this.#waitForRoom === 0) return;
    let room = this.options.maxQueue;
    for (const item of items) this.#letGoOn(item);
    for (const item of this.#queue) {
      if (room-- <= 0) return;
      this.#letGoOn(item);
    }
  }

  #letGoOn(item: Item): void {
    if (!(item instanceof Entry) || item.receipt === undefined) return;
    this.#waitForRoom--;
    item.receipt.delivered();
    item.receipt = undefined;
  }

  /** Tells every caller whose deadline has passed. Returns when to look again. */
  #expire(now: number): number | undefined {
    const { deadlineMs } = this.options;
    const due = now - deadlineMs;
    const cause = timeoutError(this.name, deadlineMs);
    const waiting = this.#waiting();
    const late = waiting.filter((entry) => entry.acceptedAt <= due);
    const since = this.#sender.inHandSince ?? now;
    if (late.length > 0 || since <= due) this.#ledger.trouble(cause, recordsOf(late), late.length > 0);
    if (late.length > 0) this.#endPatience(late, cause);
    const next = waiting[late.length];
    if (next !== undefined) return next.acceptedAt + deadlineMs;
    return since > due && since < now ? since + deadlineMs : undefined;
  }

  /** Records that somebody waits for, oldest first. */
  #waiting(): Entry[] {
    return [...this.#sender.underWay, ...this.#queue].filter(
      (item): item is Entry => item instanceof Entry && item.receipt !== undefined,
    );
  }

  /** The callers are told; their records stay as long as there is room, for they did happen. Intents did not. */
  #endPatience(late: readonly Entry[], cause: SinkError): void {
    if (this.options.mode === 'batch') for (const entry of late) this.#letGoOn(entry);
    this.#settler.tell(late, cause);
    this.#sender.rewrite((items) => this.#settler.withoutRefusedIntents(items, cause));
    let room = this.options.maxQueue;
    this.#queue.rewrite((item) => {
      if (!(item instanceof Entry) || item.receipt !== undefined) return item;
      if (item.intent) return this.#settler.withoutRefusedIntent(item, cause);
      return room-- > 0 ? item : this.#settler.replace(item, cause, 'dropped');
    });
  }
}

const QUEUE_FULL = 'queue_full';

/** Settles with the work, or rejects when the time is up. */
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
