/** A segment that is known to be missing, in its place among the chunks of a log. */
export interface MissingSegment {
  /** The path that it should have. */
  readonly missing: string;
  /** The place of its first record, from 0. */
  readonly first: number;
  /** How many records it held. */
  readonly count: number;
}

/** A segment whose content cannot be had, in its place among the chunks of a log: a damaged compressed file. */
export interface UnreadableSegment {
  /** What is wrong with it, in words. */
  readonly unreadable: string;
}
