import { basename, dirname, join } from 'node:path';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { IntegrityError } from '../../errors.js';
import { hashFromBase64, hashToBase64, type CompactRange, type Hash } from '../tlog/merkle.js';

/** What a sealed log keeps beside itself, in the folder `<log>.integrity/`. */
export interface IntegrityLayout {
  /** The folder itself. */
  readonly folder: string;
  /** The newest checkpoint: a C2SP signed note. */
  readonly checkpoint: string;
  /** Every checkpoint so far, oldest first, one note after the other. */
  readonly history: string;
  /** The newest checkpoint that an anchor took. */
  readonly anchored: string;
  /** Checkpoints with the cosignatures of witnesses: the newest that enough of them cosigned, and what follows it. */
  readonly cosigned: string;
  /** What each witness cosigned last, so that a proof from there costs no more than what was added. */
  readonly witnesses: string;
  /** A folder of timestamps, each named by the size of its checkpoint. */
  readonly timestamps: string;
  /** The leaf hashes, 32 bytes each, in order. */
  readonly leaves: string;
  /** The compact range at the newest checkpoint, and where in the log it stands. */
  readonly state: string;
  /** The beginning of the names of the MACs that vouch for lines which no checkpoint covers yet. */
  readonly tail: string;
  /** Which file holds which records. */
  readonly segments: string;
  /** The verifier keys, the current one first, for convenience: auditors bring their own copy. */
  readonly vkey: string;
}

/** Where the evidence of a log lies. Pure: it touches no file. */
export function integrityLayout(log: string): IntegrityLayout {
  const folder = join(dirname(log), `${basename(log)}.integrity`);
  return {
    folder,
    checkpoint: join(folder, 'checkpoint'),
    history: join(folder, 'checkpoints'),
    anchored: join(folder, 'anchored'),
    cosigned: join(folder, 'cosigned'),
    witnesses: join(folder, 'witnesses.json'),
    timestamps: join(folder, 'timestamps'),
    leaves: join(folder, 'leaves'),
    state: join(folder, 'state.json'),
    tail: join(folder, 'tail'),
    segments: join(folder, 'segments.json'),
    vkey: join(folder, 'vkey'),
  };
}

/** One finished file of a log: which records it holds. */
interface SegmentEntry {
  /**
   * The file's name, in the log's own folder; it may since have been compressed to `<file>.gz`. Absent when somebody else
   * moved the file away.
   */
  readonly file?: string;
  /** The index of its first record. */
  readonly first: number;
  /** How many records it holds. */
  readonly count: number;
}

/**
 * Names the index range of each segment of a log, oldest first. It helps to find and to name; it vouches for nothing:
 * that is what the checkpoints are for.
 */
export interface SegmentList {
  readonly version: 1;
  /** The finished segments. */
  readonly segments: readonly SegmentEntry[];
  /** The index of the first record of the file that is still being written. */
  readonly current: number;
}

/** The segment list of a log that was never rotated. */
export const EMPTY_SEGMENT_LIST: SegmentList = { version: 1, segments: [], current: 0 };

/** The segment list after the current file was finished under a name. */
export function withSegment(segmentList: SegmentList, file: string | undefined, end: number): SegmentList {
  const entry = {
    ...(file !== undefined && { file }),
    first: segmentList.current,
    count: end - segmentList.current,
  };
  return { version: 1, segments: [...segmentList.segments, entry], current: end };
}

/** JSON, with a newline at its end. */
export function formatSegmentList(segmentList: SegmentList): string {
  return `${JSON.stringify(segmentList, undefined, 1)}\n`;
}

/**
 * Reads a segment list.
 *
 * @throws {IntegrityError} when it is not one, or its ranges do not follow each other.
 */
export function parseSegmentList(text: string): SegmentList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new IntegrityError('the segment list is not JSON');
  }
  if (!isSegmentList(value)) throw new IntegrityError('the segment list is not of a known form');
  let next = 0;
  for (const { file, first, count } of value.segments) {
    if (first !== next) throw new IntegrityError(`the segment list names no file for record ${next}`);
    if (file !== undefined && /[/\\]|^\.\.$/.test(file))
      throw new IntegrityError('the segment list names a file outside the folder of the log');
    next = first + count;
  }
  if (value.current !== next) throw new IntegrityError(`the segment list names no file for record ${next}`);
  return value;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isSegmentList(value: unknown): value is SegmentList {
  if (typeof value !== 'object' || value === null) return false;
  const { version, segments, current } = value as Partial<Record<keyof SegmentList, unknown>>;
  return version === 1 && isCount(current) && Array.isArray(segments) && segments.every(isEntry);
}

function isEntry(value: unknown): value is SegmentEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { file, first, count } = value as Partial<Record<keyof SegmentEntry, unknown>>;
  return (
    (file === undefined || (typeof file === 'string' && file !== '')) && isCount(first) && isCount(count)
  );
}

/** What `state.json` holds: enough to continue a log without reading it again. It is used only if its root is signed. */
export interface SavedState {
  readonly version: 1;
  /** Leaves in the tree. */
  readonly size: number;
  /** The compact range at that size. */
  readonly subtrees: readonly Hash[];
  /** The index of the first record of the segment that the next record goes to, and the byte offset within it. */
  readonly segment: number;
  readonly offset: number;
  /** Whether the writer ended in good order: then nothing follows in the log. */
  readonly closed: boolean;
}

/** The state of a tree, at a place in the log. */
export function stateOf(
  tree: CompactRange,
  place: { segment: number; offset: number },
  closed = false,
): SavedState {
  return { version: 1, size: tree.size, subtrees: [...tree.subtrees], ...place, closed };
}

/** JSON with the hashes in Base64. */
export function formatState(state: SavedState): string {
  return `${JSON.stringify({ ...state, subtrees: state.subtrees.map(hashToBase64) }, undefined, 1)}\n`;
}

/** Nothing when it is damaged in any way: it can be made again. */
export function parseState(text: string): SavedState | undefined {
  try {
    const state = JSON.parse(text) as SavedState;
    const subtrees = state.subtrees.map((text64) => hashFromBase64(text64) ?? '');
    const counts = [state.size, state.segment, state.offset];
    const sound = state.version === 1 && counts.every((n) => Number.isSafeInteger(n) && n >= 0);
    return sound && !subtrees.includes('') ? { ...state, subtrees } : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a file, or nothing if there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Makes the folder of the evidence, for its owner alone. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
}

/**
 * Replaces a file so that at every moment, a power cut included, either the old content or the new one is there.
 *
 * @param durable Whether the new content must be on the disk when this resolves. Default: true.
 */
export async function replaceFile(path: string, content: string | Uint8Array, durable = true): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (durable) await syncFolder(dirname(path));
}

/** Adds to the end of a file. */
export async function appendToFile(path: string, content: string, durable = true): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is on the disk only when its folder is. Windows has no such call, nor the need. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
