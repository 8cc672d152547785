import { AsyncLocalStorage } from 'node:async_hooks';
import { bearerOf, claimsIn, noteToken } from '../capture/oauth.js';
import type { Actor, ActorResolver } from '../identity.js';
import { chainInClaims } from '../processor/delegation.js';
import { valueOf, type RawHeaders } from './headers.js';

/** Who sent a request over HTTP, as far as its headers tell. Kept in memory alone. */
export interface Caller {
  readonly authorization: string | undefined;
  readonly actor: Actor | undefined;
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
export function noteAuthorization(transport: object, { authorization }: Caller): void {
  if (authorization !== undefined) noteToken(transport, { headers: { authorization } });
}

/** Names the caller of the request that is under way. */
export const callersActor: ActorResolver = () => callers.getStore()?.actor;
