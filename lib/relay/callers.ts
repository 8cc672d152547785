import { AsyncLocalStorage } from 'node:async_hooks';
import { noteClaims } from '../capture/oauth.js';
import type { Actor, ActorResolver } from '../identity.js';
import { bearerOf, claimsIn } from '../processor/caller.js';
import { chainInClaims } from '../processor/delegation.js';
import { peekText } from '../internal/peek.js';
import type { Introspection } from './introspection.js';
import { valueOf, type RawHeaders } from './headers.js';

/** Who sent a request over HTTP, as far as its headers tell. Kept in memory alone. */
export interface Caller {
  readonly authorization: string | undefined;
  readonly actor: Actor | undefined;
  /** What the authorization server says of the token, where it was asked. */
  readonly verified?: object;
}

const callers = new AsyncLocalStorage<Caller>();

/**
 * Who sends a request, by the subject of its token where that is a JWT (RFC 9068). The relay does not verify it: the server does, and
 * `mcp.http_status` on record says whether it took the token. Of an opaque token nobody but the server knows whose it is.
 */
export function callerOf(headers: RawHeaders): Caller {
  const authorization = valueOf(headers, 'authorization');
  const token = bearerOf(authorization);
  return { authorization, actor: token === undefined ? undefined : actorIn(claimsIn(token)) };
}

/**
 * The same, by what the authorization server says of the token. Where it says nothing, the caller is whom the token names, unverified, or
 * nobody where that is not enough.
 */
export async function verifiedCallerOf(headers: RawHeaders, introspection: Introspection): Promise<Caller> {
  const { authorization, actor: claimed } = callerOf(headers);
  const token = bearerOf(authorization);
  const verified = token === undefined ? undefined : await introspection.claimsOf(token);
  if (verified === undefined) return { authorization, actor: introspection.isRequired ? undefined : claimed };
  const actor = actorIn(verified);
  const verifiedBy = peekText(verified, 'iss');
  return {
    authorization,
    actor: actor && { ...actor, ...(verifiedBy !== undefined && { verifiedBy }) },
    verified,
  };
}

function actorIn(claims: unknown): Actor | undefined {
  const { links = [] } = chainInClaims(claims, false) ?? {};
  const [acting, ...behind] = links;
  // Without a subject, a token does not say for whom anybody acts.
  if (acting === undefined || links.at(-1)?.type === undefined) return undefined;
  const subject = behind.at(-1);
  // Whom `act` names acts as an agent of the subject, whatever it is otherwise.
  return subject === undefined
    ? { id: acting.id, ...(acting.type !== undefined && { type: acting.type }) }
    : { id: acting.id, type: acting.type ?? 'agent', onBehalfOf: subject.id };
}

/** Runs what a caller has asked for. */
export function runFor<T>(caller: Caller, run: () => T): T {
  return callers.run(caller, run);
}

/** Notes by what authorization a client's requests go out. */
export function noteAuthorization(transport: object, { authorization, verified }: Caller): void {
  const token = bearerOf(authorization);
  if (token !== undefined) noteClaims(transport, token, verified);
}

/** Names the caller of the request that is under way. */
export const callersActor: ActorResolver = () => callers.getStore()?.actor;
