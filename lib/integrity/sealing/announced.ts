import {
  readFileSync,
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs';
import { IntegrityError } from '../../errors.js';
import { bootId } from '../../internal/runtime.js';
import { replaceFile, type IntegrityLayout } from '../storage/files.js';
import { leafHash, type Hash, EMPTY_ROOT, keyedHasher } from '../tlog/merkle.js';
import type { NoteSigner } from './keys.js';
import { reasonOf } from './anchors.js';
import { promisify } from 'node:util';

/** Lines that are about to be written to a log. */
export interface Announcement {
  /** The leaf hash of each. */
  readonly leaves: readonly Hash[];
  /** The lines could not be written, and will not be: what was announced after them stands elsewhere. */
  withdraw(): void;
}

/** Tells of one line after the other whether the last writer of the log wrote it there. */
export type LineCheck = (place: TreePlace, leaf: Hash) => boolean;

/**
 * The lines of a log that no checkpoint covers yet. Where the key of the log is at hand, a MAC by a key that follows from it is
 * written down for each line before the line is written. It covers the line, the line before it and its index. After a
 * crash, a line behind the last checkpoint is part of the log only if its MAC is here: who can write the folder and has no
 * key cannot have anything signed that the writer did not write, and where it wrote it. What fails here keeps no line from
 * being written.
 */
export class AnnouncedLines {
  readonly #mac: TailMac | undefined;
  readonly #path: string;
  readonly #onError: (cause: unknown) => void;
  #macs: TailMacs | undefined;
  /** MACs of the lines that a {@link LineCheck} has found in order. */
  #kept: string[] = [];
  /** Behind the last line that was appended. */
  #end = START;
  /** Behind the last line that was announced. */
  #announcedEnd = START;
  /** What was announced and is neither appended nor withdrawn, in order, each with its place. */
  readonly #open = new Map<Announcement, TreePlace>();

  constructor({ tail }: IntegrityLayout, signer: NoteSigner, onError: (error: Error) => void) {
    const key = signer.deriveKey?.('unsealed lines');
    this.#mac = key && tailMacOf(key);
    this.#path = tail;
    this.#onError = (cause) => {
      const message = `nothing vouches for lines until their checkpoint (${reasonOf(cause)})`;
      onError(new IntegrityError(message, { cause }));
    };
  }

  /** By what the last writer left; nothing where there is no key. */
  checker(): LineCheck | undefined {
    const macOf = this.#mac;
    if (macOf === undefined) return undefined;
    const known = readTailMacs(this.#path);
    const kept: string[] = (this.#kept = []);
    return (place, leaf) => {
      const mac = macOf(place, [leaf]);
      if (known.has(mac)) kept.push(mac);
      return known.has(mac);
    };
  }

  /**
   * Whether the machine has started anew since the last writer of the log began. Then the end of the log may be lines that reached
   * the disk before a power cut and whose MACs did not. False where that cannot be told.
   */
  isOfEarlierBoot(): boolean {
    try {
      return readFileSync(this.#bootPath, 'utf8') !== bootId();
    } catch {
      return false;
    }
  }

  /** Continues the log at a place. MACs of the last writer are kept if their lines are there. */
  async start(place: TreePlace): Promise<void> {
    this.#end = this.#announcedEnd = place;
    if (this.#mac !== undefined) {
      this.#macs = await TailMacs.open(this.#path, this.#kept);
      if (bootId() !== '') await replaceFile(this.#bootPath, bootId());
    }
    this.#kept = [];
  }

  get #bootPath(): string {
    return `${this.#path}.boot`;
  }

  announce(lines: Iterable<Uint8Array>): Announcement {
    const leaves: Hash[] = [];
    for (const line of lines) leaves.push(leafHash(line));
    const announcement = { leaves, withdraw: () => this.#withdraw(announcement) };
    this.#open.set(announcement, this.#announcedEnd);
    this.#announcedEnd = this.#add(leaves, this.#announcedEnd);
    return announcement;
  }

  /** Lines were appended. Those that were not announced, or at another place, are written down late: better than never. */
  appended(leaves: readonly Hash[], announcement?: Announcement): void {
    const place = announcement && this.#open.get(announcement);
    if (announcement !== undefined) this.#open.delete(announcement);
    const inPlace = place !== undefined && isSame(place, this.#end);
    this.#end = inPlace ? behind(this.#end, leaves) : this.#add(leaves, this.#end);
    if (!inPlace) this.#placeAgain();
  }

  async sync(): Promise<void> {
    await this.#macs?.sync().catch(this.#onError);
  }

  syncNow(): void {
    try {
      this.#macs?.syncNow();
    } catch (error) {
      this.#onError(error);
    }
  }

  begin(): void {
    this.#macs?.begin();
  }

  end(): void {
    this.#macs?.end();
  }

  async close(): Promise<void> {
    await this.#macs?.close();
    this.#macs = undefined;
  }

  #withdraw(announcement: Announcement): void {
    if (this.#open.delete(announcement)) this.#placeAgain();
  }

  #placeAgain(): void {
    let at = this.#end;
    for (const [announcement, place] of this.#open) {
      const { leaves } = announcement;
      if (isSame(place, at)) {
        at = behind(at, leaves);
        continue;
      }
      this.#open.set(announcement, at);
      at = this.#add(leaves, at);
    }
    this.#announcedEnd = at;
  }

  /** Writes down that lines stand at a place; returns the one behind them. */
  #add(leaves: readonly Hash[], from: TreePlace): TreePlace {
    const macs = this.#mac?.(from, leaves) ?? '';
    try {
      if (macs !== '') this.#macs?.add(macs);
    } catch (error) {
      this.#onError(error);
    }
    return behind(from, leaves);
  }
}

const behind = ({ size, last }: TreePlace, leaves: readonly Hash[]): TreePlace => ({
  size: size + leaves.length,
  last: leaves.at(-1) ?? last,
});

const isSame = (one: TreePlace, other: TreePlace): boolean =>
  one.size === other.size && one.last === other.last;

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
const START: TreePlace = { size: 0, last: EMPTY_ROOT };

/** The MACs of lines that follow each other from a place on: 16 characters each, one per byte. */
export type TailMac = ({ size, last }: TreePlace, leaves: readonly Hash[]) => string;

/** Makes them by a key. */
function tailMacOf(key: Uint8Array): TailMac {
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
function readTailMacs(path: string): ReadonlySet<string> {
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
