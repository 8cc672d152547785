import { SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { methodName } from '../operations/table.js';
import { standIn, type Method } from './client.js';
import type { Connection } from './connection.js';
import type { RunningOperation } from './operation.js';
import { answered } from './pending.js';
import { withTraceFields } from './propagation.js';
import { activeOperation, audienceOf, runSending, sendingOperation } from './state.js';

/** Our stand-ins for the `send` of transports, and which of them has first seen a message. */
const watched = shared('transports', () => ({
  sends: new WeakSet<object>(),
  /** Transports that show another function than the one that was put there: a Proxy that binds its methods, say. */
  opaque: new WeakSet<object>(),
  seenBy: new WeakMap<object, object>(),
  /** The connection that goes over a transport now. */
  connections: new WeakMap<object, WeakRef<Connection>>(),
  /** Messages that were counted: a transport that has logged in sends what was refused again. */
  counted: new WeakSet<object>(),
}));

/**
 * Wraps a transport's `send`, the one place that every message passes whatever method of the client made it: here the id of
 * a request is seen, here the trace context joins it, and here the client's answers to its server go out.
 *
 * A `send` that its owner has exchanged since is wrapped anew.
 *
 * @returns Whether all that goes out is seen. A frozen transport lets nobody in; where there is none, nothing goes out.
 */
export function watchTransport(transport: unknown): boolean {
  if (typeof transport !== 'object' || transport === null) return true;
  const send = peek(transport, 'send');
  if (typeof send !== 'function') return false;
  if (watched.sends.has(send) || watched.opaque.has(transport)) return true;
  const proceed = send as Method;
  const value: object = standIn(proceed, function (message, ...rest) {
    const operation = senderOf(message);
    // Where its owner has put a `send` around ours, and we one around theirs, each message passes both.
    if (!isFirst(message, operation, value)) return Reflect.apply(proceed, this, [message, ...rest]);
    const prepared = prepare(transport, message, operation);
    notePassage(transport, { message, prepared, operation, stand: value });
    // A request that the transport makes of the same client, for a token say, is no part of the operation that it sends.
    const sent: unknown = runSending(operation, () => Reflect.apply(proceed, this, [prepared, ...rest]));
    if (peek(message, 'method') === undefined) answered(transport, message, sent);
    return sent;
  });
  const own = Object.getOwnPropertyDescriptor(transport, 'send');
  const descriptor = { value, configurable: true, writable: true, enumerable: own?.enumerable ?? false };
  if (!Reflect.defineProperty(transport, 'send', descriptor)) return false;
  watched.sends.add(value);
  // Wrapped at each call, it would get a layer more each time.
  if (peek(transport, 'send') !== value) watched.opaque.add(transport);
  return true;
}

/** A transport that sends a message again (once it has logged in, say) sends it by the same stand-in. */
function isFirst(message: unknown, operation: RunningOperation | undefined, stand: object): boolean {
  if (typeof message !== 'object' || message === null) return true;
  const first = operation?.standOf(message) ?? watched.seenBy.get(message);
  return first === undefined || first === stand;
}

/** A message that goes out, as the SDK gave it and as the transport gets it. */
interface Passage {
  readonly message: unknown;
  readonly prepared: unknown;
  readonly operation: RunningOperation | undefined;
  readonly stand: object;
}

/**
 * Remembers a message by both its objects, and counts a request when it first goes out. An operation knows its own requests: a weak
 * map of all messages costs the garbage collector more than all else that is done here.
 */
function notePassage(transport: object, { message, prepared, operation, stand }: Passage): void {
  if (typeof message !== 'object' || message === null) return;
  const isRequest = peek(message, 'id') !== undefined && peek(message, 'method') !== undefined;
  if (isRequest && operation !== undefined && isLegOf(operation, message)) {
    if (operation.passed(message, prepared as object, stand)) countRequest(transport, message, operation);
    return;
  }
  watched.seenBy.set(message, stand).set(prepared as object, stand);
  if (!isRequest || watched.counted.has(message)) return;
  watched.counted.add(message).add(prepared as object);
  countRequest(transport, message, operation);
}

/** A transport that sends a message once more, when it has been authorized, say, does so for the operation that it sent it for. */
function senderOf(message: unknown): RunningOperation | undefined {
  const running = activeOperation();
  if (running !== undefined) return running;
  const outer = sendingOperation();
  return outer !== undefined && isLegOf(outer, message) ? outer : undefined;
}

function isLegOf({ legs }: RunningOperation, message: unknown): boolean {
  const id = String(peek(message, 'id'));
  return legs.some((leg) => leg.request_id === id);
}

/** From now on, what goes over the transport goes over this connection. */
export function connectionOver(transport: unknown, connection: Connection): void {
  if (typeof transport !== 'object' || transport === null) return;
  if (watched.connections.get(transport)?.deref() !== connection)
    watched.connections.set(transport, new WeakRef(connection));
}

/** Counts a request that goes out, whoever made it, for each log that has to do with the client. */
function countRequest(transport: object, message: object, operation: RunningOperation | undefined): void {
  const connection = watched.connections.get(transport)?.deref();
  if (connection === undefined) return;
  const isItsOwn =
    operation?.connection === connection && operation.kind === SpanKind.CLIENT && !operation.ended;
  const recorders = isItsOwn ? operation.recorders : audienceOf(connection.client)?.recorders();
  if (recorders === undefined || recorders.length === 0) return;
  connection.requests?.sent(
    recorders.map(({ log }) => log),
    String(peek(message, 'id')),
  );
}

/** Notes the id of a request, and gives it the trace context. Notifications and answers pass as they are. */
function prepare(transport: object, message: unknown, operation: RunningOperation | undefined): unknown {
  if (operation === undefined || operation.ended || operation.kind !== SpanKind.CLIENT) return message;
  // Another client's request may be made in this context: by a transport that is built upon it.
  if (!operation.connection.isOver(transport) || typeof message !== 'object' || message === null)
    return message;
  const method = peek(message, 'method');
  const id = peek(message, 'id');
  if (method === undefined || id === undefined) return message;
  operation.aboutToSend();
  operation.sent({ request_id: String(id), method: methodName(method) });
  if (method === 'initialize') operation.connection.sawInitializeParams(peek(message, 'params'));
  return withTraceFields(operation, message);
}

/** What hears of the end of a transport now: a transport may serve one session after another. */
interface Watch {
  connection: Connection;
  ended: () => void;
}

const watches = shared('ends', () => new WeakMap<object, Watch>());

/**
 * Calls back when the transport of a connection ends: its owner calls `close()`, or it reports its end through `onclose`. The
 * SDK's client listens to `onclose` alone, and no longer hears anything once an application has put a function of its own there.
 * Safe to call for every operation of the connection.
 */
export function onTransportEnd(connection: Connection, ended: () => void): void {
  const transport = connection.over;
  if (transport === undefined) return;
  const watch = watches.get(transport);
  if (watch !== undefined) {
    if (watch.connection !== connection) Object.assign(watch, { connection, ended });
    return;
  }
  const added: Watch = { connection, ended };
  watches.set(transport, added);
  watchClose(transport, added);
  watchOnclose(transport, added);
}

/** The client calls the transport's `close()` as well, from its own: that is the client's logout already. */
function watchClose(transport: object, watch: Watch): void {
  const close = peek(transport, 'close');
  if (typeof close !== 'function') return;
  const watched = new Proxy(close as (...args: unknown[]) => unknown, {
    apply(target, self, args) {
      const { connection } = watch;
      const isOwners = !connection.isInTrouble && !isClosedByPeer(transport);
      if (!connection.open || connection.closing || !isOwners) return Reflect.apply(target, self, args);
      connection.isLeaving = true;
      connection.remember();
      const stay = () => (connection.isLeaving = false);
      let closing: unknown;
      try {
        closing = Reflect.apply(target, self, args);
      } catch (error) {
        stay();
        throw error;
      }
      if (closing instanceof Promise) closing.then(() => watch.ended(), stay);
      else watch.ended();
      return closing;
    },
  });
  define(transport, 'close', { value: watched, writable: true });
}

/** The SDK's in-memory transports close each other; the one that was closed first has let go of the other. */
function isClosedByPeer(transport: object): boolean {
  const peer = peek(transport, '_otherTransport');
  return peer !== undefined && peek(peer, '_otherTransport') !== transport;
}

/** A function that the application puts there after the login is called, and the end noted after it. */
function watchOnclose(transport: object, watch: Watch): void {
  const inherited = find(transport, 'onclose');
  let current: unknown = inherited?.value;
  const noticing = (value: unknown): unknown => {
    if (typeof value !== 'function') return value;
    return new Proxy(value as (...args: unknown[]) => unknown, {
      apply(target, self, args) {
        try {
          return Reflect.apply(target, self, args);
        } finally {
          watch.ended();
        }
      },
    });
  };
  define(transport, 'onclose', {
    get: () => (inherited?.get ? (Reflect.apply(inherited.get, transport, []) as unknown) : current),
    set: (value: unknown) => {
      const seen = noticing(value);
      if (inherited?.set) Reflect.apply(inherited.set, transport, [seen]);
      else current = seen;
    },
  });
}

/** Keeps the property as visible as it is; a frozen transport stays as it is. */
function define(transport: object, name: string, descriptor: PropertyDescriptor): void {
  const enumerable = Object.getOwnPropertyDescriptor(transport, name)?.enumerable ?? false;
  Reflect.defineProperty(transport, name, { ...descriptor, enumerable, configurable: true });
}

function find(object: object, name: string): PropertyDescriptor | undefined {
  for (let link: object | null = object; link !== null; link = Object.getPrototypeOf(link) as object | null) {
    const descriptor = Object.getOwnPropertyDescriptor(link, name);
    if (descriptor !== undefined) return descriptor;
  }
  return undefined;
}
