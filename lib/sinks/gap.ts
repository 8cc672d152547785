import type { AuditRecord, DraftRecord } from '../schema/record.js';

/** Records that a sink never got, told in the place where they are missing. */
export interface GapInfo {
  /** The sink that lacks them. */
  readonly sink: string;
  /** How many there are. */
  readonly count: number;
  /** The `time` of the first and of the last of them. */
  readonly firstTime: string;
  /** The time of the last record that is missing. */
  readonly lastTime: string;
  /** Why, as codes joined by a comma: `queue_full`, `timeout`, `shutdown`, or the code or class of the sink's error. */
  readonly cause: string;
}

/** The `resource` of the records that tell of gaps. */
const GAP_RESOURCE = 'audit/gap';

/** Makes the record that tells of a gap: who writes it, and in which environment, is the caller's to know. */
export type GapRecordFactory = (gap: GapInfo) => DraftRecord;

/** A place in a log's order where records are missing. It takes the `seq` of the last of them, so that order is kept. */
export class Gap {
  count = 0;
  firstTime = '';
  lastTime = '';
  seq = 0;
  readonly causes = new Set<string>();
  #record: AuditRecord | undefined;

  /** Counts one more lost record, which came after those counted already. */
  add(record: AuditRecord, cause: string): void {
    this.merge({ count: 1, firstTime: record.time, lastTime: record.time, seq: record.seq, causes: [cause] });
  }

  /** Takes over a gap that follows this one without a record between. */
  merge(later: Pick<Gap, 'count' | 'firstTime' | 'lastTime' | 'seq'> & { causes: Iterable<string> }): void {
    if (this.count === 0) this.firstTime = later.firstTime;
    this.count += later.count;
    this.lastTime = later.lastTime;
    this.seq = later.seq;
    for (const cause of later.causes) if (this.causes.size < 8) this.causes.add(cause);
    this.#record = undefined;
  }

  /** The record that tells of it: the same one on every attempt, until the gap grows. */
  record(sink: string, factory: GapRecordFactory): AuditRecord {
    return (this.#record ??= { ...factory(this.#info(sink)), seq: this.seq });
  }

  #info(sink: string): GapInfo {
    const { count, firstTime, lastTime } = this;
    return { sink, count, firstTime, lastTime, cause: [...this.causes].join(',') };
  }
}

/** What a gap record tells of, without its cause; nothing for any other record. */
export function gapToldBy({
  resource,
  data,
  time,
  seq,
}: AuditRecord): Omit<Parameters<Gap['merge']>[0], 'causes'> | undefined {
  if (resource !== GAP_RESOURCE || typeof data !== 'object' || data === null) return undefined;
  const { count, first_time: first, last_time: last } = data as Record<string, unknown>;
  if (typeof count !== 'number' || !(count > 0)) return undefined;
  const firstTime = typeof first === 'string' ? first : time;
  return { count, firstTime, lastTime: typeof last === 'string' ? last : time, seq };
}

/** An error in one word that holds no secret: its code, else its class. */
export function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(code)) return code;
  return error.constructor?.name || 'Error';
}
