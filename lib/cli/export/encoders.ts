import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { exportWriter, type ByteSink, type TextFormat } from '../formats/writers.js';
import { decodeRecord, LineFault } from '../input/records.js';
import { compileFilter, type FilterOptions } from '../query/filter.js';

const FIRST_BYTES = 1 << 20;

/** Bytes that grow at their end, and are then taken as a whole, so that they can be handed to another thread. */
class Gathered implements ByteSink {
  #data = Buffer.from(new ArrayBuffer(FIRST_BYTES));
  #used = 0;

  /** How many bytes there are. */
  get length(): number {
    return this.#used;
  }

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

  /** The bytes, which are the caller's from now on. */
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
interface LineBlock {
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
async function blockEncoder(settings: EncodeSettings): Promise<(block: LineBlock) => EncodedBlock> {
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

/** Encodes blocks: here, or on threads of their own. */
export interface Encoders {
  /** How many blocks may be under way before it is better to wait. */
  readonly atOnce: number;
  encode(block: LineBlock): Promise<EncodedBlock>;
  close(): Promise<void>;
}

/** From this size on, threads save more than they cost: they start in about 50 ms. */
const WORTH_THREADS_BYTES = 32 << 20;
/** Threads beyond this number wait for the one that reads. */
const MOST_THREADS = 4;

/**
 * Encoders for logs of so many bytes.
 *
 * @param program - the file of this program, which threads run ({@link serveEncoder}); without it, there are none.
 */
export async function encodersFor(
  bytes: number,
  settings: EncodeSettings,
  program: string | undefined,
): Promise<Encoders> {
  const threads = Math.min(MOST_THREADS, availableParallelism());
  if (program === undefined || bytes < WORTH_THREADS_BYTES || threads < 2) {
    const encode = await blockEncoder(settings);
    return { atOnce: 1, encode: async (block) => encode(block), close: async () => undefined };
  }
  const workers = Array.from({ length: threads }, () => new EncoderThread(program, settings));
  let turn = 0;
  return {
    atOnce: 2 * threads,
    encode: (block) => workers[turn++ % threads]!.encode(block),
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}

/** What a thread is started with. */
interface ThreadData {
  readonly encode: EncodeSettings;
}

type Waiting = { resolve(encoded: EncodedBlock): void; reject(fault: Error): void };

/** One thread, which answers in the order in which it is asked. */
class EncoderThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #fault: Error | undefined;

  constructor(program: string, encode: EncodeSettings) {
    this.#worker = new Worker(program, { workerData: { encode } satisfies ThreadData });
    this.#worker.on('message', (encoded: EncodedBlock) => this.#waiting.shift()?.resolve(encoded));
    this.#worker.on('error', (fault: Error) => this.#fail(fault));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that encodes records has ended')));
  }

  encode({ data, ends }: LineBlock): Promise<EncodedBlock> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) return reject(this.#fault);
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage({ data, ends } satisfies LineBlock, [data.buffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#fault);
  }
}

/** Serves as a thread of {@link encodersFor}. */
export function serveEncoder(): void {
  const { encode: settings } = workerData as ThreadData;
  const port = parentPort;
  const ready = blockEncoder(settings);
  port?.on('message', (block: LineBlock) => {
    void ready.then((encode) => {
      const encoded = encode(block);
      port.postMessage(encoded, [encoded.data.buffer]);
    });
  });
}
