import { SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { operationFor } from '../operations/table.js';
import type { Handling } from '../processor/served.js';
import type { Method } from './client.js';
import { Connection, sideOf } from './connection.js';
import { during, exchangeIn } from './propagation.js';
import { activeOperation, audienceOf, type ClientState } from './state.js';
import { connectionOver, watchTransport } from './outgoing.js';
import { INTERNALS, operationWrapper, requestWrapper, type LevelWrapper } from './wrappers.js';
import { FUNNEL } from './call.js';

/** Methods that every version of the SDK's `Server` has, and other servers do not have all of. */
const SERVER_METHODS = [
  ...['connect', 'close', 'request', 'notification', 'setRequestHandler'],
  ...['getClientVersion', 'getClientCapabilities', 'createMessage', '_onrequest'],
];

/** Whether this is the SDK's `Server`, its prototype, or one derived from it. */
export function isServer(server: object): boolean {
  return (
    sideOf(server) === 'server' && SERVER_METHODS.every((name) => typeof peek(server, name) === 'function')
  );
}

/** Whether this is the SDK's `McpServer`, its prototype, or one derived from it. It holds a `Server`, which the requests go to. */
export function isMcpServer(server: object): boolean {
  return ['connect', 'close', 'isConnected', 'sendToolListChanged'].every(
    (name) => typeof peek(server, name) === 'function',
  );
}

/** The server that requests go to: that of an `McpServer`, or the given one. */
export function servingOf(server: object): object | undefined {
  if (isServer(server)) return server;
  const inner = peek(server, 'server');
  return isMcpServer(server) && typeof inner === 'object' && inner !== null && isServer(inner)
    ? inner
    : undefined;
}

/** A server begins to serve a transport: from now on its requests come over this connection. */
const connectWrapper: LevelWrapper = (original) =>
  function (...args) {
    const [transport] = args;
    const state = audienceOf(this)?.state;
    const proceed = () => Reflect.apply(original, this, args);
    if (state === undefined || typeof transport !== 'object' || transport === null) return proceed();
    return serve(state, new Connection(this, transport), proceed);
  };

function serve(state: ClientState, connection: Connection, proceed: () => unknown): unknown {
  const { client, over } = connection;
  const before = state.connection;
  connection.watched = watchTransport(over);
  connectionOver(over, connection);
  watchHandlers(connection);
  state.connection = connection;
  const value = proceed();
  // The SDK refuses a second transport, and the server goes on with the first.
  if (value instanceof Promise)
    value.catch(() => {
      if (state.connection === connection && peek(client, 'transport') !== over) state.connection = before;
    });
  return value;
}

/** A server that closes its connection ends the session. The SDK calls `_onclose` for it, where the end is noted. */
const closeWrapper: LevelWrapper = (original) =>
  function (...args) {
    const connection = audienceOf(this)?.state.connection;
    const proceed = () => Reflect.apply(original, this, args);
    return connection?.open === true ? leaving(connection, 'server', proceed) : proceed();
  };

/** Runs what may end a session, so that its end counts as one in good order, and as that party's. */
function leaving(connection: Connection, by: 'client' | 'server', proceed: () => unknown): unknown {
  if (connection.isLeaving) return proceed();
  Object.assign(connection, { isLeaving: true, endedBy: by });
  const stay = () => {
    if (connection.open) Object.assign(connection, { isLeaving: false, endedBy: undefined });
  };
  let value: unknown;
  try {
    value = proceed();
  } catch (error) {
    stay();
    throw error;
  }
  if (value instanceof Promise) value.then(stay, stay);
  else stay();
  return value;
}

/** Transports whose handlers of HTTP are watched already. */
const watched = new WeakSet<object>();

/** What hands a request over HTTP to a transport: the streamable one, and the older one with server-sent events. */
const HANDLERS = ['handleRequest', 'handlePostMessage'];

/**
 * The exchange over HTTP knows the other end of the socket, which the transport does not pass on. And over HTTP a client ends its session
 * with a DELETE, which the transport answers by itself.
 */
function watchHandlers(connection: Connection): void {
  const transport = connection.over;
  if (transport === undefined || watched.has(transport)) return;
  watched.add(transport);
  for (const name of HANDLERS) {
    const handle = peek(transport, name);
    if (typeof handle !== 'function') continue;
    const own = Object.getOwnPropertyDescriptor(transport, name);
    const value = new Proxy(handle as Method, {
      apply(target, self, args) {
        const exchange = exchangeIn(args);
        const call = (): unknown => Reflect.apply(target, self as object, args);
        const proceed = (): unknown => (exchange === undefined ? call() : during(exchange, call));
        return peek(args[0], 'method') === 'DELETE' && connection.open
          ? leaving(connection, 'client', proceed)
          : proceed();
      },
    });
    Reflect.defineProperty(transport, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: own?.enumerable ?? false,
    });
  }
}

