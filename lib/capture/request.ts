import { peek } from '../internal/peek.js';
import { methodName, operationFor } from '../operations/table.js';
import { inside, observe } from './call.js';
import { ignore } from './client.js';
import type { Entrance, RunningOperation } from './operation.js';
import { withTraceFields } from './propagation.js';
import { activeOperation } from './state.js';

/** Where all requests of v2 come together: those of `request()`, of `discover()`, of inbound handlers, and later rounds. */
export const FUNNEL = '_requestWithSchemaViaCodec';

/** A request that the client is about to make, by whichever of its methods. */
export interface ObservedRequest {
  readonly client: object;
  readonly entrance: Entrance;
  readonly args: readonly unknown[];
  proceed(this: void, args: readonly unknown[]): unknown;
}

/** Which operation a request was made for: what the server asks in return arrives in a context that does not know. */
const madeFor = new WeakMap<object, RunningOperation>();

/**
 * A request of the client: inside an operation it is that operation's own; made directly it is an operation, whatever its
 * method.
 */
export function observeRequest(call: ObservedRequest): unknown {
  const { client, entrance, args } = call;
  const request = requestOf(call);
  const method = methodName(peek(request, 'method'));
  const outer = activeOperation();
  const params = peek(request, 'params');
  if (outer?.covers(client, method) === true) {
    const isItsOwn = method !== outer.method || outer.asksFor(operationFor(method).subject(params));
    // The same method entered again is a request of its own, except that later rounds of one request enter the funnel anew.
    if (isItsOwn && (entrance.name === FUNNEL || !outer.cameInBy(entrance))) return send(call, outer);
  }
  const proceed = () => {
    const running = activeOperation();
    return running?.covers(client, method) === true ? send(call, running) : call.proceed(args);
  };
  return observe({ client, entrance, operation: operationFor(method), params, args, proceed });
}

function requestOf({ entrance, args }: ObservedRequest): unknown {
  return args[indexOf(entrance)];
}

/** v2's funnel takes the codec of the protocol's era first. */
function indexOf(entrance: Entrance): number {
  return entrance.name === FUNNEL ? 1 : 0;
}

function send(call: ObservedRequest, running: RunningOperation): unknown {
  const request = requestOf(call);
  if (typeof request !== 'object' || request === null) return call.proceed(call.args);
  const hasFunnel = call.entrance.name === FUNNEL || typeof peek(call.client, FUNNEL) === 'function';
  // Only v2 goes on with a request that was answered.
  if (hasFunnel) madeFor.set(request, running);
  const isLast = call.entrance.name === FUNNEL || !hasFunnel;
  const value = isLast && !running.connection.watched ? sendUnseen(call, running) : call.proceed(call.args);
  if (peek(request, 'method') === 'initialize' && value instanceof Promise) {
    value.then((result: unknown) => running.connection.sawInitializeResult(result), ignore);
  }
  return value;
}

/**
 * Over a transport that nobody can watch (a frozen one), the trace context goes into the request itself, and its id is that
 * of the counter which the SDK advances.
 */
function sendUnseen(call: ObservedRequest, running: RunningOperation): unknown {
  const { client, args, entrance, proceed } = call;
  running.aboutToSend();
  const carrying = withTraceFields(running, requestOf(call) as object);
  madeFor.set(carrying, running);
  const nextId = peek(client, '_requestMessageId');
  const value = proceed(args.map((each, index) => (index === indexOf(entrance) ? carrying : each)));
  const wasSent = typeof nextId === 'number' && peek(client, '_requestMessageId') !== nextId;
  if (wasSent) running.sent({ request_id: String(nextId), method: methodName(peek(carrying, 'method')) });
  return value;
}

/**
 * Goes on with an operation that the server answered with `input_required` (v2): the rounds that follow belong to it, though
 * the answer arrived in the transport's context.
 */
export function resume(client: object, request: unknown, proceed: () => unknown): unknown {
  const running = typeof request === 'object' && request !== null ? madeFor.get(request) : undefined;
  const isUnderWay = running !== undefined && !running.ended && running.isOf(client);
  return isUnderWay ? inside(running, proceed) : proceed();
}
