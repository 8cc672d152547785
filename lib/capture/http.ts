import { subscribe } from 'node:diagnostics_channel';
import { peek, peekText } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { ignore } from './client.js';
import { endpoint, isAuthorizationOf, noteGrant, noteToken } from './transport.js';
import type { RunningOperation } from './operation.js';
import { servedOperation } from './state.js';

const watched = shared('http transports', () => new WeakSet<object>());

type Fetch = (...args: unknown[]) => unknown;

/** The SDKs' HTTP transports send through the first of these, and ask for authorization through either; the AI SDK's have the last. */
const FETCHES = ['_fetch', '_fetchWithInit', 'fetchFn'];

/**
 * Reads the HTTP exchanges of a transport: the status of each response, the scopes that a refusal asks for, and what the exchange
 * with an authorization server tells. The transport's `fetch` gets the same arguments and its response is handed on unchanged. A
 * transport without these properties is left alone.
 */
export function watchHttp(transport: unknown): void {
  if (typeof transport !== 'object' || transport === null || watched.has(transport)) return;
  const url = endpoint(transport);
  if (url === undefined) return;
  watched.add(transport);
  watchSockets();
  for (const name of FETCHES) {
    const own = Object.getOwnPropertyDescriptor(transport, name);
    if (own === undefined || !('value' in own) || own.configurable === false) continue;
    const given: unknown = own.value;
    if (given !== undefined && typeof given !== 'function') continue;
    // Where none was given, the SDK calls the platform's `fetch`, as it is at the time of the call.
    const fetches = (given ?? ((...args: unknown[]) => Reflect.apply(fetch, undefined, args))) as Fetch;
    Reflect.defineProperty(transport, name, { ...own, value: watchFetch(transport, fetches) });
  }
}

function watchFetch(transport: object, fetches: Fetch): Fetch {
  return new Proxy(fetches, {
    apply(target, self, args: unknown[]) {
      const value: unknown = Reflect.apply(target, self, args);
      const running = servedOperation();
      const note = (response: unknown): void => {
        if (isEndpoint(transport, args[0])) {
          noteToken(transport, args[1]);
          if (isRequest(args[1], response) && running?.connection.isOver(transport) === true)
            running.exchanged({ status: Number(peek(response, 'status')), scopes: scopesAskedFor(response) });
        } else if (isAuthorizationOf(transport)) noteGrant(transport, args, response);
      };
      // This handler is the first, so it runs before the SDK goes on. A failure of ours does not reach the SDK.
      if (value instanceof Promise) value.then((response: unknown) => quietly(() => note(response)), ignore);
      return value;
    },
  });
}

/** Runs a look at an exchange: a throw in it would reach the exchange, or end the process. What cannot be read is not on record. */
function quietly(look: () => void): void {
  try {
    look();
  } catch {
    // The exchange goes on.
  }
}

/** Whether a URL is the MCP server's. With v1's SSE transport the server has named it. */
function isEndpoint(transport: object, target: unknown): boolean {
  const url = urlOf(target);
  const own = [endpoint(transport), peek(transport, '_endpoint') ?? peek(transport, 'endpoint')].map(urlOf);
  return url !== undefined && own.includes(url);
}

function urlOf(target: unknown): string | undefined {
  if (target instanceof URL) return target.href;
  return typeof target === 'string' ? target : peekText(target, 'url');
}

/** Whether an exchange carries a request. A server accepts notifications and answers with 202, and a GET opens a stream. */
function isRequest(init: unknown, response: unknown): boolean {
  return peek(init, 'method') === 'POST' && peek(response, 'status') !== 202;
}

/** RFC 6750, section 3: the `scope` of a challenge, separated by spaces. */
const SCOPE = /\bscope\s*=\s*(?:"([^"]*)"|([^\s,"]+))/i;

