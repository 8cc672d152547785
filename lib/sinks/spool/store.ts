import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { AuditRecord } from '../../schema/record.js';
import { LogLock } from '../file/lock.js';
import { LogFile } from '../file/logFile.js';
import type { Notices } from '../file/notice.js';
import { FILE_MODE, makeFolder } from '../file/open.js';
import { lastLineFeed, readRange, writeAll } from '../file/tail.js';
import { decodeEntry } from './entry.js';

const LF = 0x0a;
/** How much of a segment is read at once, at least, in bytes: larger than any sensible line, so that one read has a whole one. */
const READ = 1024 * 1024;
const CURSOR = 'cursor.json';

/** Up to where the receiver has everything. */
export interface Cursor {
  readonly segment: number;
  /** Bytes into that segment. */
  readonly offset: number;
  /** The number of the last record before it. */
  readonly seq?: number;
}

/** A part of the spool, read in order: whole records, or lines that are not what was written. */
export interface Stretch {
  readonly records: readonly AuditRecord[];
  readonly corrupt: readonly Uint8Array[];
  /** Where the next stretch begins. */
  readonly end: Cursor;
}

/** Records on disk that wait for a receiver: numbered segment files, appended to at one end and read from the other. */
export class SpoolStore {
  readonly #lock: LogLock;
  #segments: number[];
  #file: LogFile;
  #cursor: Cursor;
  /** Bytes in the segments before the one that is being written. */
  #finishedBytes: number;

