import type { Actor, ActorLink } from '../identity.js';
import { peek, peekText } from '../internal/peek.js';
import type { ActorType, ChainLink, DraftRecord, McpOAuth } from '../schema/record.js';

/** Under this name, a request's `_meta` says who makes it: the parties of a chain, first who acts now. */
export const ACTORS_KEY = 'otel-mcp-log/actors';

/** So many parties of a chain go on record: of a longer one, the first ones and the last. */
const MOST_LINKS = 10;
/** So deep a chain is followed. What lies behind is not counted, since whoever sends it decides how long it is. */
const MOST_DEPTH = 1_000;

/** The parties of a chain of delegation, first who acts now, last on whose behalf. */
export interface ActorChain {
  readonly links: readonly ChainLink[];
  /** How many there were before the chain was cut. */
  readonly total: number;
}

type Vouched = Pick<ChainLink, 'identity' | 'issuer' | 'source'>;

/**
 * The chain that a token's claims name (RFC 8693, section 4.1): `act` is who acts now, an `act` in it who did before, and the token's
 * subject (`sub`) on whose behalf they all do. `may_act` (section 4.4) says who might act, and is no part of it.
 *
 * @param isVerified whether the token has been checked, so that its issuer vouches for what it says.
 */
export function chainInClaims(claims: unknown, isVerified: boolean): ActorChain | undefined {
  const issuer = peekText(claims, 'iss');
  const vouched: Vouched = {
    identity: isVerified ? 'verified' : 'self-reported',
    ...(issuer !== undefined && { issuer }),
    source: 'token',
  };
  const links: ChainLink[] = [];
  let depth = 0;
  for (let act = peek(claims, 'act'); depth < MOST_DEPTH; act = peek(act, 'act')) {
    const id = nameOf(act);
    if (id === undefined) break;
    depth++;
    if (links.length < MOST_LINKS) links.push({ id, ...vouched });
  }
  const subject = peekText(claims, 'sub');
  if (subject !== undefined && subject.trim() !== '') {
    depth++;
    if (links.length === MOST_LINKS) links.pop();
    links.push({ id: subject, type: typeOfSubject(claims, subject), ...vouched });
  }
  return links.length === 0 ? undefined : { links, total: depth };
}

/** Who an `act` claim names. Its members identify the actor, by `sub` or, where that is absent, by the client. */
function nameOf(act: unknown): string | undefined {
  const name = peekText(act, 'sub') ?? peekText(act, 'client_id');
  return name === undefined || name.trim() === '' ? undefined : name;
}

/** RFC 9068, section 2.2: where no user is involved, the subject is the client. */
function typeOfSubject(claims: unknown, subject: string): ActorType {
  const isClient = subject === peekText(claims, 'client_id') || subject === peekText(claims, 'azp');
  return isClient ? 'service' : 'user';
}

const TYPES: ReadonlySet<unknown> = new Set(['user', 'agent', 'service'] satisfies ActorType[]);

/** The chain that the `_meta` of a request names under {@link ACTORS_KEY}. What is there and names nobody is left out. */
function chainInMeta(meta: unknown): ActorChain | undefined {
  const given = peek(meta, ACTORS_KEY);
  if (!Array.isArray(given)) return undefined;
  const named = [...given.slice(0, MOST_LINKS - 1), ...given.slice(MOST_LINKS - 1).slice(-1)];
  const links = named.flatMap((each: unknown): ChainLink[] => {
    const id = peekText(each, 'id');
    if (id === undefined || id.trim() === '') return [];
    const type = peek(each, 'type');
    const known = TYPES.has(type) ? { type: type as ActorType } : {};
    return [{ id, ...known, identity: 'self-reported', source: 'caller' }];
  });
  return links.length === 0 ? undefined : { links, total: Math.max(links.length, given.length) };
}

/** What is known of the parties behind one operation. */
interface Parties {
  /** Who the program says acts. */
  readonly actor: Actor | undefined;
  /** For whom the program says it acts. */
  readonly principal: string | undefined;
  /** What the request says of itself in `_meta`. */
  readonly caller: ActorChain | undefined;
  /** Who is behind the request that a server works on meanwhile. */
  readonly behind: ActorChain | undefined;
  /** What the token says that the request carries. */
  readonly token: ActorChain | undefined;
}

