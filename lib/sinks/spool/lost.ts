import { encodeLine } from '../../codecs/json.js';
import { counterOf, newRecordId } from '../../schema/ids.js';
import type { AuditRecord } from '../../schema/record.js';
import { Gap, gapToldBy, type GapRecordFactory } from '../sink.js';
import type { Cursor, StoredGap } from './files.js';
import type { SpoolStore } from './store.js';

/** Records that the receiver will never get, and has not heard of yet. They are counted across processes until it has. */
export class PendingGap {
  readonly #gap = new Gap();
  /** The id of the gap record: the same after a crash, so that the receiver can drop the second one. */
  #id = newRecordId();
  /** Whether `seq` is that of the last lost record, and not a guess by the places that were empty. */
  #exact = false;

  constructor(kept?: StoredGap) {
    if (kept === undefined) return;
    this.#gap.merge(kept);
    this.#id = kept.id ?? this.#id;
    this.#exact = kept.exact ?? false;
  }

  /** How many records there are. */
  get count(): number {
    return this.#gap.count;
  }

  /** What the state keeps; nothing when no record is missing. */
  get pending(): StoredGap | undefined {
    const { count, firstTime, lastTime, seq, counter, causes } = this.#gap;
    if (count === 0) return undefined;
    return {
      count,
      firstTime,
      lastTime,
      seq,
      counter,
      causes: [...causes],
      id: this.#id,
      exact: this.#exact,
    };
  }

  /** Counts a refused record; a gap record counts as the records that it stands for. Returns how many were not counted before. */
  lose(record: AuditRecord, cause: string): number {
    const told = gapToldBy(record);
    if (told === undefined) this.#gap.add(record, cause);
    else this.#gap.merge({ ...told, causes: [cause] });
    this.#grown(true);
    return told === undefined ? 1 : 0;
  }

  /** Counts records that were not found in the spool; `seq` is about the number of the last of them. */
  miss(count: number, about: Pick<Cursor, 'counter'> & { time: string; seq: number }, cause: string): void {
    const { time, seq, counter } = about;
    this.#gap.merge({ count, firstTime: time, lastTime: time, seq, counter, causes: [cause] });
    this.#grown(false);
  }

  /**
   * The gap record: the same one on every attempt, until more records are lost.
   *
   * @param next - the record that follows, where one does.
   */
  record(sink: string, factory: GapRecordFactory, next: AuditRecord | undefined): AuditRecord {
    if (!this.#exact && next !== undefined && next.seq > 0) {
      this.#gap.seq = next.seq - 1;
      this.#gap.counter = counterOf(next) ?? this.#gap.counter;
      this.#exact = true;
    }
    return { ...this.#gap.record(sink, factory), record_id: this.#id, seq: this.#gap.seq };
  }

  #grown(exact: boolean): void {
    this.#exact = exact;
    this.#id = newRecordId();
  }
}

/**
 * The records that a receiver refused for good, one JSON line each, in `refused.spool`. The file holds a bounded number of
 * bytes. What finds no room is counted, and a gap record tells of it in the file as soon as somebody has made room.
 */
export class RefusedRecords {
  #unkept: PendingGap;

  /** @param unkept - what an earlier process had still to tell. */
  constructor(
    private readonly store: SpoolStore,
    private readonly maxBytes: number,
    unkept: StoredGap | undefined,
  ) {
    this.#unkept = new PendingGap(unkept);
  }

  /** What the state keeps; nothing when the file has every refused record. */
  get pending(): StoredGap | undefined {
    return this.#unkept.pending;
  }

  /** Puts a record into the file. Returns the file's path; nothing when the file is full. */
  keep(record: AuditRecord, sink: string, gapRecord: GapRecordFactory | undefined): string | undefined {
    const isGapDue = gapRecord !== undefined && this.#unkept.count > 0;
    const gap = isGapDue ? [this.#unkept.record(sink, gapRecord, undefined)] : [];
    const lines = [...gap, record].map((each) => Buffer.from(`${encodeLine(each)}\n`));
    const path = this.store.keepAside('refused.spool', lines, this.maxBytes);
    if (path === undefined) this.#unkept.lose(record, 'refused_full');
    else if (isGapDue) this.#unkept = new PendingGap();
    return path;
  }
}