  /** @throws ConfigError when the folder cannot be used, or another process uses it. */
  constructor(
    private readonly folder: string,
    private readonly segmentBytes: number,
    private readonly notices: Notices,
  ) {
    makeFolder(folder);
    this.#lock = new LogLock(join(folder, 'spool'), notices);
    try {
      this.#segments = numbersIn(folder);
      if (this.#segments.length === 0) this.#segments = [1];
      this.#cursor = this.#readCursor();
      this.#file = this.#openLast();
      this.#finishedBytes = this.#sizeOfFinished();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** Bytes that the receiver does not have yet. On disk there may be one segment more, which goes when it is finished. */
  get bytes(): number {
    return this.#finishedBytes + this.#file.size - this.#cursor.offset;
  }

  /** The number of the last record that is in the spool or was. */
  get lastSeq(): number | undefined {
    const { size } = this.#file;
    const start = lastLineFeed(this.#file.fd, size - 1) + 1;
    const last = size === 0 ? undefined : decodeEntry(readRange(this.#file.fd, start, size - 1));
    return last?.seq ?? this.#cursor.seq;
  }

  get #last(): number {
    return this.#segments.at(-1) ?? 1;
  }

  /** Adds whole entries at the end; they are there, and can be read, when the promise resolves. */
  append(entries: Uint8Array): Promise<void> {
    if (this.#file.size >= this.segmentBytes && this.#file.unsynced === 0) this.#begin();
    this.#file.append(entries);
    return this.#file.sync(true);
  }

  /** The same without an event loop. */
  appendNow(entries: Uint8Array): void {
    this.#file.append(entries);
    this.#file.syncNow();
  }

  /** What comes next, at most so many lines; nothing when the receiver has everything. */
  read(most: number): Stretch | undefined {
    return this.#readFrom(this.#cursor, most);
  }

  /** The receiver has all before here: segments that are done with are deleted. */
  advance(cursor: Cursor): void {
    this.#cursor = cursor;
    const draft = join(this.folder, `${CURSOR}.tmp`);
    writeFileSync(draft, JSON.stringify(cursor), { mode: FILE_MODE });
    renameSync(draft, join(this.folder, CURSOR));
    const done = this.#segments.filter((number) => number < cursor.segment);
    for (const number of done) rmSync(this.#path(number), { force: true });
    if (done.length === 0) return;
    this.#segments = this.#segments.filter((number) => number >= cursor.segment);
    this.#finishedBytes = this.#sizeOfFinished();
  }

  /** Puts bytes that have to leave the spool into a file of their own, and says where. */
  keepAside(name: string, bytes: readonly Uint8Array[]): string {
    const path = join(this.folder, name);
    const fd = openSync(path, 'a', FILE_MODE);
    try {
      writeAll(fd, Buffer.concat(bytes));
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

  #readFrom(from: Cursor, most: number): Stretch | undefined {
    const size = from.segment === this.#last ? this.#file.durable : this.#sizeOf(from.segment);
    if (from.offset >= size) {
      const next = this.#segments.find((number) => number > from.segment);
      return next === undefined ? undefined : this.#readFrom({ ...from, segment: next, offset: 0 }, most);
    }
    return this.#readLines(from, size, most);
  }

  #readLines(from: Cursor, size: number, most: number): Stretch {
    const bytes = this.#linesFrom(from, size);
    const records: AuditRecord[] = [];
    const corrupt: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length && records.length + corrupt.length < most) {
      const feed = bytes.indexOf(LF, at);
      const end = feed < 0 ? bytes.length : feed + 1;
      const record = feed < 0 ? undefined : decodeEntry(bytes.subarray(at, feed));
      if (record === undefined ? records.length > 0 : corrupt.length > 0) break;
      if (record === undefined) corrupt.push(bytes.subarray(at, end));
      else records.push(record);
      at = end;
    }
    const seq = records.at(-1)?.seq ?? from.seq;
    const end = { segment: from.segment, offset: from.offset + at, ...(seq !== undefined && { seq }) };
    return { records, corrupt, end };
  }

  /** Bytes from the cursor on, ending with a whole line unless the segment ends without one. */
  #linesFrom(from: Cursor, size: number): Buffer {
    const fd = openSync(this.#path(from.segment), 'r');
    try {
      for (let length = READ; ; length *= 2) {
        const end = Math.min(size, from.offset + length);
        const bytes = readRange(fd, from.offset, end);
        const whole = bytes.lastIndexOf(LF) + 1;
        if (end === size) return bytes;
        if (whole > 0) return bytes.subarray(0, whole);
      }
    } finally {
      closeSync(fd);
    }
  }

  #begin(): void {
    const old = this.#file;
    const next = this.#last + 1;
    this.#file = new LogFile(this.#path(next), 'narrow', this.notices, true);
    this.#segments.push(next);
    this.#finishedBytes += old.size;
    void old.close(false);
  }

  #openLast(): LogFile {
    const file = new LogFile(this.#path(this.#last), 'narrow', this.notices, true);
    if (this.#cursor.segment === this.#last && this.#cursor.offset > file.size)
      this.#cursor = { ...this.#cursor, offset: file.size };
    return file;
  }

  #readCursor(): Cursor {
    const start = { segment: this.#segments[0] ?? 1, offset: 0 };
    try {
      const found: unknown = JSON.parse(readFileSync(join(this.folder, CURSOR), 'utf8'));
      return isCursor(found) && found.segment >= start.segment ? found : start;
    } catch {
      return start;
    }
  }

  #sizeOfFinished(): number {
    return this.#segments.slice(0, -1).reduce((sum, number) => sum + this.#sizeOf(number), 0);
  }

  #sizeOf(segment: number): number {
    return statSync(this.#path(segment), { throwIfNoEntry: false })?.size ?? 0;
  }

  #path(segment: number): string {
    return join(this.folder, `${String(segment).padStart(8, '0')}.spool`);
  }
}

function numbersIn(folder: string): number[] {
  const names = readdirSync(folder).filter((name) => /^\d{8,}\.spool$/.test(name));
  return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
}

function isCursor(value: unknown): value is Cursor {
  if (typeof value !== 'object' || value === null || !('segment' in value) || !('offset' in value))
    return false;
  return Number.isSafeInteger(value.segment) && Number.isSafeInteger(value.offset);
}
