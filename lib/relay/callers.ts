import { AsyncLocalStorage } from 'node:async_hooks';
import { actorsIn, bearerOf, claimsIn, noteToken } from '../capture/oauth.js';
import type { Actor, ActorResolver } from '../identity.js';
import { peekText } from '../internal/peek.js';
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
  const id = peekText(claims, 'sub');
  if (id === undefined || id.trim() === '') return undefined;
  // RFC 8693, section 4.1: where the token says who acts for its subject, that is the actor.
  const acting = actorsIn(claims)?.[0];
  if (acting !== undefined) return { id: acting, type: 'agent', onBehalfOf: id };
  // RFC 9068, section 2.2: where no user is involved, the subject is the client.
  const isClient = id === peekText(claims, 'client_id') || id === peekText(claims, 'azp');
  return { id, type: isClient ? 'service' : 'user' };
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
