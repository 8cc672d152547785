import { basename, dirname, join } from 'node:path';
import { IntegrityError } from '../../errors.js';

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
