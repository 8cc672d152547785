import { SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { methodName } from '../operations/table.js';
import { released } from './approval.js';
import { standIn, type Method } from './client.js';
import type { Connection } from './connection.js';
import type { RunningOperation } from './operation.js';
import { sendNotification } from './notifications.js';
import { sendAnswer } from './pending.js';
import { withTraceFields } from './propagation.js';
import { activeOperation, audienceOf, runSending, sendingOperation } from './state.js';

/** Our stand-ins for the `send` of transports, and which of them has first seen a message. */
const watched = shared('transports', () => ({
  sends: new WeakSet<object>(),
  /** Transports that show another function than the one that was set: a Proxy that binds its methods, for example. */
  opaque: new WeakSet<object>(),
  seenBy: new WeakMap<object, object>(),
  /** The connection that goes over a transport now. */
  connections: new WeakMap<object, WeakRef<Connection>>(),
  /** Messages that were counted: a transport that has logged in sends what was refused again. */
  counted: new WeakSet<object>(),
}));

/**
 * Wraps a transport's `send`, which every outgoing message passes: the id of a request is read here, the trace context is added to
 * it, and the client's answers to its server are seen. A `send` that its owner has replaced since is wrapped again.
 *
 * @returns Whether all outgoing messages are seen. False for a frozen transport.
 */
export function watchTransport(transport: unknown): boolean {
  if (typeof transport !== 'object' || transport === null) return true;
  const send = peek(transport, 'send');
  if (typeof send !== 'function') return false;
  if (watched.sends.has(send) || watched.opaque.has(transport)) return true;
  const proceed = send as Method;
  const value: object = standIn(proceed, function (message, ...rest) {
    const operation = senderOf(message);
    // An owner's `send` may stand between two of ours: each message counts at the first alone.
    if (!isFirst(message, operation, value)) return Reflect.apply(proceed, this, [message, ...rest]);
    let prepared: unknown;
    try {
      prepared = prepare(transport, message, operation);
    } catch (refusal) {
      // As a transport fails: the client then ends the call and forgets it.
      return Promise.reject(refusal as Error);
    }
    notePassage(transport, { message, prepared, operation, stand: value });
    // A request that the transport makes through the same client, for a token say, is no part of the operation that it sends for.
    const send = (given: unknown): unknown =>
      runSending(operation, () => Reflect.apply(proceed, this, [given, ...rest]));
    if (peek(message, 'method') === undefined) return sendAnswer(transport, message, send);
    const connection = peek(message, 'id') === undefined ? connectionOf(transport) : undefined;
    return connection === undefined
      ? send(prepared)
      : sendNotification(connection, message, () => send(prepared));
  });
  const own = Object.getOwnPropertyDescriptor(transport, 'send');
  const descriptor = { value, configurable: true, writable: true, enumerable: own?.enumerable ?? false };
  if (!Reflect.defineProperty(transport, 'send', descriptor)) return false;
  watched.sends.add(value);
  // Otherwise each call would wrap it once more.
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

/** The operation that a message is sent for. A transport may send it again later, when it has been authorized, for example. */
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

/** Notes that messages over a transport belong to a connection from now on. */
export function connectionOver(transport: unknown, connection: Connection): void {
  if (typeof transport !== 'object' || transport === null) return;
  if (watched.connections.get(transport)?.deref() !== connection)
    watched.connections.set(transport, new WeakRef(connection));
}

function connectionOf(transport: object): Connection | undefined {
  return watched.connections.get(transport)?.deref();
}

/** Counts an outgoing request for each log that records the client. */
function countRequest(transport: object, message: object, operation: RunningOperation | undefined): void {
  const connection = connectionOf(transport);
  // On the side of the server, what counts is what the client sends: it is counted where it arrives.
  if (connection === undefined || connection.side === 'server') return;
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
  const over = operation === activeOperation() ? transport : undefined;
  const passing =
    typeof message === 'object' && message !== null ? released(operation, message, over) : message;
  // A transport may send through another client, whose request is made in this context.
  if (!operation.connection.isOver(transport) || typeof message !== 'object' || message === null)
    return passing;
  const method = peek(message, 'method');
  const id = peek(message, 'id');
  if (method === undefined || id === undefined) return passing;
  operation.aboutToSend();
  operation.sent({ request_id: String(id), method: methodName(method) });
  if (method === 'initialize') operation.connection.sawInitializeParams(peek(message, 'params'));
  return withTraceFields(operation, passing as object);
}

/** The connection that learns of a transport's end. It changes, since a transport may serve one session after another. */
interface Watch {
  connection: Connection;
  ended: () => void;
}

const watches = shared('ends', () => new WeakMap<object, Watch>());

/**
 * Calls back when the transport of a connection ends: its owner calls `close()`, or it calls `onclose`. The SDK's client knows of
 * `onclose` alone, and no longer once an application has set another function. Safe to call for every operation of the connection.
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

/** Watches the transport's `close()`. Where the client itself calls it, the logout is recorded already. */
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

/** Watches `onclose`. A function that the application sets later is called, and the end is noted after it. */
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

/** Defines a property as enumerable as it was. A frozen transport stays as it is. */
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
