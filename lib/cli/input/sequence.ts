import type { LogCounter } from '../../schema/record.js';

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
}

/** How many counters are kept apart. Beyond that, the ones that were seen first are forgotten. */
const MOST_COUNTERS = 100_000;

/**
 * Checks the order within one log. A hole in `seq` means that records were lost. A log may hold the records of many processes, as where
 * a collector has written it, and each of them counts for itself: by its `log_id` and `log_epoch`. Records that name no counter are
 * all of one.
 */
export class SequenceCheck {
  /** The next number of each counter. */
  readonly #next = new Map<string, number>();
  /** The next number of each log, whoever of its processes counted last. */
  readonly #nextOfLog = new Map<string, number>();

  /** Takes the `seq` of the next record and who counted it; returns a finding if it does not follow the one before. */
  see(seq: number, counter?: LogCounter): SequenceFinding | undefined {
    if (!Number.isSafeInteger(seq)) return undefined;
    const log = counter?.log_id ?? '';
    const key = counter === undefined ? '' : `${log} ${counter.log_epoch}`;
    const own = this.#next.get(key);
    const expected = own ?? this.#before(seq, log, counter);
    keep(this.#next, key, Math.max(seq + 1, seq === 0 ? 1 : (own ?? 0)));
    keep(this.#nextOfLog, log, Math.max(seq + 1, this.#nextOfLog.get(log) ?? 0));
    if (expected === undefined || seq === expected) return undefined;
    if (seq > expected) return { kind: 'hole', from: expected, count: seq - expected, counter };
    // A process begins after the last record that its log has; what the process before it sent elsewhere may have later numbers.
    if (own === undefined) return undefined;
    return { kind: seq === 0 ? 'restart' : 'repeat', from: seq, count: 0, counter };
  }

  /** Where a counter of which nothing was seen yet should begin: a process continues its log, or one whose records named none. */
  #before(seq: number, log: string, counter: LogCounter | undefined): number | undefined {
    if (counter === undefined || seq === 0) return undefined;
    return this.#nextOfLog.get(log) ?? this.#next.get('');
  }
}

function keep(map: Map<string, number>, key: string, value: number): void {
  if (!map.has(key) && map.size >= MOST_COUNTERS) map.delete(map.keys().next().value ?? '');
  map.set(key, value);
}
