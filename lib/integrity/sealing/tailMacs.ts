import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { EMPTY_ROOT, keyedHasher, type Hash } from '../tlog/merkle.js';
import { replaceFile } from '../storage/store.js';

const fdatasyncAsync = promisify(fdatasync);
/** Half of a hash: 128 bits cannot be guessed while a log is between two checkpoints. */
const MAC_BYTES = 16;
/** The MACs of so many bytes are written without a buffer of their own. */
const SCRATCH_BYTES = 1 << 12;
/** See {@link TailMacs.begin}. */
const GENERATIONS = 3;

/** A place in the tree of a log: how many lines stand before it, and the leaf hash of the last of them. */
export interface TreePlace {
  readonly size: number;
  readonly last: Hash;
}

/** Where a log begins. */
export const START: TreePlace = { size: 0, last: EMPTY_ROOT };

/** The MACs of lines that follow each other from a place on: 16 characters each, one per byte. */
export type TailMac = ({ size, last }: TreePlace, leaves: readonly Hash[]) => string;

/** Makes them by a key. */
export function tailMacOf(key: Uint8Array): TailMac {
  const hash = keyedHasher(key);
  return ({ size, last }, leaves) => {
    let [index, before, macs] = [size, last, ''];
    for (const leaf of leaves) {
      macs += hash(before, leaf, index++).slice(0, MAC_BYTES);
      before = leaf;
    }
    return macs;
  };
}

/** The MACs that the last writer of a log left. */
export function readTailMacs(path: string): ReadonlySet<string> {
  return new Set(namesOf(path).flatMap(readWhole));
}

/**
 * The files of MACs that vouch for lines between their writing and their checkpoint. A line's MAC is written before the line
 * is, so a crash may leave a MAC whose line never came: it vouches for that line at that place alone.
 */
export class TailMacs {
  readonly #files: readonly number[];
  /** In bytes, of each file. What a failed write left behind them is written over. */
  readonly #sizes: number[];
  readonly #unsynced = new Set<number>();
  readonly #scratch = Buffer.alloc(SCRATCH_BYTES);
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #current = 0;
  #sealed = false;

  private constructor(files: readonly number[], size: number) {
    this.#files = files;
    this.#sizes = files.map((_, at) => (at === 0 ? size : 0));
  }

  /** Opens the files, whose names begin with a path. Their content is replaced by `kept`. */
  static async open(path: string, kept: readonly string[]): Promise<TailMacs> {
    const [first, ...others] = namesOf(path);
    const bytes = Buffer.from(kept.join(''), 'latin1');
    await replaceFile(first ?? path, bytes);
    const files = [openSync(first ?? path, 'r+'), ...others.map((name) => openSync(name, 'w', 0o600))];
    return new TailMacs(files, bytes.length);
  }

  /** Writes MACs, all of them at once. */
  add(macs: string): void {
    const file = this.#files[this.#current] ?? -1;
    const size = this.#sizes[this.#current] ?? 0;
    // Node takes twice as long to write a string as to write bytes, and this is what sealing costs a record most.
    const bytes = macs.length <= this.#scratch.length ? this.#scratch : Buffer.alloc(macs.length);
    bytes.write(macs, 'latin1');
    const written = writeSync(file, bytes, 0, macs.length, size);
    if (written < macs.length) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
    this.#sizes[this.#current] = size + written;
    this.#unsynced.add(file);
  }

  /** Resolves when all that was written is on the disk. Callers that come while a sync runs share the next one. */
  sync(): Promise<void> {
    if (this.#unsynced.size === 0 && this.#next === undefined) return this.#running;
    return (this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return (this.#running = this.#sync());
      }));
  }

  /** The same without an event loop. */
  syncNow(): void {
    for (const file of this.#unsynced) fdatasyncSync(file);
    this.#unsynced.clear();
  }

  /**
   * A checkpoint is about to be made. A line that was written down before the one before it began was in the tree when that
   * one ended, and is covered by this one: so three files take turns, and the oldest of them is emptied.
   */
  begin(): void {
    if (!this.#sealed) return;
    this.#sealed = false;
    this.#current = (this.#current + 1) % GENERATIONS;
    const file = this.#files[this.#current] ?? -1;
    ftruncateSync(file, 0);
    this.#sizes[this.#current] = 0;
    this.#unsynced.delete(file);
  }

  /** The checkpoint was made. */
  end(): void {
    this.#sealed = true;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#running, this.#next]);
    this.#unsynced.clear();
    for (const file of this.#files) closeSync(file);
  }

  async #sync(): Promise<void> {
    const files = [...this.#unsynced];
    this.#unsynced.clear();
    await Promise.all(files.map((file) => fdatasyncAsync(file)));
  }
}

const namesOf = (path: string): string[] =>
  Array.from({ length: GENERATIONS }, (_, generation) => `${path}.${generation}`);

/** The whole entries of a file; none if there is none. */
function readWhole(path: string): string[] {
  try {
    const text = readFileSync(path, 'latin1');
    return Array.from({ length: Math.floor(text.length / MAC_BYTES) }, (_, at) =>
      text.slice(at * MAC_BYTES, (at + 1) * MAC_BYTES),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}
