import { SinkError } from '../errors.js';
import type { AuditRecord } from '../schema/record.js';
import { causeOf, Gap } from '../sinks/gap.js';
import { vouchesFor, type Ack, type Rejection } from '../sinks/sink.js';
import type { SinkCounters, Loss } from './stats.js';
import { Entry, type ItemQueue } from './queue.js';

const NONE: ReadonlyMap<number, Error> = new Map();

/** Settles records: tells their callers, counts them, and leaves a gap in the queue where they are lost. */
export class Acknowledger {
  constructor(
    private readonly queue: ItemQueue,
    private readonly counters: SinkCounters,
    /** The least that the sink must vouch for. */
    private readonly needed: Ack,
  ) {}

  /** The sink has the batch, but for the records that it rejected. */
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

  /** The records are gone: a gap takes their place at the front of the queue, and nobody who waits there is told all is well. */
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

  /** A gap alone was put off. Returns whether it is tried again: as long as a flush waits for it. */
  gapPutOff(cause: Error): boolean {
    const barriers = this.queue.barriersAhead;
    for (const barrier of barriers) {
      if (barrier.gapAttempts !== 'once') continue;
      barrier.failure ??= this.error(cause);
      barrier.gapAttempts = 'none';
    }
    return barriers.some(({ gapAttempts }) => gapAttempts === 'until taken');
  }

  /** Their callers hear of the failure; the records themselves stay where they are. */
  tell(items: readonly (Entry | Gap)[], cause: Error): void {
    for (const item of items) {
      if (!(item instanceof Entry)) continue;
      item.completion?.failed(this.error(cause));
      item.completion = undefined;
    }
  }

  /**
   * Intents whose callers have been refused leave, each as a gap: their operations never happened, so they must not be
   * written later.
   */
  withoutRefusedIntents(items: readonly (Entry | Gap)[], cause: Error): (Entry | Gap)[] {
    return items.map((item) => (item instanceof Entry ? this.withoutRefusedIntent(item, cause) : item));
  }

  /** The same for one. */
  withoutRefusedIntent(entry: Entry, cause: Error): Entry | Gap {
    return entry.intent && entry.completion === undefined ? this.replace(entry, cause, 'failed') : entry;
  }

  /** A lost record's gap, to stand where the record stood. */
  replace(entry: Entry, cause: Error, kind: Loss): Gap {
    const gap = new Gap();
    gap.add(entry.record, causeOf(cause));
    this.counters.lost(kind, this.error(cause), [entry.record]);
    return gap;
  }

  /** The failure as callers see it. Each gets an object of its own, since it will carry its operation's outcome. */
  error(cause: Error): SinkError {
    if (cause instanceof SinkError && cause.sink === this.counters.name) {
      return new SinkError(cause.sink, cause.message, { cause: cause.cause, code: cause.code });
    }
    return new SinkError(this.counters.name, `sink '${this.counters.name}' failed: ${causeOf(cause)}`, {
      cause,
    });
  }
}

/** The records among items. */
export function recordsOf(items: Iterable<unknown>): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (const item of items) if (item instanceof Entry) records.push(item.record);
  return records;
}
