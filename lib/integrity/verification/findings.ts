import { type Hash } from '../tlog/merkle.js';

/** What kind of thing is wrong with a log. Programs may branch on these. */
export type ProblemKind =
  /** A checkpoint is malformed, edited, of another log, or signed by no trusted key. */
  | 'checkpoint'
  /** Two checkpoints of one size have different roots. */
  | 'fork'
  /** The log is shorter than a checkpoint says: cut off, or rolled back. */
  | 'truncated'
  /** A record's bytes are not those that were sealed. */
  | 'edited'
  /** Records that were sealed are not there. */
  | 'deleted'
  /** Lines are there that were not sealed at their place. */
  | 'inserted'
  /** A line stands there twice. */
  | 'duplicated'
  /** Records are there in another order than they were sealed in. */
  | 'reordered'
  /** The log is not the one that was sealed; what was done to it cannot be told. */
  | 'changed'
  /** A whole segment is not there. */
  | 'segment'
  /** Lines after the last checkpoint: nothing vouches for them yet. */
  | 'unsealed'
  /** Records that not enough witnesses of the policy have cosigned. */
  | 'unwitnessed'
  /** A timestamp is missing, does not verify, or is of no checkpoint of the log. */
  | 'timestamp'
  /** A line was cut short. */
  | 'torn'
  /** A line is no audit record. */
  | 'foreign'
  /** `seq` does not rise. */
  | 'order';

/** One thing that is wrong. */
export interface Problem {
  /** What is wrong. */
  readonly kind: ProblemKind;
  /** In words, for people; complete without the other fields. */
  readonly message: string;
  /** The first index at fault. */
  readonly index?: number;
  /** The path of the segment, and the byte offset within it (within its content, if it is compressed). */
  readonly segment?: string;
  /** Where that line starts within its segment, in bytes. */
  readonly offset?: number;
}

/** What {@link describeDifference} found, to be completed by a place. */
export interface Difference {
  readonly kind: ProblemKind;
  readonly message: string;
}

/** How far the two sequences are looked through for where they meet again. */
export const DIFFERENCE_WINDOW = 256;

/**
 * Tells what was done to a log from where it departs from its sealed leaf hashes.
 *
 * @param index The first index at which they differ.
 * @param lines The hashes of the log's lines from there on.
 * @param leaves The sealed hashes from there on.
 * @param before The sealed hash just before.
 */
export function describeDifference(
  index: number,
  lines: readonly Hash[],
  leaves: readonly Hash[],
  before: Hash | undefined,
): Difference {
  const [line] = lines;
  const [leaf] = leaves;
  if (line === undefined || leaf === undefined)
    return { kind: 'changed', message: `the log departs from what was sealed at record ${index}` };
  const ahead = leaves.indexOf(line);
  const behind = lines.indexOf(leaf);
  if (behind !== -1 && (ahead === -1 || agree(lines.slice(behind), leaves)))
    return line === before
      ? { kind: 'duplicated', message: `the line of record ${index - 1} stands there ${behind + 1} times` }
      : {
          kind: 'inserted',
          message: `${behind === 1 ? 'a line was' : `${behind} lines were`} inserted before record ${index}`,
        };
  if (ahead !== -1 && (behind === -1 || agree(lines, leaves.slice(ahead))))
    return { kind: 'deleted', message: `${records(index, ahead)} deleted` };
  if (ahead !== -1)
    return {
      kind: 'reordered',
      message: `from record ${index} on, records stand in another order: record ${index + ahead} is in the place of record ${index}`,
    };
  const resumes = lines.findIndex((hash, i) => hash === leaves[i]);
  if (resumes !== -1 || lines.length === 1 || leaves.length === 1)
    return { kind: 'edited', message: `${records(index, Math.max(resumes, 1))} edited` };
  return { kind: 'changed', message: `from record ${index} on, the log is not what was sealed` };
}

/** Whether two sequences are the same as far as both go. */
function agree(one: readonly Hash[], other: readonly Hash[]): boolean {
  return one.every((hash, i) => i >= other.length || hash === other[i]);
}

function records(first: number, count: number): string {
  return count === 1 ? `record ${first} was` : `records ${first} to ${first + count - 1} were`;
}
