import type { AuditRecord, LogCounter } from '../../schema/record.js';

/** A fault in the order of a log, as `seq` shows it. */
export interface SequenceFinding {
  /** `hole`: records are missing. `repeat`: a `seq` occurs again. `restart`: counting starts at 0 again. */
  readonly kind: 'hole' | 'repeat' | 'restart';
  /** The first `seq` that is missing, or the one that occurs again. */
  readonly from: number;
  /** How many records are missing; 0 unless it is a hole. */
  readonly count: number;
  /** Who counts; undefined in logs of older versions, whose records do not say. */
  readonly counter?: LogCounter | undefined;
  /** The times of its neighbours: of the record before it, and of the one after it. */
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

/** When the operation of a record began, and how long it took. */
export interface Moment {
  readonly time: string;
  readonly durationMs: number;
}

/** The moment of a record. */
export function momentOf({ time, duration_ms: durationMs }: AuditRecord): Moment {
  return { time, durationMs };
}

/** What the last record of a counter or of a log leaves to know. */
interface Last {
  /** The number of the next one. */
  readonly next: number;
  readonly time: string | undefined;
}

/** How many counters are kept apart. Beyond that, the ones that were seen first are forgotten. */
const MOST_COUNTERS = 100_000;

/**
 * Checks the order within one log. A hole in `seq` means that records were lost. A log may hold the records of many processes, as where
 * a collector has written it, and each of them counts for itself: by its `log_id` and `log_epoch`. Records that name no counter are
 * all of one.
 */
export class SequenceCheck {
  /** The last record of each counter. */
  readonly #last = new Map<string, Last>();
  /** The last record of each log, whoever of its processes counted it. */
  readonly #lastOfLog = new Map<string, Last>();

  /** Takes the `seq` of the next record, who counted it, and its time; returns a finding if it does not follow the one before. */
  see(seq: number, counter?: LogCounter, time?: string): SequenceFinding | undefined {
    if (!Number.isSafeInteger(seq)) return undefined;
    const log = counter?.log_id ?? '';
    const key = counter === undefined ? '' : `${log} ${counter.log_epoch}`;
    const own = this.#last.get(key);
    const last = own ?? this.#before(seq, log, counter);
    keep(this.#last, key, { next: Math.max(seq + 1, seq === 0 ? 1 : (own?.next ?? 0)), time });
    keep(this.#lastOfLog, log, { next: Math.max(seq + 1, this.#lastOfLog.get(log)?.next ?? 0), time });
    if (last === undefined || seq === last.next) return undefined;
    const place = { counter, ...(time !== undefined && { after: last.time, before: time }) };
    if (seq > last.next) return { kind: 'hole', from: last.next, count: seq - last.next, ...place };
    // A process begins after the last record that its log has; what the process before it sent elsewhere may have later numbers.
    if (own === undefined) return undefined;
    return { kind: seq === 0 ? 'restart' : 'repeat', from: seq, count: 0, ...place };
  }

  /** What a counter of which nothing was seen yet follows: a process continues its log, or one whose records named none. */
  #before(seq: number, log: string, counter: LogCounter | undefined): Last | undefined {
    if (counter === undefined || seq === 0) return undefined;
    return this.#lastOfLog.get(log) ?? this.#last.get('');
  }
}

function keep(map: Map<string, Last>, key: string, value: Last): void {
  if (!map.has(key) && map.size >= MOST_COUNTERS) map.delete(map.keys().next().value ?? '');
  map.set(key, value);
}
