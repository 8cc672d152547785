import { closeSync, fstatSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LogCounter } from '../../schema/record.js';
import { LogLock } from '../file/lock.js';
import { LogFile } from '../file/logFile.js';
import type { Notices } from '../file/notice.js';
import { FILE_MODE, makeFolder, readRange, writeAll } from '../file/open.js';
import { readChunk, type Chunk } from './reader.js';
import {
  encodeEntry,
  placeOf,
  findSegments,
  linesFrom,
  linesOf,
  segmentPath,
  StateFiles,
  type Segment,
  type Cursor,
  type SpoolState,
} from './files.js';

const PRIVATE = { widerMode: 'narrow', mode: FILE_MODE } as const;

/** How a spool is kept. */
export interface StoreOptions {
  readonly segmentBytes: number;
  readonly staleLockMs: number;
  readonly notices: Notices;
}

/** A record's line, its number, and who gave that. */
export interface SpoolLine {
  readonly line: string;
  readonly seq: number;
  readonly counter?: LogCounter | undefined;
}

/** The place after the last entry, the number of the record there, and who gave it. */
interface End {
  readonly next: number;
  readonly lastSeq: number | undefined;
  readonly lastCounter: LogCounter | undefined;
}

/**
 * Records on disk that wait for a receiver, in numbered segment files: appended at one end, and read at the other. Each entry has
 * a place, and the state says which places there must be, so that a missing entry is noticed whatever happens to the files.
 */
export class SpoolStore {
  readonly #lock: LogLock;
  readonly #files: StateFiles;
  /** In the order of their entries; the last one is being written. */
  #segments: number[];
  #file: LogFile;
  #cursor: Cursor;
  /** The place of the next entry; `#durable` has what it was when all entries before it were on the disk. */
  #next: number;
  #durable: End;
  #appending: Promise<void> | undefined;
  /** Bytes in the segments before the one that is being written. */
  #finishedBytes: number;

