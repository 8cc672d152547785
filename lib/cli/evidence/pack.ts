import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { createGzip } from 'node:zlib';
import { GZIP_TRAILER, PACKED_LEVEL, type PackedContent } from './zip.js';

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

/** The CRC-32 of the content of a gzip file: the first half of its trailer. */
async function crcIn(path: string, size: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    return (await file.read(Buffer.alloc(4), 0, 4, size - GZIP_TRAILER)).buffer.readUInt32LE();
  } finally {
    await file.close();
  }
}

async function packFile({ from, to }: PackTask): Promise<PackedContent> {
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(from, { highWaterMark: PIECE_BYTES }),
    async function* (pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        hash.update(piece);
        yield piece;
      }
    },
    createGzip({ level: PACKED_LEVEL }),
    createWriteStream(to, { flags: 'wx', mode: 0o600 }),
  );
  const [{ size: bytes }, { size: packed }] = await Promise.all([stat(from), stat(to)]);
  return { path: to, bytes, packed, crc: await crcIn(to, packed), sha256: hash.digest('hex') };
}
