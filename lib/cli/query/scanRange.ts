import { readFault } from '../input/logs.js';
import { Prefilter } from '../input/prefilter.js';
import { RangeReader, type FileRange } from '../input/ranges.js';
import { recordScanner } from '../input/records.js';
import type { OrderVisitor } from '../input/scanner.js';
import { counterOf } from '../../schema/ids.js';
import { momentOf } from '../input/sequence.js';
import { Gathered } from '../term/gathered.js';
import { compileFilter, type RecordFilter } from './filter.js';
import type { OrderStep } from './losses.js';
import { OrderSteps } from './orderSteps.js';

/** What is looked for in ranges. It can be sent to another thread. */
export interface ScanSettings {
  readonly source: RecordFilter['source'];
  /** Whether wanted lines are taken undecoded, where their bytes alone decide. */
  readonly isUndecoded: boolean;
  /** Whether the wanted lines are needed, and not their number alone. */
  readonly needsLines: boolean;
  /** Whether the order of all records is needed. */
  readonly needsOrder: boolean;
}

/** What a range holds. */
export interface ScannedRange {
  readonly lines: number;
  readonly matched: number;
  /** The wanted lines as they are, each with a line end. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The lines that hold no record, counted from the beginning of the range, from 1; where each begins in the file, and why. */
  readonly problems: readonly (readonly [line: number, offset: number | undefined, reason: string])[];
  readonly steps: readonly OrderStep[];
  /** Why the file could not be read further. */
  readonly fault: string | undefined;
}

/** Scans ranges, one after the other, on whatever thread it is used. */
export class RangeScanner {
  readonly #settings: ScanSettings;
  readonly #filter: RecordFilter;
  readonly #prefilter: Prefilter;
  readonly #reader = new RangeReader();
  readonly #found = new Gathered();

  constructor(settings: ScanSettings) {
    this.#settings = settings;
    this.#filter = compileFilter(settings.source.options, settings.source.now);
    this.#prefilter = this.#filter.prefilter() ?? new Prefilter([]);
  }

  scan(range: FileRange): ScannedRange {
    const { isUndecoded, needsLines, needsOrder } = this.#settings;
    const problems: [number, number | undefined, string][] = [];
    const steps = new OrderSteps(this.#filter);
    let matched = 0;
    const keep = (data: Buffer, start: number, end: number) => {
      matched++;
      if (needsLines) this.#found.line(data, start, end);
    };
    const scanner = recordScanner(
      range.file,
      (record, data, start, end, place) => {
        if (needsOrder) steps.see(record.seq, counterOf(record), place, momentOf(record), record);
        if (this.#filter.matches(record)) keep(data, start, end);
      },
      ({ line = 0, offset }, reason) => {
        problems.push([line, offset, reason]);
        steps.interrupt();
      },
      {
        prefilter: this.#prefilter,
        admitted: isUndecoded ? keep : undefined,
        ruledOut: needsOrder ? steps.see : undefined,
      },
    );
    const fault = this.#read(range, scanner);
    return { lines: scanner.lines, matched, data: this.#found.take(), problems, steps: steps.take(), fault };
  }

  /** Shows the order of the records of a range one by one, from a line of it on, and what is wrong with the lines between. */
  showOrder(
    range: FileRange,
    firstLine: number,
    see: OrderVisitor,
    tell: (problem: ScannedRange['problems'][number]) => void,
  ): void {
    const from: OrderVisitor = (seq, counter, place, moment, record) => {
      if (place.line >= firstLine) see(seq, counter, place, moment, record);
    };
    const scanner = recordScanner(
      range.file,
      (record, _data, _start, _end, place) =>
        from(record.seq, counterOf(record), place, momentOf(record), record),
      ({ line = 0, offset }, reason) => {
        if (line >= firstLine) tell([line, offset, reason]);
      },
      { prefilter: this.#prefilter, ruledOut: from },
    );
    this.#read(range, scanner);
  }

  close(): void {
    this.#reader.close();
  }

  #read(range: FileRange, scanner: Parameters<RangeReader['read']>[1]): string | undefined {
    try {
      this.#reader.read(range, scanner);
      return undefined;
    } catch (error) {
      return readFault(error);
    }
  }
}
