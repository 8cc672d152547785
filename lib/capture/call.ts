import { SinkError, type RefusedError } from '../errors.js';
import { peek } from '../internal/peek.js';
import type { Operation } from '../operations/operation.js';
import { Connection } from './connection.js';
import { watchHttp } from './http.js';
import { RunningOperation, type Entrance } from './operation.js';
import { within } from './propagation.js';
import { sessionClosed, sessionOpened, watchEnd } from './session.js';
import { activeOperation, audienceOf, runIn, type ClientState } from './state.js';
import { connectionOver, watchTransport } from './transport.js';

type Call = () => unknown;

/** A call of one of the client's own methods, as the wrapping loop hands it on. */
export interface ObservedCall {
  readonly client: object;
  readonly entrance: Entrance;
  readonly operation: Operation;
  /** The protocol's parameters. */
  readonly params: unknown;
  /** The transport that `connect` was given. */
  readonly transport?: unknown;
  readonly args: readonly unknown[];
  /** Makes the call itself, exactly as it would have been made without us. */
  readonly proceed: Call;
}

/** Runs a call as an operation: a span around it, a record after it. Passes it through where nobody listens. */
export function observe(call: ObservedCall): unknown {
  const running = begin(call);
  if (running === undefined) return call.proceed();
  return whenAdmitted(running, () => settle(running, () => inside(running, call.proceed)));
}

/** Starts the operation that a call is; undefined where nobody listens, and where it is a part of another. */
export function begin(call: ObservedCall): RunningOperation | undefined {
  const audience = audienceOf(call.client);
  if (audience === undefined || isInner(call, audience.state)) return undefined;
  // Field by field here and wherever a call passes: a spread among other fields costs V8 microseconds.
  return new RunningOperation({
    recorders: audience.recorders,
    source: audience.source,
    client: call.client,
    operation: call.operation,
    params: call.params,
    connection: prepareConnection(call, audience.state),
    signal: signalOf(call.args),
    entrance: call.entrance,
  });
}

/** Runs something as a part of an operation, in its context. */
export function inside<T>(running: RunningOperation, run: () => T): T {
  return runIn(running, () => within(running.context, run));
}

/**
 * Whether a call is a part of an operation that is already under way: the SDK's methods call each other, and a method that
 * was wrapped at two levels of a class chain is entered twice. The same wrapper entered again is a call of its own. A
 * failed handshake closes the transport inside `connect`, and that is no logout.
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
    // An open session stays the client's until another has taken its place: connecting once more may well be refused.
    if (!state.connection.open) state.connection = connection;
  }
  // Without one, the client may have been wrapped or patched after it had connected.
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

/** v2 connects without a word to a server whose answer to `server/discover` the caller has kept. */
function hasPriorDiscovery(options: unknown): boolean {
  return peek(peek(options, 'prior'), 'kind') === 'modern';
}

/**
 * Makes the call of an operation that has begun, and ends the operation as the call ends. Whatever can be awaited is, but for
 * callers to whom only a real promise is one.
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
    // Nobody can be made to wait for a record without turning a synchronous throw into something else.
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

/** Gives the operation's own outcome to the caller once its record is safe; where it is not, both travel together. */
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

/** A sink's error may stand for many records of one batch; each caller gets one of its own, with its own outcome. */
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
  // A close that failed and left the transport in place can be tried again, and the session is not over.
  if (succeeded || peek(client, 'transport') === undefined) sessionClosed(connection);
  else connection.closing = false;
}

/**
 * Request options stand last among the arguments, wherever the SDK's version puts them. A signal may be of another realm or of
 * a polyfill, so that its class says nothing.
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
 * Makes a call once every recorder admits it and, in mode `blocking-strict`, its intent is durable. Where nothing has to be
 * waited for, the call is made at once and what it gives is given back as it is; else a promise is.
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
  if (!running.recorders.some((recorder) => recorder.needsIntent)) return go();
  const strict = running.recorders.filter((recorder) => recorder.needsIntent);
  return Promise.all(strict.map((recorder) => recorder.intent(running))).then(go, (refusal: unknown) =>
    refuse(running, refusal),
  );
}

/** Nothing was sent: the refusal is on record where that is possible, and the caller learns of it. */
export function refuse(running: RunningOperation, refusal: unknown): never {
  running.fail(refusal);
  running.completeInBackground();
  throw refusal;
}