/** A request that a server works on. */
export interface Served {
  readonly caller?: { readonly chain: ActorChain | undefined } | undefined;
  readonly callerMeta?: unknown;
}

/** The parties of a request that is being served: they are behind what the server asks of others meanwhile. */
function chainBehind(served: Served | undefined): ActorChain | undefined {
  const caller = chainInMeta(served?.callerMeta);
  const token = served?.caller?.chain;
  if (caller === undefined) return token;
  const links = join(caller.links, token?.links ?? []);
  return { links, total: links.length + cutFrom(caller) + cutFrom(token) };
}

/** For whom the program says it acts. */
function principalOf(actor: Actor | undefined, byOption: string | undefined): string | undefined {
  return actor?.onBehalfOf ?? actor?.chain?.at(-1)?.id ?? byOption;
}

/** Who the program says acts, and for whom. */
function programsLinks(actor: Actor | undefined, principal: string | undefined): ChainLink[] {
  const links = [...(actor === undefined ? [] : [actor, ...(actor.chain ?? [])])].map(linkOf);
  if (principal !== undefined && !links.some(({ id }) => id === principal))
    links.push({ id: principal, identity: 'self-reported', source: 'program' });
  return links;
}

function linkOf({ id, type, verifiedBy }: ActorLink): ChainLink {
  return {
    id,
    ...(type !== undefined && { type }),
    identity: verifiedBy === undefined ? 'self-reported' : 'verified',
    ...(verifiedBy !== undefined && { issuer: verifiedBy }),
    source: 'program',
  };
}

/**
 * One chain of what the request and the program say, of who is behind a request that is being served, and of what the token says, in this
 * order: what a request says of itself comes first, since its sender is the nearest, and a token's subject last. A party that several of them name is one link, with the best that is said for it.
 * Undefined where nothing is known beyond who acts.
 */
function chainOf({ actor, principal, caller, behind, token }: Parties): ActorChain | undefined {
  const others = caller ?? behind ?? token ?? principal;
  if (others === undefined && isPlain(actor)) return undefined;
  const near = join(caller?.links ?? [], programsLinks(actor, principal));
  const links = withToken(withToken(near, behind?.links ?? [], actor), token?.links ?? [], actor);
  const [first] = links;
  if (first === undefined) return undefined;
  // The record names the actor in any case.
  if (links.length === 1 && first.identity === 'self-reported' && first.id === actor?.id) return undefined;
  const cut = [caller, behind, token].reduce((sum, chain) => sum + cutFrom(chain), 0);
  return { links: bounded(links), total: links.length + cut };
}

/** The first links and the last. What a caller says of itself gives way to the others, so that it cannot push them out. */
function bounded(links: readonly ChainLink[]): readonly ChainLink[] {
  let excess = links.length - MOST_LINKS;
  if (excess <= 0) return links;
  const kept = links.filter(({ source }) => source !== 'caller' || excess-- <= 0);
  return kept.length > MOST_LINKS ? [...kept.slice(0, MOST_LINKS - 1), ...kept.slice(-1)] : kept;
}

function cutFrom(chain: ActorChain | undefined): number {
  return chain === undefined ? 0 : chain.total - chain.links.length;
}

/** Whether an actor is a name alone, which the record has already. */
function isPlain(actor: Actor | undefined): boolean {
  return actor?.chain === undefined && actor?.verifiedBy === undefined;
}

/** Links, and those behind them. A party that stands in both has its place among the latter. */
function join(near: readonly ChainLink[], far: readonly ChainLink[]): ChainLink[] {
  const before = near.filter((link) => !far.some((each) => isSame(each, link)));
  const behind = far.map((link) => {
    const same = near.find((each) => isSame(each, link));
    return same === undefined ? link : merged(same, link);
  });
  return [...before, ...behind];
}

