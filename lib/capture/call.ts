import { SpanKind } from '@opentelemetry/api';
import { SinkError, type RefusedError } from '../errors.js';
import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { approvalOf, released } from './tools.js';
import type { Served } from '../processor/delegation.js';
import { Connection } from './connection.js';
import { callerContext } from './tracing.js';
import { watchHttp } from './http.js';
import { RunningOperation, type Entrance } from './operation.js';
import { servedIn, withTraceFields } from './propagation.js';
import { sessionClosed, sessionOpened, watchEnd } from './session.js';
import { activeOperation, audienceOf, runIn, type ClientState } from './state.js';
import { connectionOver, watchTransport } from './outgoing.js';
import { methodName, operationFor } from '../operations/table.js';
import { ignore } from './client.js';

type Call = () => unknown;

/** A call of one of the client's own methods. */
export interface ObservedCall {
  readonly client: object;
  readonly entrance: Entrance;
  readonly operation: Operation;
  /** The protocol's parameters. */
  readonly params: unknown;
  /** The transport that `connect` was given. */
  readonly transport?: unknown;
  readonly args: readonly unknown[];
  /** Makes the call as the program would have made it without us. */
  readonly proceed: Call;
}

/** Runs a call as an operation: a span around it, a record after it. Where nothing records or traces it, it is just made. */
export function observe(call: ObservedCall): unknown {
  const running = begin(call);
  if (running === undefined) return call.proceed();
  return whenAdmitted(running, () => settle(running, () => runIn(running, call.proceed)));
}

/** Starts the operation of a call. Undefined where nothing records or traces it, and where it is a part of another operation. */
export function begin(call: ObservedCall): RunningOperation | undefined {
  const audience = audienceOf(call.client);
  if (audience === undefined || isInner(call, audience.state)) return undefined;
  // Field by field: a spread among other fields costs V8 microseconds, here and wherever a call passes.
  return new RunningOperation({
    recorders: audience.recorders,
    source: audience.source,
    client: call.client,
    operation: call.operation,
    params: call.params,
    connection: prepareConnection(call, audience.state),
    signal: signalOf(call.args),
    entrance: call.entrance,
    served: servedNow(),
  });
}

/** The request that a server works on, in whose asynchronous context code runs. */
function servedNow(): Served | undefined {
  const running = activeOperation();
  const isServing = running?.side === 'server' && running.kind === SpanKind.SERVER;
  return isServing ? running : servedIn(callerContext());
}

/**
 * Whether a call is a part of an operation that is already under way. The SDK's methods call each other, and a call enters a
 * method twice that is wrapped on two classes of a chain. A call that enters the same wrapper again is an operation of its own.
 * Where a handshake fails, `connect` closes the transport, and this is no logout.
 */
function isInner(call: ObservedCall, { connection }: ClientState): boolean {
  const { client, operation, entrance } = call;
  const outer = activeOperation();
  if (outer?.covers(client, operation.method) === true && !outer.cameInBy(entrance)) {
    if (operation.method !== outer.method || outer.asksFor(operation.subject(call.params))) return true;
  }
  if (operation.method !== 'close') return false;
  const failsToConnect = outer?.method === 'initialize' && outer.isOf(client) && !outer.ended;
  return failsToConnect || !connection.open || connection.closing;
}

function prepareConnection(
  { client, operation, transport, args }: ObservedCall,
  state: ClientState,
): Connection {
  let { connection } = state;
  if (transport !== undefined) {
    connection = new Connection(client, transport);
    connection.resumed = peek(transport, 'sessionId') !== undefined || hasPriorDiscovery(args[1]);
    // The client keeps an open session until another takes its place: the SDK may refuse to connect once more.
    if (!state.connection.open) state.connection = connection;
  }
  // A client that had connected before it was wrapped has a transport that is not watched yet.
  const current = transport ?? peek(client, 'transport');
  connection.watched = watchTransport(current);
  connectionOver(current, connection);
  watchHttp(current);
  if (connection.open) watchEnd(connection);
  if (operation.method === 'close') {
    connection.closing = true;
    connection.remember();
  }
  return connection;
}

/** Whether the caller gives v2 an earlier answer to `server/discover`: then it connects without a request. */
function hasPriorDiscovery(options: unknown): boolean {
  return peek(peek(options, 'prior'), 'kind') === 'modern';
}

/**
 * Makes the call of an operation that has begun, and ends the operation when the call ends. Awaits thenables as well as promises;
 * decorators pass a stricter check, because the `then` of a query builder runs the query.
 */
