import { createReadStream } from 'node:fs';
import { open, readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { IntegrityError } from '../errors.js';
import { integrityLayout } from './layout.js';
import { parseManifest } from './manifest.js';

/** Large enough that the cost of a read does not show, small enough to stay in a processor's cache. */
const READ_BYTES = 1 << 20;

/** One file of a log. */
export interface Segment {
  /** Where it lies; ends in `.gz` if it was compressed. */
  readonly path: string;
  /** Whether a file is there. Only a segment that the manifest names can be missing. */
  readonly present: boolean;
  /** The index of its first record and their number, where the manifest names them. */
  readonly range?: { readonly first: number; readonly count: number };
}

/** Bytes of a log, in order. */
export interface LogChunk {
  /** Valid until the next chunk but one is asked for: the buffers are used again. */
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
 * The files of one log, oldest first: those that its manifest names, then those that are named after it
 * (`audit.jsonl.1`, `audit.jsonl.2.gz`, `audit.jsonl.<time>`), then the file itself.
 *
 * @param log The path that the log is written to.
 * @throws {IntegrityError} when the manifest is damaged.
 */
export async function findSegments(log: string): Promise<Segment[]> {
  const text = await readFile(integrityLayout(log).manifest, 'utf8').catch(() => undefined);
  const older = text === undefined ? [] : await namedInManifest(log, text);
  // A file that was finished just before a crash is not in the manifest yet.
  for (const segment of await namedAfter(log))
    if (!older.some(({ path }) => basename(path, '.gz') === basename(segment.path, '.gz')))
      older.push(segment);
  if ((await isFile(log)) || older.length === 0) older.push({ path: log, present: await isFile(log) });
  return older;
}

async function namedInManifest(log: string, text: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for (const { file, first, count } of parseManifest(text).segments) {
    if (file === undefined) {
      segments.push({ path: `${log} (moved away)`, present: false, range: { first, count } });
      continue;
    }
    const plain = join(dirname(log), file);
    const candidates = compressed(plain) ? [plain] : [plain, `${plain}.gz`];
    const path = await firstPresent(candidates);
    segments.push({ path: path ?? plain, present: path !== undefined, range: { first, count } });
  }
  return segments;
}

async function firstPresent(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isFile(path)) return path;
  return undefined;
}

/** Short numbers count back in time, as logrotate has them; anything else (a time) sorts as it reads. */
async function namedAfter(log: string): Promise<Segment[]> {
  const prefix = `${basename(log)}.`;
  const names = await readdir(dirname(log)).catch((): string[] => []);
  const suffixes = names
    .filter((name) => name.startsWith(prefix) && /^\d[\dTZ.:_-]*(\.gz)?$/.test(name.slice(prefix.length)))
    .map((name) => name.slice(prefix.length));
  const counted = suffixes.every((suffix) => /^\d{1,4}(\.gz)?$/.test(suffix));
  suffixes.sort((a, b) => (counted ? parseInt(b, 10) - parseInt(a, 10) : a < b ? -1 : 1));
  return suffixes.map((suffix) => ({ path: join(dirname(log), prefix + suffix), present: true }));
}

/**
 * The bytes of segments, one after the other, in constant memory. While one chunk is worked on, the next is read.
 * Segments that are missing are passed over: whoever cares looks at {@link Segment.present} first.
 *
 * @param startAt The byte offset (of the content) to start at within the first of them. Default: 0.
 * @throws {IntegrityError} when a compressed segment is damaged or cut off.
 */
export async function* readSegments(
  segments: readonly Segment[],
  startAt = 0,
): AsyncGenerator<LogChunk, void, undefined> {
  let from = startAt;
  for (const { path, present } of segments) {
    if (present) yield* compressed(path) ? skipTo(from, readCompressed(path)) : readPlain(path, from);
    from = 0;
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
  try {
    const buffers = [Buffer.allocUnsafe(READ_BYTES), Buffer.allocUnsafe(READ_BYTES)] as const;
    const readAt = (turn: 0 | 1, offset: number) => file.read(buffers[turn], 0, READ_BYTES, offset);
    let turn: 0 | 1 = 0;
    let offset = startAt;
    let { bytesRead } = await readAt(turn, offset);
    while (bytesRead > 0) {
      const chunk = { data: buffers[turn].subarray(0, bytesRead), segment: path, offset };
      offset += bytesRead;
      turn = turn === 0 ? 1 : 0;
      const ahead = readAt(turn, offset);
      // Should the consumer leave early, the read that is under way must not end as an unhandled rejection.
      ahead.catch(() => undefined);
      yield chunk;
      ({ bytesRead } = await ahead);
    }
  } finally {
    await file.close();
  }
}

async function* readCompressed(path: string): AsyncGenerator<LogChunk, void, undefined> {
  const source = createReadStream(path, { highWaterMark: READ_BYTES });
  const content = createGunzip({ chunkSize: READ_BYTES });
  source.on('error', (error) => content.destroy(error));
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
