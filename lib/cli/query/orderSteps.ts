import type { LinePlace, OrderVisitor } from '../input/scanner.js';
import type { Moment } from '../input/sequence.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { lossReportReads, overlaps, type OrderStep, type Window } from './losses.js';

/** Gathers the order of the records of a range in few steps, which another thread can take. */
export class OrderSteps {
  readonly #window: Window;
  #steps: OrderStep[] = [];
  #isInterrupted = false;

  constructor(window: Window) {
    this.#window = window;
  }

  /** Takes the next record of the range. */
  readonly see: OrderVisitor = (seq, counter, place, moment, record) => {
    const last = this.#steps.at(-1);
    const isKept = record !== undefined && lossReportReads(record);
    // Read once: where the record is not decoded, each look decodes it from the line.
    const { time } = moment;
    const records = overlaps(this.#window, time, time) ? 1 : 0;
    if (!isKept && !this.#isInterrupted && last !== undefined && follows(last, seq, counter)) {
      last.count++;
      last.lastTime = time;
      if (time > last.latest) last.latest = time;
      last.records += records;
      return;
    }
    this.#isInterrupted = false;
    const first = { time, durationMs: moment.durationMs };
    this.#steps.push(stepOf(seq, counter, place, first, records, isKept ? record : undefined));
  };

  /** Ends the step: what is told of a line that is no record stands between what is told of the records around it. */
  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** The steps since the last call. */
  take(): OrderStep[] {
    const steps = this.#steps;
    this.#steps = [];
    this.#isInterrupted = false;
    return steps;
  }
}

function follows(last: OrderStep, seq: number, counter: LogCounter | undefined): boolean {
  const { record, counter: other } = last;
  if (record !== undefined || seq !== last.seq + last.count || !Number.isSafeInteger(seq)) return false;
  return counter === other || (counter?.log_id === other?.log_id && counter?.log_epoch === other?.log_epoch);
}

function stepOf(
  seq: number,
  counter: LogCounter | undefined,
  { line, offset }: LinePlace,
  moment: Moment,
  records: number,
  record: AuditRecord | undefined,
): OrderStep {
  const { time } = moment;
  return {
    seq,
    count: 1,
    counter,
    line,
    offset,
    moment,
    lastTime: time,
    latest: time,
    records,
    ...(record && { record }),
  };
}
