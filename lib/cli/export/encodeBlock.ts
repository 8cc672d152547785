import { decodeRecord, LineFault } from '../input/records.js';
import { compileFilter, type FilterOptions } from '../query/filter.js';
import { exportWriter, type TextFormat } from '../formats/writers.js';
import { Gathered } from '../formats/gathered.js';

/** What an export writes, and of which records. */
export interface EncodeSettings {
  readonly format: TextFormat;
  /** With csv: texts that a spreadsheet would run as formulas stay as they are. */
  readonly exact: boolean;
  readonly filter: FilterOptions;
  /** The time that ages in the filter are counted from: one for all who read a part of the log. */
  readonly now: number;
}

/** Whole lines, one after the other, without their ends. */
export interface LineBlock {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Where each line ends in `data`. */
  readonly ends: readonly number[];
}

/** A block in another format. */
export interface EncodedBlock {
  readonly data: Uint8Array<ArrayBuffer>;
  /** How many of its records the filter wants. */
  readonly matched: number;
  /** How many records are in `data`. */
  readonly written: number;
  /** The lines that hold no whole record, by their place in the block, and why. */
  readonly faults: readonly (readonly [line: number, reason: string])[];
}

/** Makes the function that encodes one block after the other, on whatever thread it is called. */
export async function blockEncoder(settings: EncodeSettings): Promise<(block: LineBlock) => EncodedBlock> {
  const filter = compileFilter(settings.filter, settings.now);
  const gathered = new Gathered();
  const writer = await exportWriter(settings.format, gathered, settings.exact);
  return ({ data, ends }) => {
    const lines = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const faults: [number, string][] = [];
    const before = writer.written;
    let matched = 0;
    ends.forEach((end, line) => {
      try {
        const record = decodeRecord(lines, line === 0 ? 0 : (ends[line - 1] ?? 0), end);
        if (!filter.matches(record)) return;
        matched++;
        writer.record(record);
      } catch (error) {
        if (!(error instanceof LineFault)) throw error;
        faults.push([line, error.message]);
      }
    });
    writer.end();
    return { data: gathered.take(), matched, written: writer.written - before, faults };
  };
}