function scopesAskedFor(response: unknown): readonly string[] | undefined {
  if (peek(response, 'ok') === true) return undefined;
  const headers = peek(response, 'headers');
  const get = peek(headers, 'get');
  return scopesOf(typeof get === 'function' ? Reflect.apply(get, headers, ['www-authenticate']) : undefined);
}

/** The scopes that a challenge (`WWW-Authenticate`) asks for. */
export function scopesOf(challenge: unknown): readonly string[] | undefined {
  const match = typeof challenge === 'string' ? SCOPE.exec(challenge) : null;
  const scopes = (match?.[1] ?? match?.[2] ?? '').split(' ').filter((scope) => scope !== '');
  return scopes.length === 0 ? undefined : scopes;
}

/** The operation that each request of undici was made for. */
const operations = new WeakMap<object, RunningOperation>();

/** By origin, the versions that connections to it have negotiated in this process. */
const negotiated = new Map<string, Set<string>>();
/** At so many origins, all are forgotten. */
const MAX_ORIGINS = 1_000;

let listens = false;

/**
 * Learns which address a request went to, and which version of HTTP the connection to a server speaks: TLS negotiates it, and a response
 * does not show the result. undici, which is also Node's `fetch`, publishes the socket of each request. For other HTTP clients both stay
 * unknown.
 *
 * @see https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 */
function watchSockets(): void {
  if (listens) return;
  listens = true;
  subscribe('undici:request:create', (message) => quietly(() => noteRequest(message)));
  subscribe('undici:client:sendHeaders', (message) => quietly(() => noteSocket(message)));
  // For HTTP/2, undici does not say which socket a request took.
  subscribe('undici:client:connected', (message) => quietly(() => noteConnected(message)));
  subscribe('undici:request:headers', (message) => quietly(() => noteResponse(message)));
}

/** undici publishes this in the asynchronous context of the sender. */
function noteRequest(message: unknown): void {
  const request = peek(message, 'request');
  const running = servedOperation();
  if (running === undefined || typeof request !== 'object' || request === null) return;
  // An operation may also ask an authorization server, and that is another server.
  if (String(peek(request, 'origin')) === running.connection.origin) operations.set(request, running);
}

function operationOf(message: unknown): RunningOperation | undefined {
  const request = peek(message, 'request');
  return typeof request === 'object' && request !== null ? operations.get(request) : undefined;
}

function noteConnected(message: unknown): void {
  const params = peek(message, 'connectParams');
  const version = versionOf(peek(message, 'socket'));
  if (version === undefined) return;
  const origin = `${String(peek(params, 'protocol'))}//${String(peek(params, 'host'))}`;
  if (negotiated.size >= MAX_ORIGINS) negotiated.clear();
  negotiated.set(origin, (negotiated.get(origin) ?? new Set()).add(version));
}

/** Where all connections to an origin negotiated the same version, its responses came by that version. */
function noteResponse(message: unknown): void {
  const running = operationOf(message);
  const [version, ...others] = negotiated.get(running?.connection.origin ?? '') ?? [];
  if (running !== undefined && version !== undefined && others.length === 0)
    running.connection.negotiatedHttp ??= version;
}

function noteSocket(message: unknown): void {
  const running = operationOf(message);
  if (running === undefined) return;
  const { connection } = running;
  const socket = peek(message, 'socket');
  const version = versionOf(socket);
  if (version !== undefined) connection.negotiatedHttp = version;
  const address = peekText(socket, 'remoteAddress');
  const port = peek(socket, 'remotePort');
  if (address === undefined || (connection.peer?.address === address && connection.peer.port === port))
    return;
  connection.peer = { address, port: typeof port === 'number' ? port : undefined };
}

/** A server that takes no part in the negotiation (`alpnProtocol` is false) speaks HTTP/1.1. */
function versionOf(socket: unknown): string | undefined {
  if (peek(socket, 'encrypted') !== true) return undefined;
  const protocol = peek(socket, 'alpnProtocol');
  if (protocol === 'h2') return '2';
  return protocol === 'http/1.1' || protocol === false ? '1.1' : undefined;
}