  /** @throws ConfigError when the folder cannot be used, or another process uses it. */
  constructor(
    private readonly folder: string,
    private readonly options: StoreOptions,
  ) {
    makeFolder(folder);
    this.#lock = new LogLock(join(folder, 'spool'), options.notices, options.staleLockMs);
    this.#files = new StateFiles(folder);
    try {
      const found = findSegments(folder);
      const state = this.#loadState();
      this.#durable = afterAll(found, state);
      this.#next = this.#durable.next;
      this.#segments = found.map(({ number }) => number);
      this.#file = this.#openLast(found);
      this.#cursor = this.#startAt(found, state);
      this.#finishedBytes = this.#sizeOfFinished();
      // Saved at once, so that even a spool that has delivered nothing knows what it held.
      this.#files.save(this.#state);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** Bytes that the receiver does not have yet. The disk may hold one segment more, which is deleted when it is finished. */
  get bytes(): number {
    return Math.max(0, this.#finishedBytes + this.#file.size - this.#cursor.offset);
  }

  /** The number of the last record that was put into the spool. */
  get lastSeq(): number | undefined {
    return this.#durable.lastSeq;
  }

  /** Who gave it that number. */
  get lastCounter(): LogCounter | undefined {
    return this.#durable.lastCounter;
  }

  /** Up to where the receiver has everything. */
  get cursor(): Cursor {
    return this.#cursor;
  }

  /** Adds records at the end. Resolves when they are on the disk and can be read; if it rejects, they are not in the spool. */
  async append(lines: readonly SpoolLine[]): Promise<void> {
    while (this.#appending !== undefined) await this.#appending;
    this.#prepare();
    const after = this.#write(lines);
    const synced = this.#file.sync(true);
    this.#appending = synced.catch(() => undefined).then(() => void (this.#appending = undefined));
    try {
      await synced;
    } catch (error) {
      this.#next = this.#durable.next;
      throw error;
    }
    this.#settled(after);
  }

  /** Adds records without an event loop. */
  appendNow(lines: readonly SpoolLine[]): void {
    this.#prepare();
    const after = this.#write(lines);
    this.#file.syncNow();
    this.#settled(after);
  }

  /** Reads what comes next, at most `most` records; nothing when the receiver has everything. */
  read(most: number): Chunk | undefined {
    const { segments, file } = { segments: this.#segments, file: this.#file };
    const lines = (segment: number, offset: number) =>
      segment === segments.at(-1)
        ? linesOf(file.fd, offset, file.durable)
        : linesFrom(this.folder, segment, offset);
    return readChunk({ segments, ...this.#durable, lines }, this.#cursor, most);
  }

  /** Stores that the receiver has everything before the cursor, and deletes the segments before it. */
  advance(cursor: Cursor): void {
    this.#lock.ensure();
    this.#cursor = cursor;
    this.#files.save(this.#state);
    const done = this.#segments.slice(0, Math.max(0, this.#segments.indexOf(cursor.segment)));
    for (const number of done) rmSync(segmentPath(this.folder, number), { force: true });
    if (done.length === 0) return;
    this.#segments = this.#segments.slice(done.length);
    this.#finishedBytes = this.#sizeOfFinished();
  }

  /**
   * Puts bytes that have to leave the spool into a file of their own. Returns its path.
   *
   * @param maxBytes - how large that file may become; one that is empty takes any bytes.
   * @returns nothing when the file has no room.
   */
  keepAside(name: string, bytes: readonly Uint8Array[], maxBytes = Infinity): string | undefined {
    const path = join(this.folder, name);
    const all = Buffer.concat(bytes);
    const fd = openSync(path, 'a', FILE_MODE);
    try {
      const { size } = fstatSync(fd);
      if (size > 0 && size + all.length > maxBytes) return undefined;
      writeAll(fd, all);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return path;
  }

  async close(): Promise<void> {
    try {
      await this.#file.close(true);
    } finally {
      this.#lock.release();
    }
  }

  get #state(): SpoolState {
    const { next, lastSeq, lastCounter } = this.#durable;
    return {
      cursor: this.#cursor,
      next,
      ...(lastSeq !== undefined && { lastSeq }),
      ...(lastCounter !== undefined && { lastCounter }),
    };
  }

  /** Checks before each write that the folder is still ours and the file is still there. */
  #prepare(): void {
    this.#lock.verify();
    const found = this.#file.inspect();
    if (found === 'deleted' || found === 'renamed') {
      // The file can be read while it is open. What the receiver has already is skipped by its place.
      const all = readRange(this.#file.fd, 0, this.#file.size);
      this.#begin();
      this.#file.append(all);
      // Synced at once, because the reader must find these entries now.
      this.#file.syncNow();
    } else if (this.#file.size >= this.options.segmentBytes && this.#file.unsynced === 0) this.#begin();
  }

  #write(lines: readonly SpoolLine[]): End {
    const first = this.#next;
    this.#file.append(Buffer.concat(lines.map(({ line }, index) => encodeEntry(line, first + index))));
    this.#next = first + lines.length;
    const last = lines.at(-1);
    if (last === undefined) return { ...this.#durable, next: this.#next };
    return { next: this.#next, lastSeq: last.seq, lastCounter: last.counter };
  }

  #settled(after: End): void {
    if (after.next <= this.#durable.next) return;
    this.#durable = after;
    this.#files.save(this.#state);
  }

  #begin(): void {
    const old = this.#file;
    const next = Math.max(...this.#segments, 0) + 1;
    this.#file = this.#open(next);
    this.#segments.push(next);
    this.#finishedBytes += old.size;
    void old.close(false);
  }

  /** Opens the segment that holds the newest entry, or an empty one; otherwise a new one. */
  #openLast(found: readonly Segment[]): LogFile {
    const last = found.at(-1);
    if (last !== undefined && (last.bytes === 0 || last.last?.n === this.#next - 1))
      return this.#open(last.number);
    const number = Math.max(0, ...found.map((each) => each.number)) + 1;
    this.#segments.push(number);
    return this.#open(number);
  }

  #open(number: number): LogFile {
    return new LogFile(segmentPath(this.folder, number), PRIVATE, this.options.notices, true);
  }

  #loadState(): SpoolState | undefined {
    const { state, unsound } = this.#files.load();
    for (const name of unsound)
      this.options.notices.add({
        kind: 'spool-damaged',
        path: join(this.folder, name),
        detail:
          'it is missing or was changed; the spool uses the other copy of its state, or reads its entries',
      });
    return state;
  }

  /** Where to start reading. The cursor is used only if it leads to the entry that it names, in the first segment. */
  #startAt(found: readonly Segment[], state: SpoolState | undefined): Cursor {
    const start = { segment: this.#segments[0] ?? 1, offset: 0, n: found[0]?.first ?? 1 };
    if (state === undefined) return start;
    const { cursor } = state;
    if (cursor.segment === start.segment && this.#leadsTo(cursor)) return cursor;
    return { ...cursor, segment: start.segment, offset: 0 };
  }

  #leadsTo({ segment, offset, n }: Cursor): boolean {
    if (offset > this.#sizeOf(segment)) return false;
    const [before] = offset === 0 ? [undefined] : linesFrom(this.folder, segment, offset - 1);
    if (offset > 0 && before?.bytes.length !== 0) return false;
    for (const { bytes } of linesFrom(this.folder, segment, offset)) return placeOf(bytes) === n;
    return true;
  }

  #sizeOfFinished(): number {
    return this.#segments.slice(0, -1).reduce((sum, number) => sum + this.#sizeOf(number), 0);
  }

  #sizeOf(segment: number): number {
    return statSync(segmentPath(this.folder, segment), { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** The next place and the last number, after all entries that were found and all that the state knows of. */
function afterAll(found: readonly Segment[], state: SpoolState | undefined): End {
  const known: End = {
    next: Math.max(state?.next ?? 1, state?.cursor.n ?? 1),
    lastSeq: state?.lastSeq ?? state?.cursor.seq,
    lastCounter: state?.lastCounter ?? state?.cursor.counter,
  };
  return found.reduce(
    (after, { last }) =>
      last !== undefined && last.n >= after.next
        ? { next: last.n + 1, lastSeq: last.seq, lastCounter: last.counter }
        : after,
    known,
  );
}
