import { newRecordId } from '../schema/ids.js';
import type { AuditRecord, DraftRecord, LogCounter } from '../schema/record.js';
import { Gap, type Sink } from '../sinks/sink.js';
import type { SinkError } from '../errors.js';
import type { Completion } from './completion.js';

/** A record that waits for one sink. */
export class Entry {
  /** What the caller awaits; absent once this sink has answered, though the record may still wait. */
  completion: Completion | undefined;

  constructor(
    readonly record: AuditRecord,
    completion: Completion | undefined,
    /** When it was accepted, in ms of the monotonic clock; its deadline counts from then. */
    readonly acceptedAt: number,
    /** Whether it is an intent. One that was refused must not be written later, because its operation never happened. */
    readonly intent: boolean,
  ) {
    this.completion = completion;
  }
}

/** A flush that waits in the queue: when all items before it are settled, the sink is flushed. */
export class Barrier {
  /** Set when records before it were lost: the flush must then fail. */
  failure: SinkError | undefined;

  constructor(
    readonly resolve: () => void,
    readonly reject: (error: SinkError) => void,
    /** How often a gap that no record follows is sent because this flush waits: until it is taken, once more, or no more. */
    public gapAttempts: 'until taken' | 'once' | 'none' = 'until taken',
  ) {}
}

/** What a sink's queue holds. */
export type Item = Entry | Gap | Barrier;

/** Where the count of a log stands: the number of the next record, and who counts. */
export interface CountStart extends LogCounter {
  readonly seq: number;
}

/**
 * Where the count of these sinks goes on: after the last record that one of them has, in the next epoch of its log; or at the
 * beginning of a new log. A log of a version that named no counter gets a name now.
 */
export function countAfter(sinks: readonly Sink[]): CountStart {
  let last: Sink | undefined;
  for (const sink of sinks) if ((sink.lastSeq ?? -1) > (last?.lastSeq ?? -1)) last = sink;
  const { lastSeq = -1, lastCounter } = last ?? {};
  return {
    seq: lastSeq + 1,
    log_id: lastCounter?.log_id ?? newRecordId(),
    log_epoch: lastCounter === undefined ? 0 : lastCounter.log_epoch + 1,
  };
}

/** Numbers the records of one log. */
export class Sequence {
  #next: number;
  readonly #logId: string;
  readonly #epoch: number;

  constructor({ seq, log_id, log_epoch }: CountStart) {
    this.#next = seq;
    this.#logId = log_id;
    this.#epoch = log_epoch;
  }

  /** A copy of the draft with the next number, and who gave it. */
  number(draft: DraftRecord): AuditRecord {
    // A plain clone, then the fields: `{ ...draft, seq }` would cost V8 several times as much.
    return this.stamp({ ...draft });
  }

  /** The draft itself with the next number, and who gave it. */
  stamp(draft: DraftRecord): AuditRecord {
    draft.seq = this.#next++;
    draft.log_id = this.#logId;
    draft.log_epoch = this.#epoch;
    return draft as AuditRecord;
  }
}

/** First in, first out; items taken for a batch may come back to the front. */
export class ItemQueue {
  #items: Item[] = [];
  #entries = 0;

  /** How many records wait; gaps and barriers are not counted. */
  get entries(): number {
    return this.#entries;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  get hasBarrier(): boolean {
    return this.#items.some((item) => item instanceof Barrier);
  }

  /** How many lost records the gaps in the queue stand for. */
  get missing(): number {
    return this.#items.reduce((sum, item) => sum + (item instanceof Gap ? item.count : 0), 0);
  }

  get barriers(): readonly Barrier[] {
    return this.#items.filter((item) => item instanceof Barrier);
  }

  /** The barriers that have no record before them. */
  get barriersAhead(): readonly Barrier[] {
    const end = this.#items.findIndex((item) => item instanceof Entry);
    return this.#items.slice(0, end < 0 ? undefined : end).filter((item) => item instanceof Barrier);
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items[Symbol.iterator]();
  }

  push(item: Item): void {
    if (item instanceof Entry) this.#entries++;
    this.#items.push(item);
  }

  /** Counts a lost record at the end of the queue. Returns whether a new gap began with it. */
  loseLast(record: AuditRecord, cause: string): boolean {
    const last = this.#items.at(-1);
    const gap = last instanceof Gap ? last : new Gap();
    gap.add(record, cause);
    if (gap !== last) this.push(gap);
    return gap !== last;
  }

  /** The next records and gaps, at most so many, up to the next barrier. */
  take(max: number): (Entry | Gap)[] {
    const items = this.#items;
    let end = 0;
    while (end < items.length && end < max && !(items[end] instanceof Barrier)) end++;
    const taken = end === items.length ? items : items.splice(0, end);
    if (taken === items) this.#items = [];
    const batch = taken.filter((item): item is Entry | Gap => !(item instanceof Barrier));
    for (const item of batch) if (item instanceof Entry) this.#entries--;
    return batch;
  }

  /** Puts items back before all others; neighbouring gaps become one. */
  putBack(items: readonly Item[]): void {
    const rest = this.#items;
    this.#items = [];
    this.#entries = 0;
    for (const item of [...items, ...rest]) this.#append(item);
  }

  /** Replaces every item by what `change` makes of it; nothing means it leaves. */
  rewrite(change: (item: Item) => Item | undefined): void {
    const rest = this.#items;
    this.#items = [];
    this.#entries = 0;
    for (const item of rest) {
      const changed = change(item);
      if (changed !== undefined) this.#append(changed);
    }
  }

  /** Removes the first item, or the one given. */
  remove(item: Item | undefined = this.first): void {
    this.rewrite((each) => (each === item ? undefined : each));
  }

  #append(item: Item): void {
    const last = this.#items.at(-1);
    if (item instanceof Gap && last instanceof Gap) last.merge(item);
    else this.push(item);
  }
}

/** The records among items. */
export function recordsOf(items: Iterable<unknown>): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (const item of items) if (item instanceof Entry) records.push(item.record);
  return records;
}
