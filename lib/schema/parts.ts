/** What kind of party acted. */
export type ActorType = 'user' | 'agent' | 'service';

/** One party of a chain of delegation. */
export interface ChainLink {
  /** Who it is: a user, an agent, a service, by the name that it goes by there. */
  id: string;
  /** What kind of party it is, where that is known. */
  type?: ActorType;
  /** `verified` where somebody has checked it: then `issuer` says by whose token. Else it is a claim that nobody has checked here. */
  identity: 'verified' | 'self-reported';
  /** The issuer of the token that says so. */
  issuer?: string;
  /** Who says so: the audited program (`actorId`, `onBehalfOf`), a token, or the caller itself in `_meta`. */
  source: 'program' | 'token' | 'caller';
}

/** By what authorization requests went out: unverified, as metadata, grants and tokens say. */
export interface McpOAuth {
  /** The authorization server. */
  issuer?: string;
  /** The client's id there. */
  client_id?: string;
  /** What the token is good for. */
  scopes?: readonly string[];
  /** When the token expires, where the server that has verified it says so. */
  expires_at?: string;
  /** Whom the token is about (`sub`). */
  subject?: string;
  /** `self-reported` where nobody here has checked the token, `verified` where the server has, whose record this is. */
  subject_identity?: 'verified' | 'self-reported';
  /** Who acts for that subject, by the token's `act` (RFC 8693, section 4.1): first who acts now, then who did before. */
  actors?: readonly string[];
}

/** By what authority an actor acts for somebody else. */
export interface RecordAuthority {
  /** What gives it: `token`, or a word of yours, such as `session` or `approval`. */
  type: string;
  /** Which one: a session's or an approval's id, never a secret. */
  id?: string;
  /** Who gave it, such as the issuer of the token. */
  issuer?: string;
}

/**
 * The names of all parties that a record tells of: who acts, for whom, and through whom; each once. A log may come from anywhere, and
 * redaction may have put a mark in place of a link, so what is no link is passed over.
 */
export function actorsOf({
  actor_id,
  on_behalf_of,
  actor_chain,
}: {
  readonly actor_id: string;
  readonly on_behalf_of?: string | undefined;
  readonly actor_chain?: unknown;
}): readonly string[] {
  if (actor_chain === undefined) return on_behalf_of === undefined ? [actor_id] : [actor_id, on_behalf_of];
  const links: readonly unknown[] = Array.isArray(actor_chain) ? actor_chain : [];
  const chained = links.map((link) =>
    typeof link === 'object' && link !== null ? (link as { id?: unknown }).id : undefined,
  );
  const names = [actor_id, on_behalf_of, ...chained].filter((name) => typeof name === 'string');
  return [...new Set(names)];
}

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

/** Values of a record that concern one person: encrypted with a key that can be destroyed, or withheld. */
export interface PersonalValues {
  /** Dotted names of the fields that held them, e.g. `mcp.tool_arguments`. */
  fields: readonly string[];
  /** The id of the person's key. */
  key_id?: string;
  /** The values: a JWE in the compact form (RFC 7516), whose header repeats the ids of the key and of the record. */
  jwe?: string;
  /**
   * Why there are no values: the person's key was destroyed before, it could not be had, or nobody could say whom the values concern.
   */
  withheld?: 'erased' | 'no_key' | 'no_subject';
}
