import { context } from '@opentelemetry/api';
import { SinkError } from '../errors.js';
import { liveRecorders } from '../processor/recorder.js';
import { peek } from './client.js';
import { Connection } from './connection.js';
import type { Operation } from '../operations/operation.js';
import { operationFor } from '../operations/table.js';
import { RunningOperation } from './running.js';
import { currentSource, defaultSource } from './source.js';
import { active, isKnown, recordersOf, stateOf, type ClientState } from './state.js';
import { watchTransport } from './transport.js';

type Call = () => unknown;

/** A call of one of the client's own methods, as the wrapping loop hands it on. */
export interface ObservedCall {
  readonly client: object;
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
  const source = currentSource();
  const listening = source !== undefined || liveRecorders().length > 0 || isKnown(call.client);
  if (!listening) return call.proceed();
  const state = stateOf(call.client);
  const recorders = recordersOf(state);
  if ((source === undefined && recorders.length === 0) || isInner(call, state)) return call.proceed();
  prepareConnection(call, state);
  const running = new RunningOperation({
    client: call.client,
    operation: call.operation,
    params: call.params,
    connection: state.connection,
    recorders,
    source: source ?? defaultSource,
    signal: signalOf(call.args),
  });
  const strict = recorders.filter((recorder) => recorder.needsIntent);
  if (strict.length === 0) return run(running, call.proceed);
  return Promise.all(strict.map((recorder) => recorder.intent(running))).then(
    () => run(running, call.proceed),
    (refusal: unknown) => refuse(running, refusal),
  );
}

/**
 * The client's `request()`: inside an operation it is that operation's own request; used directly it is an operation of its
 * own, whatever the method.
 */
export function observeRequest(client: object, args: readonly unknown[], proceed: Call): unknown {
  const method = peek(args[0], 'method');
  if (typeof method !== 'string') return proceed();
  const outer = active.getStore();
  if (outer !== undefined && !outer.ended && outer.client === client && outer.covers(method)) {
    const value = proceed();
    if (method === 'initialize' && value instanceof Promise) {
      value.then((result: unknown) => outer.connection.sawInitializeResult(result), ignore);
    }
    return value;
  }
  return observe({ client, operation: operationFor(method), params: peek(args[0], 'params'), args, proceed });
}

/**
 * Whether a call is a part of an operation that is already under way: a method that was wrapped at two levels of a class
 * chain is entered twice, and a failed handshake closes the transport inside
 * `connect`, and that is no logout.
 */
function isInner({ client, operation }: ObservedCall, { connection }: ClientState): boolean {
  const outer = active.getStore();
  if (outer !== undefined && !outer.ended && outer.client === client) {
    if (outer.method === 'initialize' || (outer.entering && outer.method === operation.method)) return true;
  }
  return operation.method === 'close' && !connection.open;
}

function prepareConnection({ client, operation, transport }: ObservedCall, state: ClientState): void {
  if (transport !== undefined) state.connection = new Connection(client, transport);
  // Without one, the client may have been wrapped or patched after it had connected.
  watchTransport(transport ?? peek(client, 'transport'));
  if (operation.method === 'close') state.connection.closing = true;
}

function run(running: RunningOperation, proceed: Call): unknown {
  let value: unknown;
  try {
    value = active.run(running, () => context.with(running.context, proceed));
    running.entering = false;
  } catch (reason) {
    // Nobody can be made to wait for a record without turning a synchronous throw into something else.
    running.fail(reason);
    running.complete()?.catch(ignore);
    throw reason;
  }
  if (!(value instanceof Promise)) {
    running.succeed(value);
    running.complete()?.catch(ignore);
    return value;
  }
  return value.then(
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

/** Nothing was sent: the refusal is on record where that is possible, and the caller learns of it. */
function refuse(running: RunningOperation, refusal: unknown): never {
  running.fail(refusal);
  running.complete()?.catch(ignore);
  throw refusal;
}

/** Gives the operation's own outcome to the caller once its record is safe; where it is not, both travel together. */
function afterDelivery(
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

function trackSession({ method, ending, connection }: RunningOperation): void {
  if (method === 'initialize' && ending?.outcome === 'OUTCOME_SUCCESS') connection.open = true;
  if (method === 'close') connection.open = false;
}

/** Request options are the last argument of every method, wherever the SDK's version puts them. */
function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  const signal = peek(args.at(-1), 'signal');
  return signal instanceof AbortSignal ? signal : undefined;
}

/** Failures of delivery that no caller waits for have been reported by the recorder's own `onError`. */
function ignore(): void {
  return;
}
