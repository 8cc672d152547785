import { AsyncLocalStorage } from 'node:async_hooks';
import { bearerOf, claimsIn, noteSubject, noteToken } from '../capture/oauth.js';
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
  return { authorization, actor: token === undefined ? undefined : subjectOf(claimsIn(token)) };
}

function subjectOf(claims: unknown): Actor | undefined {
  const id = peekText(claims, 'sub');
  if (id === undefined || id.trim() === '') return undefined;
  // RFC 9068, section 2.2: where no user is involved, the subject is the client.
  const isClient = id === peekText(claims, 'client_id') || id === peekText(claims, 'azp');
  return { id, type: isClient ? 'service' : 'user' };
}

/** Runs what a caller has asked for. */
export function runFor<T>(caller: Caller, run: () => T): T {
  return callers.run(caller, run);
}

/** Notes by what authorization a client's requests go out. */
export function noteAuthorization(transport: object, { authorization, actor }: Caller): void {
  if (authorization !== undefined) noteToken(transport, { headers: { authorization } });
  if (actor !== undefined) noteSubject(transport, actor.id);
}

/** Names the caller of the request that is under way. */
export const callersActor: ActorResolver = () => callers.getStore()?.actor;
