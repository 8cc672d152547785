import {
  chmodSync,
  chownSync,
  createReadStream,
  createWriteStream,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { accessOf, FILE_MODE, syncFolder, type Access } from './open.js';

/** Digits of a segment's number: names sort as they were made. */
const DIGITS = 6;

/** A finished part of a log: `audit.jsonl.000001`, or `audit.jsonl.000001.gz`. */
export interface Segment {
  readonly path: string;
  readonly number: number;
  readonly compressed: boolean;
}

/** The finished parts of a log, oldest first. */
export function segmentsOf(logPath: string): Segment[] {
  const folder = dirname(logPath);
  const prefix = `${basename(logPath)}.`;
  const found: Segment[] = [];
  for (const name of readdirSync(folder)) {
    const match = name.startsWith(prefix) ? /^(\d{6,})(\.gz)?$/.exec(name.slice(prefix.length)) : null;
    if (match === null) continue;
    found.push({ path: join(folder, name), number: Number(match[1]), compressed: match[2] !== undefined });
  }
  return found.sort((a, b) => a.number - b.number);
}

/** Who may read the newest finished part: a log that starts again after it is for the same readers. */
export function accessOfNewest(logPath: string): Access | undefined {
  const newest = segmentsOf(logPath).at(-1);
  const stats = newest && statSync(newest.path, { throwIfNoEntry: false });
  return stats && accessOf(stats);
}

/** Gives the log's file the next segment name. A segment keeps its name for ever, so that what refers to it stays true. */
export function moveAside(logPath: string): string {
  const next = (segmentsOf(logPath).at(-1)?.number ?? 0) + 1;
  const segment = `${logPath}.${String(next).padStart(DIGITS, '0')}`;
  renameSync(logPath, segment);
  syncFolder(logPath);
  return segment;
}

/**
 * Compresses all segments but the newest (its last line says where the log's numbers go on), and deletes the oldest beyond
 * `keep`.
 */
export async function tidy(logPath: string, compress: boolean, keep: number): Promise<void> {
  const segments = segmentsOf(logPath);
  for (const segment of segments.slice(0, Math.max(0, segments.length - keep))) unlinkSync(segment.path);
  if (!compress) return;
  for (const segment of segmentsOf(logPath).slice(0, -1))
    if (!segment.compressed) await compressSegment(segment.path);
}

/** The plain file goes only when the compressed one is whole and on the disk. */
async function compressSegment(path: string): Promise<void> {
  // Loaded by those alone who compress.
  const [{ pipeline }, { createGzip }] = await Promise.all([
    import('node:stream/promises'),
    import('node:zlib'),
  ]);
  const draft = `${path}.gz.tmp`;
  const output = createWriteStream(draft, { mode: FILE_MODE, flush: true });
  await pipeline(createReadStream(path), createGzip(), output);
  letRead(draft, accessOf(statSync(path)));
  await rename(draft, `${path}.gz`);
  syncFolder(path);
  unlinkSync(path);
}

/** The readers of the plain file read the compressed one, too. */
function letRead(path: string, { mode, group }: Access): void {
  const { uid, gid } = statSync(path);
  try {
    if (gid !== group) chownSync(path, uid, group);
  } catch {
    return;
  }
  if (mode !== FILE_MODE) chmodSync(path, mode);
}
