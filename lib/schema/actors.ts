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
