import { newRecordId } from '../../schema/ids.js';
import type { AuditRecord } from '../../schema/record.js';
import { Gap, gapToldBy, type GapRecordFactory } from '../gap.js';
import type { PendingGap } from './state.js';

/** Records that the receiver of a spool will never get and has not been told of, however many processes it takes to tell it. */
export class UntoldGap {
  readonly #gap = new Gap();
  /** The id of the record that tells of it: the same after a crash, so that the receiver can drop the second one. */
  #id = newRecordId();
  /** Whether its number is that of the last lost record, and not a guess from the places that were empty. */
  #exact = false;

  constructor(kept?: PendingGap) {
    if (kept === undefined) return;
    this.#gap.merge(kept);
    this.#id = kept.id ?? this.#id;
    this.#exact = kept.exact ?? false;
  }

  /** How many records there are. */
  get count(): number {
    return this.#gap.count;
  }

  /** What is kept with the cursor; nothing when nothing is missing. */
  get pending(): PendingGap | undefined {
    const { count, firstTime, lastTime, seq, causes } = this.#gap;
    if (count === 0) return undefined;
    return { count, firstTime, lastTime, seq, causes: [...causes], id: this.#id, exact: this.#exact };
  }

  /** Counts a record that the receiver refused; one that told of a gap counts for what it told of. Returns how many these are. */
  lose(record: AuditRecord, cause: string): number {
    const told = gapToldBy(record);
    if (told === undefined) this.#gap.add(record, cause);
    else this.#gap.merge({ ...told, causes: [cause] });
    this.#grown(true);
    return told === undefined ? 1 : 0;
  }

  /** Counts records that are nowhere in the spool; `seq` is about the number of the last of them. */
  miss(count: number, about: { readonly time: string; readonly seq: number }, cause: string): void {
    const { time, seq } = about;
    this.#gap.merge({ count, firstTime: time, lastTime: time, seq, causes: [cause] });
    this.#grown(false);
  }

  /**
   * The record that tells of them: the same one on every attempt, until there are more.
   *
   * @param next - the number of the record that follows, where one does.
   */
  record(sink: string, factory: GapRecordFactory, next: number | undefined): AuditRecord {
    if (!this.#exact && next !== undefined && next > 0) {
      this.#gap.seq = next - 1;
      this.#exact = true;
    }
    return { ...this.#gap.record(sink, factory), record_id: this.#id, seq: this.#gap.seq };
  }

  #grown(exact: boolean): void {
    this.#exact = exact;
    this.#id = newRecordId();
  }
}
