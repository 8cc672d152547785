import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { blockEncoder, type EncodedBlock, type EncodeSettings, type LineBlock } from './encodeBlock.js';

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