/** The wrappers of a server's methods: what it is asked, and what it asks of its client. */
export const SERVER_WRAPPERS: ReadonlyMap<string, LevelWrapper> = new Map<string, LevelWrapper>([
  ['connect', connectWrapper],
  ['close', closeWrapper],
  ...[
    'createMessage:sampling/createMessage',
    'elicitInput:elicitation/create',
    'listRoots:roots/list',
    'ping:ping',
  ].map((entry): [string, LevelWrapper] => {
    const [name = '', method = ''] = entry.split(':');
    return [name, operationWrapper(operationFor(method))];
  }),
  ['request', requestWrapper],
  [FUNNEL, requestWrapper],
  ...INTERNALS,
]);

/** The call of a tool that this `McpServer` is working on, as far as it runs in its asynchronous context. */
function callAt(
  server: object,
): { handling: Handling | undefined; subject: { toolName?: string | undefined } } | undefined {
  const running = activeOperation();
  const serving = peek(server, 'server');
  const isIts = typeof serving === 'object' && serving !== null && running?.isOf(serving) === true;
  return isIts && running.kind === SpanKind.SERVER && !running.ended ? running : undefined;
}

/** Notes how a step of a call ends. The promise of the step is passed on unchanged. */
const step =
  (
    begun: Handling['state'],
    ended: (reason: unknown, failed: boolean) => Partial<Handling> | undefined,
  ): LevelWrapper =>
  (original) =>
    function (...args) {
      const call = callAt(this);
      if (call !== undefined) call.handling = { ...call.handling, state: begun };
      const value: unknown = Reflect.apply(original, this, args);
      if (call === undefined || !(value instanceof Promise)) return value;
      const note = (failed: boolean) => (reason: unknown) => {
        const facts = ended(reason, failed);
        if (facts !== undefined) call.handling = { state: begun, ...call.handling, ...facts };
      };
      value.then(note(false), note(true));
      return value;
    };

/**
 * The wrappers of `McpServer`: the steps of a tool's call. Without them (old versions lack some) only the detail is missing that they
 * give.
 */
export const MCP_SERVER_WRAPPERS: ReadonlyMap<string, LevelWrapper> = new Map<string, LevelWrapper>([
  ['validateToolInput', step('not_run', (_, failed) => (failed ? { refusal: 'arguments' } : undefined))],
  [
    'executeToolHandler',
    step('running', (thrown, failed) => (failed ? { state: 'threw', thrown } : { state: 'returned' })),
  ],
  ['validateToolOutput', step('returned', (_, failed) => (failed ? { refusal: 'output' } : undefined))],
  [
    'createToolError',
    (original) =>
      function (...args) {
        const call = callAt(this);
        // Where nothing was checked yet, the server refused the call for a reason of its own.
        if (call !== undefined && call.handling === undefined) {
          const isKnown = peek(peek(this, '_registeredTools'), call.subject.toolName ?? '') !== undefined;
          call.handling = { state: 'not_run', refusal: isKnown ? 'other' : 'unknown_tool' };
        }
        return Reflect.apply(original, this, args);
      },
  ],
]);
