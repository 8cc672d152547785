import { subscribe } from 'node:diagnostics_channel';
import { peek } from './client.js';
import type { RunningOperation } from './running.js';
import { active, sending } from './state.js';

/** The operation that each request of undici was made for. */
const operations = new WeakMap<object, RunningOperation>();

/** By origin, the versions that connections to it have negotiated in this process. */
const negotiated = new Map<string, Set<string>>();
/** Origins that are remembered. */
const MAX_ORIGINS = 1_000;

let listens = false;

/**
 * Learns which version of HTTP a server's own connection speaks. Over TLS that is negotiated, and a response does not say the
 * outcome; undici, which is also Node's `fetch`, shows the socket of each request to those who subscribe. What sends by other
 * means stays unknown.
 *
 * @see https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 */
export function watchHttpVersion(): void {
  if (listens) return;
  listens = true;
  subscribe('undici:request:create', (message) => quietly(() => noteRequest(message)));
  subscribe('undici:client:sendHeaders', (message) => quietly(() => noteSocket(message)));
  // For HTTP/2 undici tells of no request which socket it took.
  subscribe('undici:client:connected', (message) => quietly(() => noteConnected(message)));
  subscribe('undici:request:headers', (message) => quietly(() => noteResponse(message)));
}

/** In the asynchronous context of who sends. */
function noteRequest(message: unknown): void {
  const request = peek(message, 'request');
  const running = sending.getStore() ?? active.getStore();
  if (running === undefined || typeof request !== 'object' || request === null) return;
  // Authorization servers are asked on an operation's behalf as well, and are not the operation's server.
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

/** Where all connections to a server negotiated the same, its answers came by that. */
function noteResponse(message: unknown): void {
  const running = operationOf(message);
  const [version, ...others] = negotiated.get(running?.connection.origin ?? '') ?? [];
  if (running !== undefined && version !== undefined && others.length === 0)
    running.connection.negotiatedHttp ??= version;
}

function noteSocket(message: unknown): void {
  const running = operationOf(message);
  const version = versionOf(peek(message, 'socket'));
  if (running !== undefined && version !== undefined) running.connection.negotiatedHttp = version;
}

/** Where a server chose nothing, it speaks what needs no choice. */
function versionOf(socket: unknown): string | undefined {
  if (peek(socket, 'encrypted') !== true) return undefined;
  const protocol = peek(socket, 'alpnProtocol');
  if (protocol === 'h2') return '2';
  return protocol === 'http/1.1' || protocol === false ? '1.1' : undefined;
}

/** A subscriber that throws would end the process. */
function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // The version stays unknown.
  }
}
