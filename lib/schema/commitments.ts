/** The parts of an operation that a record commits to. */
export const COMMITTED_PARTS = ['arguments', 'result', 'data'] as const;

/** One of {@link COMMITTED_PARTS}. */
export type CommittedPart = (typeof COMMITTED_PARTS)[number];

/** Why there is no commitment to a part: longer than 1 MiB as JSON, or nothing that JSON can hold (nested beyond reason, a BigInt). */
export type LeftOut = 'too_large' | 'not_json';

/**
 * Commitments to what was sent and returned, as it was before redaction: HMAC-SHA-256 (hex) by a salt that only the holder of the
 * log's commitment key can make. Who has the content can prove later that it is the content of this record, though the log does not
 * hold it (docs/commitments.md).
 */
export interface Commitments {
  /** Which key the salt follows from: the first 16 hex digits of a digest of it. */
  key?: string;
  /** What the operation was given: the arguments of a tool or a prompt, else the parameters that say what was asked for. */
  arguments?: string;
  /** What the server answered: the result as it came over the wire, or else what the caller got. */
  result?: string;
  /** The `data` of a record of user code. */
  data?: string;
  /** On the record of a server: what the caller committed to in its request, and what this server makes of it. */
  caller?: CallerCommitments;
  /** The parts that there is no commitment to, and why. */
  left_out?: { readonly [part in CommittedPart]?: LeftOut };
}

/** What a client said of its own record in a request, and how the request compares with it. */
export interface CallerCommitments {
  /** The id of the record in the client's log. */
  record_id: string;
  /** The client's commitment to the arguments. */
  arguments?: string;
  /** Whether the arguments that arrived are the ones that the client committed to. Absent where they are too large to tell. */
  matches?: boolean;
  /** The commitment to the result of this server, by the client's salt: the client's own record has the same one if that result arrived. */
  result?: string;
}
