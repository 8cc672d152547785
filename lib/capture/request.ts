import { peek } from '../internal/peek.js';
import { methodName, operationFor } from '../operations/table.js';
import { observe } from './call.js';
import { released } from './approval.js';
import { ignore } from './client.js';
import type { Entrance, RunningOperation } from './operation.js';
import { withTraceFields } from './propagation.js';
import { activeOperation, runIn } from './state.js';

/** The method of v2 that all requests pass: those of `request()`, of `discover()`, of handlers, and later rounds. */
export const FUNNEL = '_requestWithSchemaViaCodec';

/** A request that the client is about to make, through any of its methods. */
export interface ObservedRequest {
  readonly client: object;
  readonly entrance: Entrance;
  readonly args: readonly unknown[];
  proceed(this: void, args: readonly unknown[]): unknown;
}

/** The operation that a request was made for. The context in which the answer arrives does not know it. */
const madeFor = new WeakMap<object, RunningOperation>();

/**
 * Observes a request of the client: inside an operation it can be a part of that operation; made directly it is an operation of its
 * own, with any method.
 */
export function observeRequest(call: ObservedRequest): unknown {
  const { client, entrance, args } = call;
  const request = requestOf(call);
  const method = methodName(peek(request, 'method'));
  const outer = activeOperation();
  const params = peek(request, 'params');
  if (outer?.covers(client, method) === true) {
    const isItsOwn = method !== outer.method || outer.asksFor(operationFor(method).subject(params));
    // A method that is entered again makes another request; only later rounds of one request enter the funnel again.
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

/** The place of the request among the arguments. v2's funnel has the codec of the protocol's era before it. */
function indexOf(entrance: Entrance): number {
  return entrance.name === FUNNEL ? 1 : 0;
}

function send(call: ObservedRequest, running: RunningOperation): unknown {
  const request = requestOf(call);
  if (typeof request !== 'object' || request === null) return call.proceed(call.args);
  const hasFunnel = call.entrance.name === FUNNEL || typeof peek(call.client, FUNNEL) === 'function';
  // Only v2 has later rounds.
  if (hasFunnel) madeFor.set(request, running);
  const isLast = call.entrance.name === FUNNEL || !hasFunnel;
  const value = isLast && !running.connection.watched ? sendUnseen(call, running) : call.proceed(call.args);
  if (peek(request, 'method') === 'initialize' && value instanceof Promise) {
    value.then((result: unknown) => running.connection.sawInitializeResult(result), ignore);
  }
  return value;
}

/**
 * Sends a request over a frozen transport, whose messages are not seen: the trace context goes into the request itself, and the
 * request's id is read from the SDK's counter.
 */
function sendUnseen(call: ObservedRequest, running: RunningOperation): unknown {
  const { client, args, entrance, proceed } = call;
  running.aboutToSend();
  const carrying = withTraceFields(running, released(running, requestOf(call) as object));
  madeFor.set(carrying, running);
  const counter = peek(client, '_requestMessageId') === undefined ? 'requestMessageId' : '_requestMessageId';
  const nextId = peek(client, counter);
  const value = proceed(args.map((each, index) => (index === indexOf(entrance) ? carrying : each)));
  const wasSent = typeof nextId === 'number' && peek(client, counter) !== nextId;
  if (wasSent) running.sent({ request_id: String(nextId), method: methodName(peek(carrying, 'method')) });
  return value;
}

/**
 * Continues the operation of a request that the server answered with `input_required` (v2): later rounds belong to it, although the
 * answer arrived in the transport's context.
 */
export function resume(client: object, request: unknown, proceed: () => unknown): unknown {
  const running = typeof request === 'object' && request !== null ? madeFor.get(request) : undefined;
  const isUnderWay = running !== undefined && !running.ended && running.isOf(client);
  return isUnderWay ? runIn(running, proceed) : proceed();
}
