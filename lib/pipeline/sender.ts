import type { AuditRecord } from '../schema/record.js';
import type { GapRecordFactory } from '../sinks/gap.js';
import type { SinkResult } from '../sinks/sink.js';
import { asError } from './failures.js';
import type { Ledger } from './ledger.js';
import type { SinkPort } from './port.js';
import { Barrier, Entry, type Gap, type ItemQueue } from './queue.js';
import { backoffMs } from './retry.js';
import { recordsOf, type Settler } from './settler.js';

/** What the sender must know of how its sink is served. */
export interface SenderOptions {
  readonly port: SinkPort;
  readonly maxBatch: number;
  /** Whether a record that the sink fails for good is kept all the same, and tried until it is taken. */
  readonly keep: boolean;
  readonly gapRecord: GapRecordFactory | undefined;
  /** Called with what has just left the queue. */
  readonly onTaken: (items: readonly (Entry | Gap)[]) => void;
  /** Called when nothing is left to do. */
  readonly onIdle: () => void;
}

/** Records and gaps that go to the sink together: the same ones on every attempt, so that a receiver can deduplicate. */
interface Batch {
  items: readonly (Entry | Gap)[];
  attempts: number;
  /** Since when the sink has it in hand (monotonic ms); absent between two attempts. */
  inHandSince?: number | undefined;
}

/** Takes from a queue and gives to a sink: in order, one batch at a time, again where that can help. */
export class Sender {
  #batch: Batch | undefined;
  #flushing = false;
  #wake: NodeJS.Timeout | undefined;

  constructor(
    private readonly queue: ItemQueue,
    private readonly ledger: Ledger,
    private readonly settler: Settler,
    private readonly options: SenderOptions,
  ) {}

  /** What has left the queue and is not settled. */
  get underWay(): readonly (Entry | Gap)[] {
    return this.#batch?.items ?? [];
  }

  /** Since when the sink owes an answer for a batch (monotonic ms). */
  get inHandSince(): number | undefined {
    return this.#batch?.inHandSince;
  }

  /** Whether something is under way, so that what comes next is taken without being asked for. */
  get isBusy(): boolean {
    return this.#batch !== undefined || this.#flushing;
  }

  /** Whether the sink owes an answer: then nothing else may be asked of it. */
  get isOwed(): boolean {
    return this.#flushing || this.inHandSince !== undefined;
  }

  /** Goes on with whatever is next, unless something is under way. */
  pump(): void {
    if (this.isBusy) return;
    const { first } = this.queue;
    if (first instanceof Barrier) this.#flush(first);
    else if (this.#worthSending()) this.#sendNext();
    else this.options.onIdle();
  }

  /** Tries at once what waits for its next attempt. */
  hurry(): void {
    if (this.#wake !== undefined) this.#again();
  }

  /** What waits for its next attempt changes: see {@link Settler.withoutRefusedIntents}. */
  rewrite(change: (items: readonly (Entry | Gap)[]) => readonly (Entry | Gap)[]): void {
    if (this.#batch !== undefined && !this.isOwed) this.#batch.items = change(this.#batch.items);
  }

  /** Gives up what the sink does not have in hand, and hands it back. */
  recall(): readonly (Entry | Gap)[] {
    if (this.#batch === undefined || this.isOwed) return [];
    clearTimeout(this.#wake);
    this.#wake = undefined;
    const { items } = this.#batch;
    this.#batch = undefined;
    return items;
  }

  #sendNext(): void {
    const items = this.queue.take(this.options.maxBatch);
    this.options.onTaken(items);
    this.#send({ items, attempts: 0 });
  }

  #send(batch: Batch): void {
    this.#batch = batch;
    if (batch.attempts++ > 0) this.ledger.retrying();
    batch.inHandSince = performance.now();
    const result = this.options.port.emit(this.recordsOf(batch.items));
    if (result instanceof Promise) {
      void result.then((settled) => {
        this.#settle(batch, settled);
        this.pump();
      });
      return;
    }
    this.#settle(batch, result);
    // Not at once: a sink that answers without a promise must not keep the event loop from everybody else.
    if (this.queue.isEmpty) this.pump();
    else setImmediate(() => this.pump());
  }

  /** The records of a batch; gaps become records too, if the user said what those look like. */
  recordsOf(items: readonly (Entry | Gap)[]): AuditRecord[] {
    const { gapRecord } = this.options;
    if (gapRecord === undefined) return recordsOf(items);
    return items.map((item) =>
      item instanceof Entry ? item.record : item.record(this.ledger.name, gapRecord),
    );
  }

  #settle(batch: Batch, result: SinkResult): void {
    this.ledger.answered(performance.now() - (batch.inHandSince ?? 0));
    batch.inHandSince = undefined;
    this.#batch = undefined;
    if (result.status === 'delivered') {
      const sent =
        this.options.gapRecord === undefined ? batch.items.filter((i) => i instanceof Entry) : batch.items;
      this.settler.delivered(sent, result.ack ?? 'delivered', result.rejected ?? []);
    } else if (result.status === 'retryable' || this.options.keep) {
      if (result.status === 'permanent') this.settler.tell(batch.items, result.error);
      this.#later(batch, result.error, result.status === 'retryable' ? result.retryAfterMs : undefined);
    } else {
      this.settler.lose(batch.items, result.error);
    }
  }

  #later(batch: Batch, cause: Error, retryAfterMs: number | undefined): void {
    batch.items = this.settler.withoutRefusedIntents(batch.items, cause);
    const records = recordsOf(batch.items);
    this.ledger.trouble(this.settler.error(cause), records);
    if (records.length === 0) return this.queue.putBack(batch.items);
    this.#batch = batch;
    this.#wake = setTimeout(() => this.#again(), backoffMs(batch.attempts, retryAfterMs));
  }

  #again(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    if (this.#batch !== undefined) this.#send(this.#batch);
  }

  /** A gap alone goes out only when a record follows it or somebody waits: else a broken sink would be tried for ever. */
  #worthSending(): boolean {
    if (this.queue.entries > 0) return true;
    const barriers = [...this.queue].filter((item) => item instanceof Barrier);
    if (barriers.some((barrier) => barrier.failure === undefined)) return true;
    for (const barrier of barriers) {
      this.queue.remove(barrier);
      this.#flush(barrier);
    }
    return false;
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
      else barrier.reject(this.settler.error(asError(failure)));
      this.pump();
    };
    this.options.port.flush().then(() => done(), done);
  }
}
