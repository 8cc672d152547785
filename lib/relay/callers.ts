import { createHash } from 'node:crypto';
import { AsyncLocalStorage } from 'node:async_hooks';
import { deadlineSignal } from '../internal/duration.js';
import { isLoopback } from '../internal/loopback.js';
import { peek, peekText } from '../internal/peek.js';
import { sayOnce } from '../internal/stderr.js';
import { quietly } from '../sinks/sink.js';
import { noteClaims } from '../capture/transport.js';
import type { Actor, ActorResolver } from '../identity.js';
import { bearerOf, claimsIn } from '../processor/caller.js';
import { chainInClaims } from '../processor/delegation.js';
import { valueOf, type RawHeaders } from './headers.js';

/** How long the authorization server may take for its answer, in milliseconds: a request with a new token waits for it. */
const ANSWER_MS = 2_000;
/** How long an answer is believed, at the most: a token may be revoked before it expires (RFC 7662, section 4). */
const BELIEVED_MS = 5 * 60_000;
/** How long no second question is asked about a token of which nothing was learned. */
const PAUSE_MS = 30_000;
/** Answers for so many tokens are kept. */
const MAX_TOKENS = 10_000;
/**
 * So many questions may be asked at once, and so many more each second: whoever can reach the relay can invent tokens, and must not be able
 * to turn it against the authorization server.
 */
const MAX_AT_ONCE = 100;
const MORE_PER_SECOND = 20;

/** Where tokens are asked about (RFC 7662), and by whom. */
export interface IntrospectionSettings {
  readonly endpoint: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Whether nobody acts whom it has not confirmed. */
  readonly isRequired: boolean;
}

interface Kept {
  readonly claims: Promise<object | undefined>;
  /** In ms of the monotonic clock. */
  until: number;
}

/** Asks an authorization server whose a token is, which it alone knows of an opaque one. Keeps no token, but its SHA-256. */
export class Introspection {
  readonly #settings: IntrospectionSettings;
  /** By the hash of the token, in the order in which they were asked about. */
  readonly #kept = new Map<string, Kept>();
  /** How many questions may be asked now. */
  #allowed = MAX_AT_ONCE;
  #allowedAt = performance.now();

  constructor(settings: IntrospectionSettings) {
    this.#settings = settings;
  }

  /** Whether nobody acts whom it has not confirmed. */
  get isRequired(): boolean {
    return this.#settings.isRequired;
  }

  /**
   * What the authorization server says of a token: claims in the names of RFC 7519, `sub` among them where it names anybody.
   * Undefined where the token is not active, where there is no answer, and where too many questions were asked. It never rejects.
   */
  claimsOf(token: string): Promise<object | undefined> {
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#kept.get(hash);
    if (known !== undefined && performance.now() < known.until) return known.claims;
    // Nothing is kept of a token that was not asked about: its next request may ask.
    if (!this.#mayAsk()) return Promise.resolve(undefined);
    const kept: Kept = { claims: this.#ask(token), until: Infinity };
    this.#kept.delete(hash);
    this.#kept.set(hash, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_TOKENS && oldest !== undefined) this.#kept.delete(oldest);
    void kept.claims.then((claims) => (kept.until = performance.now() + lifetimeOf(claims)));
    return kept.claims;
  }

  #mayAsk(): boolean {
    const now = performance.now();
    const earned = ((now - this.#allowedAt) / 1000) * MORE_PER_SECOND;
    this.#allowed = Math.min(MAX_AT_ONCE, this.#allowed + earned);
    this.#allowedAt = now;
    if (this.#allowed < 1) {
      sayOnce(
        `relay: more new tokens than ${MORE_PER_SECOND} a second: ${this.#settings.endpoint.origin} is not asked about all of them, and their actors are not verified`,
      );
      return false;
    }
    this.#allowed--;
    return true;
  }

  async #ask(token: string): Promise<object | undefined> {
    const { endpoint, clientId, clientSecret } = this.#settings;
    try {
      const oauth = await import('oauth4webapi');
      const server = { issuer: endpoint.origin, introspection_endpoint: endpoint.href };
      const client = { client_id: clientId };
      const authentication = oauth.ClientSecretBasic(clientSecret);
      const response = await quietly(() =>
        oauth.introspectionRequest(server, client, authentication, token, {
          signal: deadlineSignal(ANSWER_MS),
          // `http` is allowed only to an address of this machine.
          [oauth.allowInsecureRequests]: isLoopback(endpoint.hostname),
        }),
      );
      const said = await oauth.processIntrospectionResponse(server, client, response);
      return said.active ? withSubject(said, endpoint) : undefined;
    } catch (error) {
      const code =
        peekText(error, 'error') ?? peekText(peek(error, 'cause'), 'code') ?? peekText(error, 'code');
      sayOnce(
        `relay: ${endpoint.origin} does not say whose a token is${code === undefined ? '' : ` (${code})`}; actors are not verified`,
      );
      return undefined;
    }
  }
}

/** The token of a client that acts for itself may have no subject; and an answer need not name its issuer. */
function withSubject(said: object, endpoint: URL): object {
  const subject = peekText(said, 'sub') ?? peekText(said, 'username') ?? peekText(said, 'client_id');
  return { iss: endpoint.origin, ...said, ...(subject !== undefined && { sub: subject }) };
}

function lifetimeOf(claims: object | undefined): number {
  if (claims === undefined) return PAUSE_MS;
  const expires = peek(claims, 'exp');
  const left = typeof expires === 'number' ? expires * 1000 - Date.now() : BELIEVED_MS;
  return Math.max(0, Math.min(left, BELIEVED_MS));
}

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
