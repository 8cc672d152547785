import { peek, peekText } from '../internal/peek.js';

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
