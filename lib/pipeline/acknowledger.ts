import { SinkError } from '../errors.js';
import { causeOf, Gap } from '../sinks/gap.js';
import { vouchesFor, type Ack, type Rejection } from '../sinks/sink.js';
import { Entry, recordsOf, type ItemQueue } from './queue.js';
import type { SinkCounters, Loss } from './stats.js';

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
