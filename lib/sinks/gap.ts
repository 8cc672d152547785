import { counterOf } from '../schema/ids.js';
import type { AuditRecord, DraftRecord, LogCounter } from '../schema/record.js';

/** Records that a sink never got, as the gap record in their place describes them. */
export interface GapInfo {
  /** The sink that lacks them. */
  readonly sink: string;
  /** How many records are missing. */
  readonly count: number;
  /** The `time` of the first of them. */
  readonly firstTime: string;
  /** The `time` of the last of them. */
  readonly lastTime: string;
  /** Why, as codes joined by a comma: `queue_full`, `timeout`, `shutdown`, or the code or class of the sink's error. */
  readonly cause: string;
}

/** The `resource` of gap records. */
const GAP_RESOURCE = 'audit/gap';

/** Makes a gap record. It is a function of the caller's, who knows the actor, the component and the environment to name in it. */
export type GapRecordFactory = (gap: GapInfo) => DraftRecord;

/** Lost records, as they add to a gap. */
interface Loss extends Pick<Gap, 'count' | 'firstTime' | 'lastTime' | 'seq'> {
  readonly counter?: LogCounter | undefined;
  readonly causes: Iterable<string>;
}

/** A place in a log where records are missing. It takes the `seq` of the last of them, so that numbers stay in order. */
export class Gap {
  count = 0;
  firstTime = '';
  lastTime = '';
  seq = 0;
  /** Who gave that number. */
  counter: LogCounter | undefined;
  readonly causes = new Set<string>();
  #record: AuditRecord | undefined;

  /** Counts one more lost record, which came after those counted already. */
  add(record: AuditRecord, cause: string): void {
    const { time, seq } = record;
    this.merge({
      count: 1,
      firstTime: time,
      lastTime: time,
      seq,
      counter: counterOf(record),
      causes: [cause],
    });
  }

  /** Adds a gap that follows this one with no record between. */
  merge(later: Loss): void {
    if (this.count === 0) this.firstTime = later.firstTime;
    this.count += later.count;
    this.lastTime = later.lastTime;
    this.seq = later.seq;
    this.counter = later.counter;
    for (const cause of later.causes) if (this.causes.size < 8) this.causes.add(cause);
    this.#record = undefined;
  }

  /** The gap record: the same one on every attempt, until the gap grows. */
  record(sink: string, factory: GapRecordFactory): AuditRecord {
    return (this.#record ??= { ...factory(this.#info(sink)), seq: this.seq, ...this.counter } as AuditRecord);
  }

  #info(sink: string): GapInfo {
    const { count, firstTime, lastTime } = this;
    return { sink, count, firstTime, lastTime, cause: [...this.causes].join(',') };
  }
}

/** What a gap record says, without its cause; nothing for any other record. */
export function gapToldBy(record: AuditRecord): Omit<Loss, 'causes'> | undefined {
  const { resource, data, time, seq } = record;
  if (resource !== GAP_RESOURCE || typeof data !== 'object' || data === null) return undefined;
  const { count, first_time: first, last_time: last } = data as Record<string, unknown>;
  if (typeof count !== 'number' || !(count > 0)) return undefined;
  const firstTime = typeof first === 'string' ? first : time;
  const counter = counterOf(record);
  return { count, firstTime, lastTime: typeof last === 'string' ? last : time, seq, counter };
}

/** An error in one word that cannot hold a secret: its code, else the name of its class. */
export function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(code)) return code;
  return error.constructor?.name || 'Error';
}