export function settle(
  running: RunningOperation,
  enter: Call,
  isPending: (value: unknown) => value is PromiseLike<unknown> = isThenable,
): unknown {
  let value: unknown;
  try {
    value = enter();
  } catch (reason) {
    // To wait for the record would turn a synchronous throw into a rejected promise.
    running.fail(reason);
    running.completeInBackground();
    throw reason;
  }
  if (!isPending(value)) {
    running.succeed(value);
    running.completeInBackground();
    return value;
  }
  return (value instanceof Promise ? value : Promise.resolve(value)).then(
    (result: unknown) => {
      running.succeed(result);
      return afterDelivery(running, { status: 'fulfilled', value: result }, () => result);
    },
    (reason: unknown) => {
      running.fail(reason);
      return afterDelivery(running, { status: 'rejected', reason }, () => {
        throw reason;
      });
    },
  );
}

/** Gives the caller the operation's outcome once its record is safe; where it is not, an error that carries both. */
export function afterDelivery(
  running: RunningOperation,
  outcome: PromiseSettledResult<unknown>,
  settle: () => unknown,
): unknown {
  trackSession(running);
  const delivery = running.complete();
  if (delivery === undefined) return settle();
  return delivery.then(settle, (error: unknown) => {
    throw withOutcome(error, outcome);
  });
}

/** One error of a sink may be about all records of a batch: each caller gets an error of its own, with its own outcome. */
function withOutcome(error: unknown, outcome: PromiseSettledResult<unknown>): SinkError {
  const own =
    error instanceof SinkError
      ? new SinkError(error.sink, error.message, { code: error.code, cause: error.cause ?? error })
      : new SinkError('unknown', 'the record could not be delivered', { cause: error });
  own.operation = outcome;
  return own;
}

function trackSession({ method, ending, connection, client }: RunningOperation): void {
  const succeeded = ending?.outcome === 'OUTCOME_SUCCESS';
  if (method === 'initialize' && succeeded) sessionOpened(connection);
  if (method !== 'close') return;
  // A close that failed and left the transport in place can be tried again: the session is not over.
  if (succeeded || peek(client, 'transport') === undefined) sessionClosed(connection);
  else connection.closing = false;
}

/**
 * The caller's signal. Request options are the last of the arguments that has one; their place differs between v1 and v2. A signal
 * is known by its members, since it may be of another realm or of a polyfill.
 */
function signalOf(args: readonly unknown[]): unknown {
  for (let index = args.length - 1; index >= 0; index--) {
    const signal = peek(args[index], 'signal');
    if (typeof peek(signal, 'aborted') === 'boolean') return signal;
  }
  return undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return value instanceof Promise || typeof peek(value, 'then') === 'function';
}

/**
 * Makes a call once every recorder admits it, in mode `blocking-strict` its intent is durable, and it has the approvals that it
 * needs. Returns what the call returns where there is nothing to wait for, and a promise of it otherwise.
 */
export function whenAdmitted(running: RunningOperation, go: () => unknown): unknown {
  const refusal = refusalOf(running);
  if (refusal === undefined) return whenIntended(running, go);
  return Promise.resolve(refusal).then((error) =>
    error === undefined ? whenIntended(running, go) : refuse(running, error),
  );
}

/** Why an operation must not be made. A session can always be closed: refusing that would only keep it open. */
export function refusalOf(
  running: RunningOperation,
): RefusedError | Promise<RefusedError | undefined> | undefined {
  if (running.method === 'close') return undefined;
  for (const recorder of running.recorders) {
    const refusal = recorder.admit(running);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function whenIntended(running: RunningOperation, go: () => unknown): unknown {
  if (!running.recorders.some((recorder) => recorder.needsIntent)) return whenApproved(running, go);
  const strict = running.recorders.filter((recorder) => recorder.needsIntent);
  return Promise.all(strict.map((recorder) => recorder.intent(running))).then(
    () => whenApproved(running, go),
    (refusal: unknown) => refuse(running, refusal),
  );
}

/** The last check before the wire, because an approval may take minutes, and all else may change meanwhile. */
function whenApproved(running: RunningOperation, go: () => unknown): unknown {
  const approval = approvalOf(running);
  if (approval === undefined) return go();
  return approval.then((refusal) => (refusal === undefined ? go() : refuse(running, refusal)));
}

/** Ends an operation of which nothing was sent: records the refusal where that is possible, and throws it. */
export function refuse(running: RunningOperation, refusal: unknown): never {
  running.fail(refusal);
  running.completeInBackground();
  throw refusal;
}

/** The method of v2 that all requests pass: those of `request()`, of `discover()`, of handlers, and later rounds. */
export const FUNNEL = '_requestWithSchemaViaCodec';

/** A request that the client is about to make, through any of its methods. */
interface ObservedRequest {
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
