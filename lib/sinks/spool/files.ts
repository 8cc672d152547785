import { closeSync, fstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLine } from '../../codecs/json.js';
import { crc32ByTable } from '../../internal/crc32.js';
import { counterOf } from '../../schema/ids.js';
import type { AuditRecord, LogCounter } from '../../schema/record.js';
import { readRange, FILE_MODE } from '../file/open.js';
import { causeOf } from '../sink.js';

const LF = 0x0a;
/** How much of a segment is read at once, in bytes: more than a common line has, so that a read holds a whole one. */
const READ = 1024 * 1024;

/** A segment file, and the places of its entries. */
export interface Segment {
  readonly number: number;
  readonly bytes: number;
  /** The smallest place of its entries; absent when its beginning has no valid one. */
  readonly first?: number;
  /** The largest place, the number of the record there, and who gave it. */
  readonly last?: { readonly n: number; readonly seq: number; readonly counter: LogCounter | undefined };
}

/** A line of a segment, and where the next one begins. */
export interface SegmentLine {
  /** Without its line feed. */
  readonly bytes: Buffer;
  readonly end: number;
}

/** The path of a segment. */
export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, '0')}.spool`);
}

/**
 * The segments of a spool in the order of their entries: that of their names, unless somebody has changed the files. Segments
 * without an entry come last.
 */
export function findSegments(folder: string): Segment[] {
  const names = readdirSync(folder).filter((name) => /^\d{8,15}\.spool$/.test(name));
  const order = ({ first = Infinity }: Segment) => first;
  return names
    .map((name) => describeSegment(folder, Number.parseInt(name, 10)))
    .sort((a, b) => (order(a) === order(b) ? a.number - b.number : order(a) - order(b)));
}

function describeSegment(folder: string, number: number): Segment {
  return withSegment(folder, number, { number, bytes: 0 }, (fd) => {
    const bytes = fstatSync(fd).size;
    const head = linesIn(readRange(fd, 0, Math.min(READ, bytes)));
    const tail = bytes <= READ ? head : linesIn(readRange(fd, bytes - READ, bytes));
    const first = smallest(head);
    const last = largest(tail);
    return {
      number,
      bytes,
      ...(first !== undefined && { first }),
      ...(last && { last: { n: last.n, seq: last.record.seq, counter: counterOf(last.record) } }),
    };
  });
}

/** The lines of a segment from an offset on, up to `size`; the last one may lack its end. A missing segment has none. */
export function* linesFrom(
  folder: string,
  number: number,
  offset: number,
  size = Infinity,
): Generator<SegmentLine, void, undefined> {
  const path = segmentPath(folder, number);
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if (causeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    yield* linesOf(fd, offset, Math.min(size, fstatSync(fd).size));
  } finally {
    closeSync(fd);
  }
}

/** The lines of an open file: see {@link linesFrom}. */
export function* linesOf(fd: number, from: number, size: number): Generator<SegmentLine, void, undefined> {
  let offset = from;
  for (let length = READ; offset < size;) {
    const bytes = readRange(fd, offset, Math.min(size, offset + length));
    const isLast = offset + bytes.length >= size || bytes.length === 0;
    let at = 0;
    for (let feed = bytes.indexOf(LF); feed >= 0; feed = bytes.indexOf(LF, at)) {
      yield { bytes: bytes.subarray(at, feed), end: offset + feed + 1 };
      at = feed + 1;
    }
    if (isLast) {
      if (at < bytes.length) yield { bytes: bytes.subarray(at), end: offset + bytes.length };
      return;
    }
    offset += at;
    length = at === 0 ? length * 2 : READ;
  }
}

/** The smallest place of these lines, whose order somebody may have changed. */
function smallest(lines: readonly Buffer[]): number | undefined {
  const places = lines.flatMap((line) => placeOf(line) ?? []);
  return places.length === 0 ? undefined : places.reduce((a, b) => Math.min(a, b));
}

/** The entry with the largest place. */
function largest(lines: readonly Buffer[]): SpoolEntry | undefined {
  let found: { readonly n: number; readonly line: Buffer } | undefined;
  for (const line of lines) {
    const n = placeOf(line);
    if (n !== undefined && n >= (found?.n ?? 0)) found = { n, line };
  }
  return found && decodeEntry(found.line);
}

function linesIn(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0, feed = bytes.indexOf(LF); feed >= 0; feed = bytes.indexOf(LF, at)) {
    lines.push(bytes.subarray(at, feed));
    at = feed + 1;
  }
  return lines;
}

function withSegment<T>(folder: string, number: number, otherwise: T, look: (fd: number) => T): T {
  let fd: number;
  try {
    fd = openSync(segmentPath(folder, number), 'r');
  } catch {
    return otherwise;
  }
  try {
    return look(fd);
  } finally {
    closeSync(fd);
  }
}

const SPACE = 0x20;
/** Digits of a checksum. */
const SUM = 8;

let loading: Promise<void> | undefined;
let byNode: ((bytes: Uint8Array) => number) | undefined;

/** CRC-32 (RFC 1952, section 8): by zlib, which Node has it in from 20.15 on and a first use loads; until then by a table. */
function crc32(bytes: Uint8Array): number {
  loading ??= import('node:zlib').then(({ crc32: found }: { crc32?: typeof byNode }) => {
    byNode = found;
  });
  return byNode === undefined ? crc32ByTable(bytes) : byNode(bytes);
}

/** A record in a spool, with its place. The spool counts places itself, whatever numbers the records have. */
interface SpoolEntry {
  readonly n: number;
  readonly record: AuditRecord;
}

/** An entry as a line: the checksum of the rest in 8 hex digits, the place and the record's line, with spaces between. */
export function encodeEntry(line: string, n: number): Buffer {
  const body = Buffer.from(`${n} ${line}`);
  return Buffer.concat([Buffer.from(`${checksum(body)} `), body, Buffer.of(LF)]);
}

/** The entry in a line (without its line feed); nothing when the line is not what was written. */
export function decodeEntry(line: Uint8Array): SpoolEntry | undefined {
  const n = placeOf(line);
  if (n === undefined) return undefined;
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  try {
    return { n, record: decodeLine(text.toString('utf8', text.indexOf(SPACE, SUM + 1) + 1)) };
  } catch {
    return undefined;
  }
}

/** The place of an entry, without parsing its record. */
export function placeOf(line: Uint8Array): number | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const end = text.indexOf(SPACE, SUM + 1);
  if (end < 0 || text.toString('latin1', 0, SUM) !== checksum(text.subarray(SUM + 1))) return undefined;
  const n = Number(text.toString('latin1', SUM + 1, end));
  return Number.isSafeInteger(n) && n > 0 ? n : undefined;
}

/** CRC-32 in 8 hex digits. */
function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(SUM, '0');
}

/** Lost records that no gap record tells of yet. */
export interface StoredGap {
  readonly count: number;
  readonly firstTime: string;
  readonly lastTime: string;
  readonly seq: number;
  readonly counter?: LogCounter | undefined;
  readonly causes: readonly string[];
  /** The id of the gap record. */
  readonly id?: string;
  /** Whether `seq` is that of the last of them; otherwise it is a guess. */
  readonly exact?: boolean;
}

/** How far the receiver has everything. */
export interface Cursor {
  readonly segment: number;
  /** Bytes into that segment. */
  readonly offset: number;
  /** The place of the next entry: all before it are with the receiver, or counted as lost. It counts wherever that entry stands. */
  readonly n: number;
  /** The number of the last record before it, and who gave it. */
  readonly seq?: number;
  readonly counter?: LogCounter | undefined;
  /** Lost records that the receiver has not heard of yet. */
  readonly gap?: StoredGap;
  /** Refused records that found no room in `refused.spool`, and that no gap record in it tells of yet. */
  readonly unkept?: StoredGap;
}

/** What a spool stores beside its entries, which shows when some of them are missing. */
export interface SpoolState {
  readonly cursor: Cursor;
  /** The place that the next entry gets. */
  readonly next: number;
  /** The number of the last record that was put in, and who gave it. */
  readonly lastSeq?: number;
  readonly lastCounter?: LogCounter;
}

const NAMES = ['cursor.json', 'head.json'] as const;
/** The length of the files, in bytes. They are overwritten in place, which is cheap and leaves no drafts, so it must not change. */
const BYTES = 4_096;

/**
 * Stores a spool's state twice, in `cursor.json` and `head.json`: if one is removed, damaged or replaced by an older version, the
 * other one has it.
 */
export class StateFiles {
  constructor(private readonly folder: string) {}

  /** Reads the newest state of both files, and which of them are damaged or missing. */
  load(): { readonly state: SpoolState | undefined; readonly unsound: readonly string[] } {
    const found = NAMES.map((name) => ({ name, state: this.#read(name) }));
    const states = found.flatMap(({ state }) => (typeof state === 'object' ? [state] : []));
    const unsound = found.flatMap(({ name, state }) =>
      state === 'damaged' || (state === 'missing' && states.length > 0) ? [name] : [],
    );
    return { state: states.length === 0 ? undefined : states.reduce(newer), unsound };
  }

  /** Writes one file after the other: when the process dies while it writes, the other file is whole. */
  save(state: SpoolState): void {
    const text = format(state).padEnd(BYTES);
    for (const name of NAMES) overwrite(join(this.folder, name), text);
  }

  #read(name: string): SpoolState | 'damaged' | 'missing' {
    try {
      return parse(readFileSync(join(this.folder, name), 'utf8')) ?? 'damaged';
    } catch (error) {
      return causeOf(error) === 'ENOENT' ? 'missing' : 'damaged';
    }
  }
}

function overwrite(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'r+' });
  } catch (error) {
    if (causeOf(error) !== 'ENOENT') throw error;
    writeFileSync(path, text, { mode: FILE_MODE });
  }
}

/** The newer parts of two states: places only ever grow. */
function newer(a: SpoolState, b: SpoolState): SpoolState {
  const { cursor } = b.cursor.n > a.cursor.n ? b : a;
  const { cursor: _cursor, ...end } = b.next > a.next ? b : a;
  return { cursor, ...end };
}

function format(state: SpoolState): string {
  return `${JSON.stringify({ sum: checksum(Buffer.from(JSON.stringify(state))), state })}\n`;
}

/** The checksum shows that this code wrote the text, so its form needs no further check. */
function parse(text: string): SpoolState | undefined {
  try {
    const { sum, state } = JSON.parse(text) as { sum: unknown; state: SpoolState };
    return sum === checksum(Buffer.from(JSON.stringify(state))) ? state : undefined;
  } catch {
    return undefined;
  }
}
