import { IntegrityError } from '../../errors.js';

/** One finished file of a log: which records it holds. */
interface ManifestEntry {
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
export interface SegmentManifest {
  readonly version: 1;
  /** The finished segments. */
  readonly segments: readonly ManifestEntry[];
  /** The index of the first record of the file that is still being written. */
  readonly current: number;
}

/** The manifest of a log that was never rotated. */
export const EMPTY_MANIFEST: SegmentManifest = { version: 1, segments: [], current: 0 };

/** The manifest after the current file was finished under a name. */
export function withSegment(
  manifest: SegmentManifest,
  file: string | undefined,
  end: number,
): SegmentManifest {
  const entry = {
    ...(file !== undefined && { file }),
    first: manifest.current,
    count: end - manifest.current,
  };
  return { version: 1, segments: [...manifest.segments, entry], current: end };
}

/** JSON, with a newline at its end. */
export function formatManifest(manifest: SegmentManifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}

/**
 * Reads a manifest.
 *
 * @throws {IntegrityError} when it is not one, or its ranges do not follow each other.
 */
export function parseManifest(text: string): SegmentManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new IntegrityError('the segment manifest is not JSON');
  }
  if (!isManifest(value)) throw new IntegrityError('the segment manifest is not of a known form');
  let next = 0;
  for (const { file, first, count } of value.segments) {
    if (first !== next) throw new IntegrityError(`the segment manifest names no file for record ${next}`);
    if (file !== undefined && /[/\\]|^\.\.$/.test(file))
      throw new IntegrityError('the segment manifest names a file outside the folder of the log');
    next = first + count;
  }
  if (value.current !== next)
    throw new IntegrityError(`the segment manifest names no file for record ${next}`);
  return value;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isManifest(value: unknown): value is SegmentManifest {
  if (typeof value !== 'object' || value === null) return false;
  const { version, segments, current } = value as Partial<Record<keyof SegmentManifest, unknown>>;
  return version === 1 && isCount(current) && Array.isArray(segments) && segments.every(isEntry);
}

function isEntry(value: unknown): value is ManifestEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { file, first, count } = value as Partial<Record<keyof ManifestEntry, unknown>>;
  return (
    (file === undefined || (typeof file === 'string' && file !== '')) && isCount(first) && isCount(count)
  );
}
