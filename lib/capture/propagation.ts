import { AsyncLocalStorage } from 'node:async_hooks';
import { context, propagation, trace, type Context, type SpanContext } from '@opentelemetry/api';
import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import type { OperationUnderWay } from './connection.js';
import { guarded } from './source.js';

/** The trace that somebody has named in the `_meta` of a request, if it is a valid W3C `traceparent`. */
export function traceparentOf(params: unknown): SpanContext | undefined {
  const named = parseTraceparent(peek(peek(params, '_meta'), 'traceparent'));
  return named && { ...named, isRemote: true };
}

/**
 * The context that an operation begins in. A caller who names another trace in `_meta` will be read by the server as that
 * trace: the record has to carry the ids that are on the wire.
 */
export function parentOf(params: unknown, caller: Context): Context {
  const named = traceparentOf(params);
  if (named === undefined || named.traceId === trace.getSpanContext(caller)?.traceId) return caller;
  return trace.setSpanContext(caller, named);
}

/**
 * A copy of a request (or of a whole JSON-RPC message) with the trace context in `params._meta`, under the propagators' own
 * field names (SEP-414). The caller's objects stay untouched, and what the caller set there wins: a `traceparent` of theirs
 * is not mixed with a `tracestate` of ours.
 */
export function withTraceFields(operation: OperationUnderWay, request: object): object {
  const params = peek(request, 'params');
  const meta = peek(params, '_meta');
  // What is no object that the protocol knows goes out as it is, for the server to refuse.
  if (!isCopyable(params) || !isCopyable(meta) || !propagates(operation)) return request;
  const carrier = traceFields(operation);
  if (meta !== undefined && isSetIn(carrier, meta)) keepOnly(carrier, 'baggage');
  if (isEmpty(carrier)) return request;
  // Copies first, members afterwards: a spread among other members costs V8 several times as much.
  const copy: Record<string, unknown> = { ...request };
  const copied: Record<string, unknown> = { ...params };
  copied['_meta'] = meta === undefined ? carrier : { ...carrier, ...meta };
  copy['params'] = copied;
  return copy;
}

/** Whether the caller has set one of the fields, but for baggage, which is the caller's to add to. */
function isSetIn(carrier: object, meta: object): boolean {
  return Object.keys(carrier).some((key) => key !== 'baggage' && peek(meta, key) !== undefined);
}

function isEmpty(carrier: object): boolean {
  for (const _ in carrier) return false;
  return true;
}

/** Whether a copy of its own enumerable members is the same JSON; one that writes its JSON itself may not be taken apart. */
function isCopyable(value: unknown): value is object | undefined {
  if (value === undefined) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    typeof peek(value, 'toJSON') !== 'function'
  );
}

/** Each who has a say must agree. A function of the user's that throws has not. */
function propagates({ recorders, source, connection }: OperationUnderWay): boolean {
  const address = connection.serverAddress;
  const agrees = (each: { propagatesTo(serverAddress: string | undefined): boolean }) =>
    guarded('propagate', () => each.propagatesTo(address)) === true;
  return agrees(source.settings) && recorders.every(agrees);
}

function traceFields(operation: OperationUnderWay): Record<string, string> {
  const { context: own, connection, source, minted, trace: ids } = operation;
  const carrier: Record<string, string> = {};
  guarded('a propagator', () => {
    const isAllowed = () =>
      guarded('allowBaggage', () => source.settings.allowBaggage(connection.serverAddress)) === true;
    const keepsBaggage = propagation.getBaggage(own) === undefined || isAllowed();
    const injected = keepsBaggage ? own : propagation.deleteBaggage(own);
    // Some propagators (Sentry's) take what they write from the active context and not from the one that they are given.
    if (context.active() === injected) propagation.inject(injected, carrier);
    else context.with(injected, () => propagation.inject(injected, carrier));
    // And some write baggage of their own making.
    if (carrier['baggage'] !== undefined && !isAllowed()) Reflect.deleteProperty(carrier, 'baggage');
  });
  // Without an SDK, or under suppressed tracing, no propagator says anything: the server's log should still be joinable.
  // They are also those of an agent that is no SDK, and are then no longer those of the context that a propagator was given.
  // A propagator that speaks another language (B3, Sentry's) says nothing to servers that read what MCP names, SEP-414.
  const isForeign =
    !minted && carrier['traceparent'] === undefined && Object.keys(carrier).some((key) => key !== 'baggage');
  if (minted || isForeign) {
    const { traceId, spanId, traceFlags } = ids.context;
    carrier['traceparent'] = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }
  return carrier;
}

function keepOnly(carrier: Record<string, string>, kept: string): void {
  for (const key of Object.keys(carrier)) if (key !== kept) Reflect.deleteProperty(carrier, key);
}

/** Carries a context where no context manager is registered, so that what user code audits has its calls as children. */
const scope = shared('scope', () => new AsyncLocalStorage<Context>());

/** The context that an operation begins in. */
export function callerContext(): Context {
  return scope.getStore() ?? context.active();
}

/** Runs a function in a context, with or without a context manager. */
export function within<T>(inner: Context, run: () => T): T {
  return context.with(inner, () => (context.active() === inner ? run() : scope.run(inner, run)));
}

/** W3C Trace Context, section 3.2.2: version 00, trace id, parent id, flags. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A valid W3C `traceparent`, read; undefined for anything else. */
export function parseTraceparent(
  value: unknown,
): { traceId: string; spanId: string; traceFlags: number } | undefined {
  const match = typeof value === 'string' ? TRACEPARENT.exec(value) : null;
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}
