import type { CommandIo } from '../shared/command.js';
import type { Reading } from '../shared/reading.js';
import type { LogInput } from '../input/logs.js';
import type { Place, Problems } from '../input/problems.js';
import { readLines, totalBytes } from '../input/records.js';
import { compileFilter } from '../query/filter.js';
import type { Output } from '../term/output.js';
import { progressBar } from '../term/terminal.js';
import type { EncodedBlock, EncodeSettings } from './encodeBlock.js';
import { encodersFor } from './encoders.js';
import { exportHead } from './writers.js';

/** About how many bytes of lines are encoded at once. */
const BLOCK_BYTES = 1 << 20;

/** How records are exported. */
interface ExportOptions {
  readonly io: CommandIo;
  readonly problems: Problems;
  readonly reading: Reading;
}

/**
 * Writes the records that a filter wants in a format of text, in the order of the log. Lines are cut here, and decoded and encoded in
 * blocks, which large logs have on several threads.
 *
 * @returns How many records were wanted, and how many are in the output.
 */
export async function exportLines(
  logs: readonly LogInput[],
  output: Output,
  settings: EncodeSettings,
  { io, problems, reading }: ExportOptions,
): Promise<{ matched: number; written: number }> {
  const bytes = logs.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0);
  const encoders = await encodersFor(bytes, settings, io.program);
  const progress = progressBar(io, 'exporting', totalBytes(logs));
  const underWay: { places: readonly Place[]; encoded: Promise<EncodedBlock> }[] = [];
  const counts = { matched: 0, written: 0 };
  let block = new Block();

  const dispatch = (): void => {
    if (block.places.length === 0) return;
    const encoded = encoders.encode(block.take());
    // It is awaited later, in its turn.
    encoded.catch(() => undefined);
    underWay.push({ places: block.places, encoded });
    block = new Block();
  };
  const finishDownTo = async (most: number): Promise<void> => {
    while (underWay.length > most) {
      const { places, encoded } = underWay.shift()!;
      const { data, matched, written, faults } = await encoded;
      for (const [line, reason] of faults) problems.report(places[line]!, reason);
      counts.matched += matched;
      counts.written += written;
      reading.showed(counts.matched);
      output.bytes(data);
      await output.settle();
    }
  };

  try {
    output.text(exportHead(settings.format));
    await readLines(
      logs,
      (data, start, end, place) => {
        if (!block.fits(end - start)) dispatch();
        block.add(data, start, end, place);
      },
      {
        problems,
        progress,
        prefilter: compileFilter(settings.filter, settings.now).prefilter(),
        pause: () => finishDownTo(encoders.atOnce),
      },
    );
    dispatch();
    await finishDownTo(0);
  } finally {
    await encoders.close();
    progress.end();
  }
  return counts;
}

/** Lines that are gathered to be encoded together. */
class Block {
  /** Where each of them stands in its file. */
  readonly places: Place[] = [];
  readonly #ends: number[] = [];
  #data = new Uint8Array(BLOCK_BYTES);
  #used = 0;

  /** Whether a line of so many bytes can be added. A block without lines takes any. */
  fits(bytes: number): boolean {
    return this.places.length === 0 || this.#used + bytes <= this.#data.byteLength;
  }

  add(data: Buffer, start: number, end: number, place: Place): void {
    if (this.#used + end - start > this.#data.byteLength) this.#data = new Uint8Array(end - start);
    this.#data.set(data.subarray(start, end), this.#used);
    this.#used += end - start;
    this.#ends.push(this.#used);
    this.places.push({ ...place });
  }

  take(): { data: Uint8Array<ArrayBuffer>; ends: number[] } {
    return { data: this.#data, ends: this.#ends };
  }
}
