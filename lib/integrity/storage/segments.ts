import { createReadStream } from 'node:fs';
import { open, readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { IntegrityError } from '../../errors.js';
import type { Hash } from '../tlog/merkle.js';
import { integrityLayout, parseSegmentList, type SegmentList } from './files.js';

/** Large enough that the cost of a read does not show, small enough to stay in a processor's cache. */
const READ_BYTES = 1 << 20;
/** How many reads are under way while a chunk is worked on: enough that none is waited for, by readers that do little. */
const READS_AHEAD = 3;

/** One file of a log. */
export interface Segment {
  /** Where it lies; ends in `.gz` if it was compressed. */
  readonly path: string;
  /** Whether a file is there. Only a segment that the segment list names can be missing. */
  readonly present: boolean;
  /** The index of its first record and their number, where the segment list names them. */
  readonly range?: { readonly first: number; readonly count: number };
  /** Reads its bytes, as they are stored, from an offset on: for one that is not on disk. */
  readonly open?: (startAt: number) => AsyncIterable<Buffer>;
  /** Why it may be missing, in words that follow "records 0 to 9". */
  readonly because?: string;
  /** The root of the log's tree at its end, which whoever says why it is missing vouches for. */
  readonly root?: Hash;
}

/** How segments are read. */
interface ReadSegmentsOptions {
  /** The byte offset (of the content) to start at within the first of them. Default: 0. */
  readonly startAt?: number | undefined;
}

/** Bytes of a log, in order. */
export interface LogChunk {
  /** Valid until the next chunk is asked for: the buffers are used again. */
  readonly data: Buffer;
  /** The path of the segment that the bytes are from. */
  readonly segment: string;
  /** Where `data` starts within the segment (within its content, if that is compressed). */
  readonly offset: number;
}

/** Whether a path is that of a gzip file, by its name. */
function compressed(path: string): boolean {
  return path.endsWith('.gz');
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

/**
 * The files of one log, oldest first: those that its segment list names, then those that are named after it
 * (`audit.jsonl.000001`, `audit.jsonl.2.gz`, `audit.jsonl-20260101`), then the file itself.
 *
 * @param log The path that the log is written to.
 * @throws {IntegrityError} when the segment list is damaged.
 */
export async function findSegments(log: string): Promise<Segment[]> {
  const text = await readFile(integrityLayout(log).segments, 'utf8').catch(() => undefined);
  return segmentsOf(log, text === undefined ? [] : parseSegmentList(text).segments);
}

/** The files of one log as far as their names tell: for readers of a log whose segment list is damaged. */
export function findSegmentsByName(log: string): Promise<Segment[]> {
  return segmentsOf(log, []);
}

async function segmentsOf(log: string, entries: SegmentList['segments']): Promise<Segment[]> {
  const listed = new Set(entries.map(({ file }) => file));
  const unlisted = (await namedAfter(log)).filter((path) => !listed.has(plainName(path)));
  // A file that another program moved away has one of these names. If files are missing, they are taken to be the oldest.
  const nameless = entries.filter(({ file }) => file === undefined).length;
  const adopted = unlisted.splice(0, nameless);
  const gone = nameless - adopted.length;
  let seen = 0;
  const segments: Segment[] = [];
  for (const { file, first, count } of entries) {
    const path = file === undefined ? adopted[seen++ - gone] : await firstPresent(join(dirname(log), file));
    segments.push({
      path: path ?? (file === undefined ? `${log} (moved away)` : join(dirname(log), file)),
      present: path !== undefined,
      range: { first, count },
    });
  }
  for (const path of unlisted) segments.push({ path, present: true });
  if ((await isFile(log)) || segments.length === 0) segments.push({ path: log, present: await isFile(log) });
  return segments;
}

/** The path of a file as it is now: plain, or compressed since. */
async function firstPresent(path: string): Promise<string | undefined> {
  for (const candidate of compressed(path) ? [path] : [path, `${path}.gz`])
    if (await isFile(candidate)) return candidate;
  return undefined;
}

function plainName(path: string): string {
  return basename(path, '.gz');
}

/** Short numbers count back in time, as logrotate has them; six digits, and times, sort as they read. */
async function namedAfter(log: string): Promise<string[]> {
  const name = basename(log);
  const names = await readdir(dirname(log)).catch((): string[] => []);
  const suffixes = new Map<string, string>();
  for (const found of names.filter((other) => other.startsWith(name)).sort()) {
    const suffix = /^[.-](\d[\dTZ.:_-]*?)(?:\.gz)?$/.exec(found.slice(name.length))?.[1];
    // While a file is being compressed it is there twice; the plain one is whole, and sorts first.
    if (suffix !== undefined && !suffixes.has(suffix)) suffixes.set(suffix, join(dirname(log), found));
  }
  const sorted = [...suffixes].sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.every(([suffix]) => /^\d{1,4}$/.test(suffix))) sorted.sort(([a], [b]) => Number(b) - Number(a));
  return sorted.map(([, path]) => path);
}

/**
 * The bytes of segments, one after the other, in constant memory. While one chunk is worked on, the next ones are read.
 * A byte order mark at the beginning of a file is left out. Segments that are missing ({@link Segment.present}) are passed over.
 *
 * @throws {IntegrityError} when a compressed segment is damaged or cut off.
 */
export async function* readSegments(
  segments: readonly Segment[],
  { startAt = 0 }: ReadSegmentsOptions = {},
): AsyncGenerator<LogChunk, void, undefined> {
  let from = startAt;
  for (const segment of segments) {
    const { path, present, open: openElsewhere } = segment;
    if (present && compressed(path)) yield* skipTo(from, withoutMark(readCompressed(segment)));
    else if (present && openElsewhere !== undefined)
      yield* withoutMark(readElsewhere(path, openElsewhere(from), from));
    else if (present) yield* withoutMark(readPlain(path, from));
    from = 0;
  }
}

async function* readElsewhere(
  path: string,
  parts: AsyncIterable<Buffer>,
  startAt: number,
): AsyncGenerator<LogChunk, void, undefined> {
  let offset = startAt;
  for await (const data of parts) {
    if (data.length > 0) yield { data, segment: path, offset };
    offset += data.length;
  }
}

async function* skipTo(
  start: number,
  chunks: AsyncIterable<LogChunk>,
): AsyncGenerator<LogChunk, void, undefined> {
  for await (const { data, segment, offset } of chunks) {
    const skipped = Math.max(start - offset, 0);
    if (skipped < data.length) yield { data: data.subarray(skipped), segment, offset: offset + skipped };
  }
}

async function* readPlain(path: string, startAt: number): AsyncGenerator<LogChunk, void, undefined> {
  const file = await open(path, 'r');
  const buffers = Array.from({ length: READS_AHEAD + 1 }, () => Buffer.allocUnsafe(READ_BYTES));
  const ahead: Promise<{ bytesRead: number; buffer: Buffer }>[] = [];
  let turn = 0;
  try {
    for (let offset = startAt; ;) {
      while (ahead.length < READS_AHEAD) {
        const buffer = buffers[turn++ % buffers.length] as Buffer;
        const next = file.read(buffer, 0, READ_BYTES, offset + ahead.length * READ_BYTES);
        // Should the consumer leave early, the reads that are under way must not end as unhandled rejections.
        next.catch(() => undefined);
        ahead.push(next);
      }
      const { bytesRead, buffer } = await (ahead.shift() as (typeof ahead)[number]);
      if (bytesRead === 0) return;
      yield { data: buffer.subarray(0, bytesRead), segment: path, offset };
      offset += bytesRead;
      // The file ends here, or ended here when it was read: the reads behind this one began too far.
      if (bytesRead < READ_BYTES) await Promise.allSettled(ahead.splice(0));
    }
  } finally {
    await Promise.allSettled(ahead);
    await file.close();
  }
}

async function* readCompressed({
  path,
  open: openElsewhere,
}: Segment): AsyncGenerator<LogChunk, void, undefined> {
  // Loaded by those alone who have compressed segments.
  const { createGunzip } = await import('node:zlib');
  const source =
    openElsewhere === undefined
      ? createReadStream(path, { highWaterMark: READ_BYTES })
      : Readable.from(openElsewhere(0));
  const content = createGunzip({ chunkSize: READ_BYTES });
  source.on('error', (error: Error) => content.destroy(error));
  source.pipe(content);
  let offset = 0;
  try {
    for await (const data of content as AsyncIterable<Buffer>) {
      yield { data, segment: path, offset };
      offset += data.length;
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new IntegrityError(
      `segment ${path} is damaged: ${error.message}, after ${offset} bytes of content`,
      {
        cause: error,
      },
    );
  } finally {
    source.destroy();
    content.destroy();
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

/** A byte order mark in UTF-8, as editors and shells of Windows put it at the beginning of a file. */
const MARK = Buffer.of(0xef, 0xbb, 0xbf);

/**
 * Leaves out a byte order mark at the beginning of a file: it is no part of the first line, neither of its record nor of
 * its hash. Places still count from the first byte of the file.
 */
export async function* withoutMark(
  chunks: AsyncIterable<LogChunk>,
): AsyncGenerator<LogChunk, void, undefined> {
  let begun = false;
  // A stream may hand out its beginning byte by byte.
  let held: LogChunk | undefined;
  for await (const chunk of chunks) {
    if (begun || (held === undefined && chunk.offset > 0)) {
      yield chunk;
      continue;
    }
    const data = held === undefined ? chunk.data : Buffer.concat([held.data, chunk.data]);
    if (data.length < MARK.length && MARK.subarray(0, data.length).equals(data)) {
      // A copy: the reader's buffers are used again.
      held = { ...chunk, offset: 0, data: Buffer.from(data) };
      continue;
    }
    begun = true;
    held = undefined;
    const offset = data.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0;
    if (data.length > offset) yield { ...chunk, offset, data: data.subarray(offset) };
  }
  if (held !== undefined) yield held;
}

/** A segment that is known to be missing, in its place among the chunks of a log. */
export interface MissingSegment {
  /** The path that it should have. */
  readonly missing: string;
  /** The place of its first record, from 0. */
  readonly first: number;
  /** How many records it held. */
  readonly count: number;
  /** Why it may be missing, in words that follow "records 0 to 9": then it is no fault, if the hashes of its records are here. */
  readonly because?: string;
  /** The root of the tree at its end, where whoever says why it is missing vouches for it. */
  readonly root?: Hash;
}

/** A segment whose content cannot be had, in its place among the chunks of a log: a damaged compressed file. */
export interface UnreadableSegment {
  /** What is wrong with it, in words. */
  readonly unreadable: string;
}

const LF = 0x0a;

/** One line of a log. */
interface LogLine {
  /** The exact bytes, without the LF. Valid until the next batch is asked for. */
  readonly bytes: Buffer;
  /** Its place in the whole log, from 0. */
  readonly index: number;
  /** The path of the segment that it is from. */
  readonly segment: string;
  /** Where it starts within the segment, in bytes. */
  readonly offset: number;
  /** The last line of a segment, and no LF ends it: a write was cut short. */
  readonly torn: boolean;
}

/**
 * The lines of a log, a batch for each chunk read: constant memory for lines of bounded length.
 *
 * @example
 * ```ts
 * for await (const batch of readLines(readSegments(await findSegments('audit.jsonl'))))
 *   for (const line of batch) console.log(line.index, line.bytes.toString('utf8'));
 * ```
 */
export async function* readLines(
  chunks: AsyncIterable<LogChunk>,
): AsyncGenerator<LogLine[], void, undefined> {
  let index = 0;
  let rest: Buffer = Buffer.alloc(0);
  let place = { segment: '', offset: 0 };
  const torn = (): LogLine => ({ bytes: rest, index: index++, ...place, torn: true });

  for await (const { data, segment, offset } of chunks) {
    const batch: LogLine[] = [];
    if (segment !== place.segment) {
      if (rest.length > 0) batch.push(torn());
      rest = Buffer.alloc(0);
    }
    let start = 0;
    for (let end = data.indexOf(LF); end !== -1; end = data.indexOf(LF, start)) {
      const part = data.subarray(start, end);
      if (rest.length > 0) batch.push({ bytes: Buffer.concat([rest, part]), index, ...place, torn: false });
      else batch.push({ bytes: part, index, segment, offset: offset + start, torn: false });
      rest = Buffer.alloc(0);
      index++;
      start = end + 1;
    }
    if (rest.length === 0) place = { segment, offset: offset + start };
    // A copy: the reader's buffers are used again.
    if (start < data.length) rest = Buffer.concat([rest, data.subarray(start)]);
    if (batch.length > 0) yield batch;
  }
  if (rest.length > 0) yield [torn()];
}
