import { open, stat, type FileHandle } from 'node:fs/promises';
import { HASH_BYTES, type Hash } from '../tlog/merkle.js';

/** Hashes read or written at once. */
const BATCH = 1 << 15;

/**
 * The leaf hashes of a log, 32 bytes each, in order: level 0 of its tiles without the cuts. They let `verify` name the very
 * record that was changed, and make proofs without the log. They vouch for nothing until their root is that of a
 * checkpoint.
 */
export class LeafFile {
  readonly #file: FileHandle;
  #written: number;
  #pending: Hash[] = [];

  private constructor(file: FileHandle, written: number) {
    this.#file = file;
    this.#written = written;
  }

  /** Opens the file to go on after its first `size` hashes; whatever follows them is cut off. */
  static async open(path: string, size: number): Promise<LeafFile> {
    const file = await open(path, size === 0 ? 'w' : 'r+', 0o600);
    await file.truncate(size * HASH_BYTES);
    return new LeafFile(file, size);
  }

  /** Takes a hash; it is written at the next {@link flush}. */
  add(leaf: Hash): void {
    this.#pending.push(leaf);
  }

  /** How many hashes wait to be written. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Writes what was taken up to now. A failed write is made again by the next call. */
  async flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, BATCH);
      const bytes = Buffer.from(batch.join(''), 'latin1');
      for (let done = 0; done < bytes.length;) {
        const place = this.#written * HASH_BYTES + done;
        done += (await this.#file.write(bytes, done, bytes.length - done, place)).bytesWritten;
      }
      this.#written += batch.length;
      this.#pending.splice(0, batch.length);
    }
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** How many whole hashes a file of them holds; 0 if there is none. */
export async function countLeaves(path: string): Promise<number> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  return Math.floor(size / HASH_BYTES);
}

/**
 * The hashes of a file of them, a batch at a time.
 *
 * @param count How many at most.
 * @param first The place of the first one, from 0.
 */
export async function* readLeaves(
  path: string,
  count = Infinity,
  first = 0,
): AsyncGenerator<Hash[], void, undefined> {
  const file = await open(path, 'r');
  const buffer = Buffer.alloc(BATCH * HASH_BYTES);
  try {
    for (let done = 0; done < count;) {
      const wanted = Math.min(BATCH, count - done);
      const { bytesRead } = await file.read(buffer, 0, wanted * HASH_BYTES, (first + done) * HASH_BYTES);
      const found = Math.floor(bytesRead / HASH_BYTES);
      if (found === 0) return;
      const text = buffer.toString('latin1', 0, found * HASH_BYTES);
      yield Array.from({ length: found }, (_, i) => text.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
      done += found;
    }
  } finally {
    await file.close();
  }
}

/** Takes hashes out of batches in portions of any size. */
export class LeafCursor {
  readonly #batches: AsyncIterator<readonly Hash[]>;
  #batch: readonly Hash[] = [];
  #at = 0;

  constructor(batches: AsyncIterable<readonly Hash[]>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** The next hashes: as many as were asked for, or all that are left; none for a number below 1. */
  async take(count: number): Promise<Hash[]> {
    const taken: Hash[] = [];
    while (taken.length < count) {
      if (this.#at === this.#batch.length && !(await this.#advance())) break;
      const portion = this.#batch.slice(this.#at, this.#at + count - taken.length);
      for (const hash of portion) taken.push(hash);
      this.#at += portion.length;
    }
    return taken;
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#batches.return?.();
  }

  async #advance(): Promise<boolean> {
    const { value, done } = await this.#batches.next();
    if (done === true) return false;
    this.#batch = value as readonly Hash[];
    this.#at = 0;
    return true;
  }
}
