import type { CommandIo } from '../shared/command.js';
import type { Reading } from '../shared/reading.js';
import type { LogInput } from '../input/logs.js';
import type { Place, Problems } from '../input/problems.js';
import { readLines, totalBytes } from '../input/records.js';
import { compileFilter } from '../query/filter.js';
import type { Output } from '../term/output.js';
import { progressBar } from '../term/terminal.js';
import type { EncodedBlock, EncodeSettings } from './encodeBlock.js';
import { encodersFor, type Encoders } from './encoders.js';
import { exportHead } from '../formats/writers.js';

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
  const blocks = new Blocks(encoders, output, problems, reading);
  try {
    output.text(exportHead(settings.format));
    await readLines(logs, (data, start, end, place) => blocks.add(data, start, end, place), {
      problems,
      progress,
      prefilter: compileFilter(settings.filter, settings.now).prefilter(),
      pause: () => blocks.finishDownTo(encoders.atOnce),
    });
    blocks.dispatch();
    await blocks.finishDownTo(0);
  } finally {
    await encoders.close();
    progress.end();
  }
  return blocks.counts;
}

/** Blocks of lines on their way through the encoders. They are written in the order in which their lines were added. */
class Blocks {
  readonly counts = { matched: 0, written: 0 };
  readonly #underWay: { places: readonly Place[]; encoded: Promise<EncodedBlock> }[] = [];
  #block = new Block();

  constructor(
    private readonly encoders: Encoders,
    private readonly output: Output,
    private readonly problems: Problems,
    private readonly reading: Reading,
  ) {}

  add(data: Buffer, start: number, end: number, place: Place): void {
    if (!this.#block.fits(end - start)) this.dispatch();
    this.#block.add(data, start, end, place);
  }

  /** Has the lines encoded that were added since the last call. */
  dispatch(): void {
    const { places } = this.#block;
    if (places.length === 0) return;
    const encoded = this.encoders.encode(this.#block.take());
    // It is awaited later, in its turn.
    encoded.catch(() => undefined);
    this.#underWay.push({ places, encoded });
    this.#block = new Block();
  }

  /** Writes blocks until no more than `most` are under way. */
  async finishDownTo(most: number): Promise<void> {
    while (this.#underWay.length > most) {
      const { places, encoded } = this.#underWay.shift()!;
      const { data, matched, written, faults } = await encoded;
      for (const [line, reason] of faults) this.problems.report(places[line]!, reason);
      this.counts.matched += matched;
      this.counts.written += written;
      this.reading.showed(this.counts.matched);
      this.output.own(data);
      await this.output.settle();
    }
  }
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
