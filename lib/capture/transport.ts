import { peek, peekText } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { bearerOf, claimsIn, oauthInClaims, present, scopesIn } from '../processor/caller.js';
import { chainInClaims, type ActorChain } from '../processor/delegation.js';
import type { McpOAuth } from '../schema/record.js';
import { ignore } from './client.js';

/** The SDK's HTTP and web socket transports keep the URL they dial in `_url`, the AI SDK's in `url`; there is no public way to ask. */
export function endpoint(transport: unknown): URL | undefined {
  const url = peek(transport, '_url') ?? peek(transport, 'url');
  return url instanceof URL ? url : undefined;
}

/** How a server was started, as the SDK's stdio transport keeps it, and the AI SDK's. */
export function serverParams(transport: unknown): unknown {
  return peek(transport, '_serverParams') ?? peek(transport, 'serverParams');
}

/** The port of a URL, also where it is its scheme's own. */
export function portOf({ port, protocol }: URL): number {
  const defaultPort = protocol === 'https:' || protocol === 'wss:' ? 443 : 80;
  return port === '' ? defaultPort : Number(port);
}

/** Methods of HTTP transports, of which each has one: those of clients, and those of servers. */
const STREAMABLE = ['terminateSession', 'startInboundSse', 'handleRequest', 'handleMessage'];

/** Tells transports apart by their members, because a bundler may have changed the names of their classes. */
export function transportKind(transport: unknown): string | undefined {
  if (typeof transport !== 'object' || transport === null) return undefined;
  if (typeof peek(serverParams(transport), 'command') === 'string') return 'stdio';
  const has = (name: string) => typeof peek(transport, name) === 'function';
  if (has('handlePostMessage')) return 'sse';
  if (STREAMABLE.some(has)) return 'streamable-http';
  if (peek(transport, '_stdin') !== undefined && peek(transport, '_stdout') !== undefined) return 'stdio';
  const protocol = endpoint(transport)?.protocol;
  if (protocol?.startsWith('ws') === true) return 'websocket';
  if (protocol?.startsWith('http') === true) return 'sse';
  if (Reflect.has(transport, '_otherTransport')) return 'in-memory';
  return peekText(peek(transport, 'constructor'), 'name');
}

/** What is known of a client's authorization, and the token that it was last read from. */
interface Known {
  readonly facts: McpOAuth;
  readonly token?: string;
  /** What the authorization server says of that token. */
  readonly verified?: object | undefined;
  /** Who acts for whom, by that token. */
  readonly chain?: ActorChain | undefined;
}

/** By the caller's provider of tokens, since a login may take a second transport; without a provider by transport. */
const known = shared('authorizations', () => new WeakMap<object, Known>());

/**
 * Where transports keep the provider of tokens: v1 in the second, v2 in the first beside an adapter of its own in the second, the AI
 * SDK's in the third.
 */
const PROVIDERS = ['_oauthProvider', '_authProvider', 'authProvider'];

function keyOf(transport: object): object {
  for (const name of PROVIDERS) {
    const provider = peek(transport, name);
    if (typeof provider === 'object' && provider !== null) return provider;
  }
  return transport;
}

/** Whether a transport has a provider of tokens. */
export function isAuthorizationOf(transport: object): boolean {
  return keyOf(transport) !== transport;
}

/** What is known of the authorization that a transport's requests carry. */
export function authorizationOf(transport: unknown): McpOAuth | undefined {
  const facts = knownOf(transport)?.facts;
  return facts === undefined || Object.keys(facts).length === 0 ? undefined : facts;
}

/** Who acts for whom, by the token that a transport's requests carry. */
export function tokenChainOf(transport: unknown): ActorChain | undefined {
  return knownOf(transport)?.chain;
}

function knownOf(transport: unknown): Known | undefined {
  return typeof transport === 'object' && transport !== null ? known.get(keyOf(transport)) : undefined;
}

function learn(transport: object, facts: McpOAuth): void {
  const key = keyOf(transport);
  const before = known.get(key);
  known.set(key, { ...before, facts: { ...before?.facts, ...facts } });
}

