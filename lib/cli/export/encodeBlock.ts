import { decodeRecord, LineFault } from '../input/records.js';
import { compileFilter, type FilterOptions } from '../query/filter.js';
import { exportWriter, type ByteSink, type TextFormat } from '../formats/writers.js';

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

const FIRST_BYTES = 1 << 20;

/** Bytes that grow at their end, and are then taken as a whole, so that they can be handed to another thread. */
class Gathered implements ByteSink {
  #data = Buffer.from(new ArrayBuffer(FIRST_BYTES));
  #used = 0;

  bytes(data: Uint8Array): void {
    this.#makeRoom(data.byteLength);
    this.#data.set(data, this.#used);
    this.#used += data.byteLength;
  }

  text(text: string): void {
    // A UTF-16 code unit takes three bytes of UTF-8 at most.
    this.#makeRoom(text.length * 3);
    this.#used += this.#data.write(text, this.#used);
  }

  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#data.subarray(0, this.#used);
    this.#data = Buffer.from(new ArrayBuffer(Math.max(FIRST_BYTES, this.#used)));
    this.#used = 0;
    return taken;
  }

  #makeRoom(bytes: number): void {
    if (this.#used + bytes <= this.#data.byteLength) return;
    const grown = Buffer.from(new ArrayBuffer(2 * (this.#used + bytes)));
    grown.set(this.#data.subarray(0, this.#used));
    this.#data = grown;
  }
}
