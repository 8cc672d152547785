import { closeSync, fdatasync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { keyedHash, type Hash } from './hash.js';
import { replaceFile } from './store.js';

const fdatasyncAsync = promisify(fdatasync);
/** Half of a hash: 128 bits are more than anybody guesses while a log is between two checkpoints. */
const MAC_BYTES = 16;
/** See {@link TailMacs.begin}. */
const GENERATIONS = 3;

/**
 * What vouches for lines between their writing and their checkpoint: for each, a MAC by a key that follows from the signing
 * key. It is written down before the line is. After a crash, a line behind the last checkpoint is part of the log only if
 * its MAC is here: who can write the folder and has no key cannot have lines signed that the writer never wrote.
 */
export class TailMacs {
  readonly #key: Uint8Array;
  readonly #files: readonly number[];
  readonly #known: readonly string[];
  readonly #unsynced = new Set<number>();
  #current = 0;
  #sealed = false;

  private constructor(key: Uint8Array, files: readonly number[], known: readonly string[]) {
    this.#key = key;
    this.#files = files;
    this.#known = known;
  }

  /** Opens the files, whose names begin with a path; what the last writer left there is kept until it is sealed. */
  static async open(path: string, key: Uint8Array): Promise<TailMacs> {
    const names = Array.from({ length: GENERATIONS }, (_, generation) => `${path}.${generation}`);
    const left = Buffer.concat(names.map(readWhole));
    await replaceFile(names[0] ?? path, left);
    const files = names.map((name) => openSync(name, 'a', 0o600));
    for (const file of files.slice(1)) ftruncateSync(file, 0);
    const known = Array.from({ length: left.length / MAC_BYTES }, (_, at) =>
      left.toString('latin1', at * MAC_BYTES, (at + 1) * MAC_BYTES),
    );
    return new TailMacs(key, files, known);
  }

  /** Tells of one line after the other whether the last writer wrote it; each MAC counts once. */
  checker(): (leaf: Hash) => boolean {
    const left = new Map<string, number>();
    for (const mac of this.#known) left.set(mac, (left.get(mac) ?? 0) + 1);
    return (leaf) => {
      const mac = this.#macOf(leaf);
      const count = left.get(mac) ?? 0;
      left.set(mac, count - 1);
      return count > 0;
    };
  }

  /** Writes down that these lines are about to be written. */
  add(leaves: readonly Hash[]): void {
    const file = this.#files[this.#current] ?? -1;
    writeSync(file, Buffer.from(leaves.map((leaf) => this.#macOf(leaf)).join(''), 'latin1'));
    this.#unsynced.add(file);
  }

  /** Brings to the disk what was written down. */
  async sync(): Promise<void> {
    const files = [...this.#unsynced];
    this.#unsynced.clear();
    await Promise.all(files.map((file) => fdatasyncAsync(file)));
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
    this.#unsynced.delete(file);
  }

  /** The checkpoint was made. */
  end(): void {
    this.#sealed = true;
  }

  close(): void {
    this.#unsynced.clear();
    for (const file of this.#files) closeSync(file);
  }

  /** As a string of 16 characters, one per byte. */
  #macOf(leaf: Hash): string {
    return keyedHash(this.#key, leaf).slice(0, MAC_BYTES);
  }
}

/** The whole entries of a file; none if there is none. */
function readWhole(path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    return bytes.subarray(0, bytes.length - (bytes.length % MAC_BYTES));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return Buffer.alloc(0);
  }
}