/** Keeps what a token says of itself, and forgets the person whom an earlier token named. */
function learnToken(transport: object, token: string, others: McpOAuth = {}, verified?: object): void {
  const key = keyOf(transport);
  const { subject: _, subject_identity: __, actors: ___, ...before } = known.get(key)?.facts ?? {};
  const claims = verified ?? claimsIn(token);
  const isVerified = verified !== undefined;
  const facts = { ...before, ...others, ...oauthInClaims(claims, isVerified) };
  known.set(key, { facts, token, verified, chain: chainInClaims(claims, isVerified) });
}

/**
 * Notes the token of a request that passes by.
 *
 * @param verified what the authorization server says of it. Default: what the token says of itself.
 */
export function noteClaims(transport: object, token: string, verified?: object): void {
  const before = known.get(keyOf(transport));
  if (before?.token !== token || before.verified !== verified) learnToken(transport, token, {}, verified);
}

/**
 * Reads the claims of a request's bearer token where it is a JWT (RFC 9068: `iss`, `client_id`, `scope`, `sub`; RFC 8693: `act`), without
 * verifying it. Opaque tokens have none. No part of the token itself goes on record. What the authorization server has said of the same token
 * stays.
 */
export function noteToken(transport: object, init: unknown): void {
  const token = bearerOf(headerOf(init, 'authorization'));
  if (token !== undefined && knownOf(transport)?.token !== token) learnToken(transport, token);
}

/**
 * Reads what an exchange with an authorization server tells: its metadata (RFC 8414: `issuer`), and a request for a token and
 * its answer (RFC 6749: `client_id`, `scope`). Bodies are read as the SDK reads them, once.
 */
export function noteGrant(transport: object, [target, init]: readonly unknown[], response: unknown): void {
  const url = target instanceof URL ? target.href : String(target);
  if (peek(response, 'ok') !== true) return;
  if (/\/\.well-known\/(?:oauth-authorization-server|openid-configuration)/.test(url)) {
    whenRead(response, (metadata) => learn(transport, present({ issuer: peekText(metadata, 'issuer') })));
    return;
  }
  const body = peek(init, 'body');
  const form = new URLSearchParams(
    body instanceof URLSearchParams ? body : typeof body === 'string' ? body : '',
  );
  if (!form.has('grant_type')) return;
  const asked = present({
    client_id: form.get('client_id') ?? basicUser(headerOf(init, 'authorization')),
    scopes: scopesIn(form.get('scope')),
  });
  whenRead(response, (grant) => {
    const token = peekText(grant, 'access_token');
    const scopes = scopesIn(peek(grant, 'scope'));
    const granted = { ...asked, ...(scopes && { scopes }) };
    if (token === undefined) learn(transport, granted);
    else learnToken(transport, token, granted);
  });
}

/** Passes on what the response's `json()` gives its caller: a body can be read only once, and this one is the SDK's. */
function whenRead(response: unknown, hear: (body: unknown) => void): void {
  const json = peek(response, 'json');
  if (typeof json !== 'function' || typeof response !== 'object' || response === null) return;
  const value = function (this: unknown, ...args: unknown[]): unknown {
    const reading: unknown = Reflect.apply(json, this, args);
    if (reading instanceof Promise) reading.then(hear, ignore).catch(ignore);
    return reading;
  };
  Reflect.defineProperty(response, 'json', { value, configurable: true, writable: true });
}

function headerOf(init: unknown, name: string): string | undefined {
  const headers = peek(init, 'headers');
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  if (typeof headers !== 'object' || headers === null) return undefined;
  const entry = Object.entries(headers).find(([key]) => key.toLowerCase() === name);
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}

/** RFC 6749, section 2.3.1: the client's id is the user of HTTP Basic, encoded as in a form. */
function basicUser(header: string | undefined): string | undefined {
  const encoded = /^Basic (\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const user = Buffer.from(encoded, 'base64').toString().split(':')[0] ?? '';
  return new URLSearchParams(`user=${user}`).get('user') ?? undefined;
}
