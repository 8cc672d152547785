import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { finished } from 'node:stream/promises';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { ZipDeflate } from 'fflate';
import { PACKED_LEVEL, type PackedContent } from './zip.js';

/** The deflated bytes depend on the pieces that the content comes in: another size gives other bytes for the same log. */
const PIECE_BYTES = 1 << 18;
/** From this size on, a thread saves more than it costs: it starts in about 50 ms. */
const WORTH_THREAD_BYTES = 32 << 20;

/** A file to pack, and where its packed bytes go. */
interface PackTask {
  readonly from: string;
  readonly to: string;
}

/** What a thread is started with. */
interface ThreadData {
  readonly pack: PackTask;
}

/** Packs files for an archive, one after the other, beside the other work: large ones on a thread of their own. */
export class Packer {
  readonly #program: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #thread: Worker | undefined;
  #closed = false;

  /** @param program - the file of this program, which threads run ({@link servePacker}); without it, there are none. */
  constructor(program: string | undefined) {
    this.#program = program;
  }

  /** Packs a file as soon as those before it are packed. */
  pack(from: string): Promise<PackedContent> {
    const packed = this.#last.then(() => this.#pack({ from, to: `${from}.packed` }));
    // It is awaited later, in its turn.
    this.#last = packed.catch(() => undefined);
    return packed;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread?.terminate();
    await this.#last;
  }

  async #pack(task: PackTask): Promise<PackedContent> {
    if (this.#closed) throw new Error('the archive was given up');
    const { size } = await stat(task.from);
    if (this.#program === undefined || size < WORTH_THREAD_BYTES || availableParallelism() < 2)
      return packFile(task);
    const thread = new Worker(this.#program, { workerData: { pack: task } satisfies ThreadData });
    this.#thread = thread;
    return new Promise((resolve, reject) => {
      thread.on('message', resolve);
      thread.on('error', reject);
      thread.on('exit', () => reject(new Error('the thread that packs a file has ended')));
    });
  }
}

/** Serves as the thread of {@link Packer}, if this one was started for it. */
export async function servePacker(): Promise<boolean> {
  const { pack } = workerData as Partial<ThreadData>;
  if (pack === undefined) return false;
  parentPort?.postMessage(await packFile(pack));
  return true;
}

async function packFile({ from, to }: PackTask): Promise<PackedContent> {
  const output = createWriteStream(to, { flags: 'wx', mode: 0o600 });
  const ended = finished(output);
  ended.catch(() => undefined);
  const hash = createHash('sha256');
  const entry = new ZipDeflate(from, { level: PACKED_LEVEL });
  entry.ondata = (error, data) => {
    if (error !== null) throw error;
    output.write(data);
  };
  for await (const piece of createReadStream(from, { highWaterMark: PIECE_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    entry.push(new Uint8Array(piece));
    if (output.writableNeedDrain) await Promise.race([once(output, 'drain'), ended]);
  }
  entry.push(new Uint8Array(0), true);
  output.end();
  await ended;
  return { path: to, bytes: entry.size, crc: entry.crc, sha256: hash.digest('hex') };
}