/** Adds the token's links. Who acts, by the program's word, keeps its place before them. */
function withToken(
  near: readonly ChainLink[],
  token: readonly ChainLink[],
  actor: Actor | undefined,
): ChainLink[] {
  const acting = near.find(({ id, source }) => id === actor?.id && source === 'program');
  const again = acting && token.find((each) => isSame(each, acting));
  if (acting === undefined || again === undefined) return join(near, token);
  const isElsewhere = (link: ChainLink) => token.some((each) => isSame(each, link));
  const place = near.slice(0, near.indexOf(acting)).filter((link) => !isElsewhere(link)).length;
  const others = join(
    near.filter((each) => each !== acting),
    token.filter((each) => each !== again),
  );
  return [...others.slice(0, place), merged(acting, again), ...others.slice(place)];
}

/** The same name is another party where two issuers vouch for it. */
function isSame(a: ChainLink, b: ChainLink): boolean {
  if (a.id !== b.id) return false;
  return a.issuer === undefined || b.issuer === undefined || a.issuer === b.issuer;
}

/** Who vouches: a verified token before an unverified one, that before anybody's own word, and the caller's last. */
function rankOf({ identity, issuer, source }: ChainLink): number {
  return (identity === 'verified' ? 4 : 0) + (issuer === undefined ? 0 : 2) + (source === 'caller' ? 0 : 1);
}

function merged(a: ChainLink, b: ChainLink): ChainLink {
  const [better, other] = rankOf(b) > rankOf(a) ? [b, a] : [a, b];
  if (better.type !== undefined || other.type === undefined) return better;
  const { id, ...vouched } = better;
  return { id, type: other.type, ...vouched };
}

/** What an operation tells of the parties behind it. */
interface Delegating {
  readonly connection: {
    readonly oauth?: McpOAuth | undefined;
    readonly tokenChain?: ActorChain | undefined;
  };
  /** Who sent the request, on the side of a server: then the connection's own authorization is of no account. */
  readonly caller?:
    | { readonly oauth: McpOAuth | undefined; readonly chain: ActorChain | undefined }
    | undefined;
  readonly callerMeta?: unknown;
  readonly served?: Served | undefined;
}

/**
 * For whom the actor acts, by what authority, and through whom: as the actor or the option says, else as the token that the requests carry
 * says of itself. A token names another than its client where its subject is one (RFC 9068, section 2.2), or where it says who acts for
 * the subject (RFC 8693, section 4.1).
 */
export function addDelegation(
  draft: Pick<DraftRecord, 'actor_id' | 'on_behalf_of' | 'authority' | 'actor_chain' | 'truncated'>,
  { connection, caller, callerMeta, served }: Delegating,
  actor: Actor | undefined,
  byOption: string | undefined,
): void {
  const { oauth, tokenChain } =
    caller === undefined ? connection : { oauth: caller.chain && caller.oauth, tokenChain: caller.chain };
  const subject = oauth?.subject;
  const isAnother = subject !== undefined && (oauth?.actors !== undefined || subject !== oauth?.client_id);
  const named = principalOf(actor, byOption);
  const principal = named ?? (isAnother && subject !== draft.actor_id ? subject : undefined);
  if (principal !== undefined) draft.on_behalf_of = principal;
  const { issuer } = oauth ?? {};
  const byToken = principal !== undefined && principal === subject;
  const authority = actor?.authority ?? (byToken ? { type: 'token', ...(issuer && { issuer }) } : undefined);
  if (authority !== undefined) draft.authority = authority;
  const isVerified = tokenChain?.links[0]?.identity === 'verified';
  const token = isAnother || isVerified ? tokenChain : undefined;
  const behind = chainBehind(served);
  const chain = chainOf({ actor, principal: named, caller: chainInMeta(callerMeta), behind, token });
  if (chain === undefined) return;
  draft.actor_chain = chain.links;
  const { links, total } = chain;
  // Redaction adds to it what it cuts.
  if (total > links.length) draft.truncated = [{ path: 'actor_chain', original_entries: total }];
}

/** The chain that the program names, and who is behind it, as it goes to a server in `_meta`: names and kinds alone. */
export function chainToSend(
  actor: Actor | undefined,
  byOption: string | undefined,
  served?: Served,
): readonly object[] | undefined {
  const program = programsLinks(actor, principalOf(actor, byOption));
  const links = withToken(program, chainBehind(served)?.links ?? [], actor);
  if (links.length === 0) return undefined;
  return links.slice(0, MOST_LINKS).map(({ id, type }) => (type === undefined ? { id } : { id, type }));
}
