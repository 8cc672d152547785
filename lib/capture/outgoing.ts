import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { methodName, operationFor } from '../operations/table.js';
import { judgeError } from '../processor/outcome.js';
import type { Connection } from './connection.js';
import { RunningOperation } from './operation.js';
import { continued, withTraceFields } from './propagation.js';
import { audienceOf, activeOperation, runSending, sendingOperation } from './state.js';
import { shared } from '../internal/shared.js';
import { released } from './tools.js';
import { standIn, type Method } from './client.js';
import { sendAnswer } from './pending.js';

/** Puts an arriving notification on record before it is handled. Its handler does not wait for the record. */
export function notified(client: object, notification: unknown): void {
  const connection = audienceOf(client)?.state.connection;
  const running = connection && begin(connection, notification, 'in');
  running?.finish({ outcome: 'OUTCOME_SUCCESS' });
}

/** Sends a notification, which is on record once the transport has it. */
function sendNotification(connection: Connection, message: unknown, send: () => unknown): unknown {
  const running = begin(connection, message, 'out');
  if (running === undefined) return send();
  let sending: unknown;
  try {
    sending = send();
  } catch (error) {
    running.finish(judgeError(error, { aborted: false }));
    throw error;
  }
  const finish = () => running.finish({ outcome: 'OUTCOME_SUCCESS' });
  if (sending instanceof Promise)
    sending.then(finish, (reason: unknown) => running.finish(judgeError(reason, { aborted: false })));
  else finish();
  return sending;
}

/** Begins the operation of a notification, where a log keeps notifications. */
function begin(connection: Connection, message: unknown, way: 'in' | 'out'): RunningOperation | undefined {
  const audience = audienceOf(connection.client);
  const recorders = audience?.recorders().filter((recorder) => recorder.keepsNotifications) ?? [];
  if (audience === undefined || recorders.length === 0) return undefined;
  const method = methodName(peek(message, 'method'));
  const params = peek(message, 'params');
  const sender = way === 'in' && connection.side === 'client' ? 'The server sent' : 'Sent';
  const operation: Operation = { ...operationFor(method), summary: () => `${sender} ${method}` };
  return new RunningOperation({
    client: connection.client,
    recorders: () => recorders,
    source: audience.source,
    operation,
    params,
    connection,
    kind: way === 'in' ? SpanKind.SERVER : SpanKind.CLIENT,
    parent: way === 'in' ? continued(peek(params, '_meta'), ROOT_CONTEXT) : undefined,
  });
}

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
