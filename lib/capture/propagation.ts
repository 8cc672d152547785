import {
  createContextKey,
  context,
  propagation,
  trace,
  type Context,
  type SpanContext,
  type TextMapGetter,
} from '@opentelemetry/api';
import { peek, peekText } from '../internal/peek.js';
import { Caller, type CallerSource } from '../processor/caller.js';
import { callerContext, within, isActive, guarded } from './tracing.js';
import { COMMITMENT_KEY } from '../processor/commitments.js';
import { ACTORS_KEY, type Served } from '../processor/delegation.js';
import type { OperationUnderWay } from './connection.js';

/** A request, as one of the kinds of handlers is given it. */
export interface Exchange extends CallerSource {
  readonly request: object;
  /** The response of Node.js, where the handler writes to one; else it returns its answer. */
  readonly response?: object;
  /** Hono's context, which has the answer that later middleware gave. */
  readonly context?: object;
}

/** Finds the request among the arguments of a handler, whatever framework it is of. */
export function exchangeIn(args: readonly unknown[]): Exchange | undefined {
  const [first, second] = args;
  // Express calls a handler of errors with the error first.
  const at = args.findIndex((each, index) => isRequest(each) && isResponse(args[index + 1]));
  if (at !== -1) return nodeExchange(args[at] as object, args[at + 1] as object);
  if (isWebRequest(first)) return webExchange(first, second);
  const inner = peek(first, 'req');
  const raw = peek(inner, 'raw');
  // Hono's context makes a response where its `res` is read before there is one.
  if (isWebRequest(raw)) return { ...webExchange(raw, peek(first, 'env')), context: first as object };
  // Koa's context.
  const outer = isRequest(inner) ? peek(first, 'res') : undefined;
  return isRequest(inner) && isResponse(outer) ? nodeExchange(inner, outer) : undefined;
}

function nodeExchange(request: object, response: object): Exchange {
  return { request, response, headers: peek(request, 'headers'), peer: peerOf(request) };
}

/** @param env where @hono/node-server keeps the request of Node.js. */
function webExchange(request: object, env: unknown): Exchange {
  return { request, headers: peek(request, 'headers'), peer: peerOf(peek(env, 'incoming')) };
}

function peerOf(request: unknown): CallerSource['peer'] {
  const socket = peek(request, 'socket');
  const address = peekText(socket, 'remoteAddress');
  const port = peek(socket, 'remotePort');
  return address === undefined ? undefined : { address, port: typeof port === 'number' ? port : undefined };
}

function isRequest(value: unknown): value is object {
  const isNode = typeof peek(value, 'method') === 'string' && typeof peek(value, 'url') === 'string';
  return isNode && typeof peek(value, 'headers') === 'object' && typeof peek(value, 'on') === 'function';
}

function isResponse(value: unknown): value is object {
  return typeof peek(value, 'writeHead') === 'function' && typeof peek(value, 'once') === 'function';
}

function isWebRequest(value: unknown): value is object {
  const headers = peek(value, 'headers');
  return typeof peek(value, 'url') === 'string' && typeof peek(headers, 'get') === 'function';
}

/** The key under which a context keeps the HTTP exchange that its code serves. */
const EXCHANGE = createContextKey('otel-mcp-log http exchange');

/** Runs what serves a request, so that {@link callerOf} finds it. */
export function during<T>(exchange: Exchange, run: () => T): T {
  return within(callerContext().setValue(EXCHANGE, exchange), run);
}

/**
 * Who sends a request of the protocol, by what the transport of the SDK passes on with it, and by the exchange over HTTP that brought it.
 *
 * @param info `authInfo`, and the headers: v1 has them in `requestInfo`, v2 has the whole `request`, or `req` where a
 * handler is given it.
 * @returns undefined where there is nothing to know, as over stdio.
 */
export function callerOf(info: unknown): Caller | undefined {
  const authInfo = peek(info, 'authInfo');
  const holders = ['requestInfo', 'request', 'req'].map((name) => peek(peek(info, name), 'headers'));
  const passed = holders.find((headers) => headers !== undefined);
  // Where the transport knows of no HTTP, such as one in memory, an exchange around it has brought something else.
  if (authInfo === undefined && passed === undefined) return undefined;
  const exchange = callerContext().getValue(EXCHANGE) as Exchange | undefined;
  return new Caller({ authInfo, headers: passed ?? exchange?.headers, peer: exchange?.peer });
}

/** The trace that the `_meta` of a request names by a valid W3C `traceparent`. */
export function traceparentOf(params: unknown): SpanContext | undefined {
  const named = parseTraceparent(peek(peek(params, '_meta'), 'traceparent'));
  return named && { ...named, isRemote: true };
}

/**
 * The context that an operation begins in. Where the caller has named another trace in `_meta`, the server goes by that one, and so
 * must the record.
 */
export function parentOf(params: unknown, caller: Context): Context {
  const named = traceparentOf(params);
  if (named === undefined || named.traceId === trace.getSpanContext(caller)?.traceId) return caller;
  return trace.setSpanContext(caller, named);
}

/**
 * A copy of a request (or of a whole JSON-RPC message) with the trace context in `params._meta`, under the propagators' own
 * field names (SEP-414), and, where the options say so, with who acts and the commitment to the arguments. The caller's objects stay
 * untouched, and what the caller set there wins: a `traceparent` of theirs is not mixed with a `tracestate` of ours.
 */
export function withTraceFields(operation: OperationUnderWay, request: object): object {
  const params = peek(request, 'params');
  const meta = peek(params, '_meta');
  // A request that breaks the protocol goes out as it is, and the server refuses it.
  if (!isCopyable(params) || !isCopyable(meta)) return request;
  const carrier: Record<string, unknown> = propagates(operation) ? traceFields(operation) : {};
  if (meta !== undefined && isSetIn(carrier, meta)) keepOnly(carrier, 'baggage');
  const actors = actorsToSend(operation);
  if (actors !== undefined) carrier[ACTORS_KEY] = actors;
  const commitment = commitmentToSend(operation);
  if (commitment !== undefined) carrier[COMMITMENT_KEY] = commitment;
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

/** Whether a copy of the object's members gives the same JSON. An object with a `toJSON` is not copied. */
function isCopyable(value: unknown): value is object | undefined {
  if (value === undefined) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    typeof peek(value, 'toJSON') !== 'function'
  );
}

/** Whether the instrumentation and all recorders agree. A function of the user's that throws does not. */
function propagates({ recorders, source, connection }: OperationUnderWay): boolean {
  const address = connection.serverAddress;
  const agrees = (each: { propagatesTo(serverAddress: string | undefined): boolean }) =>
    guarded('propagate', () => each.propagatesTo(address)) === true;
  return agrees(source.settings) && recorders.every(agrees);
}

/** The actors to send to the server: those of the first recorder that may send them, since all recorders know the same ones. */
function actorsToSend(operation: OperationUnderWay): readonly object[] | undefined {
  for (const recorder of operation.recorders) {
    const actors = guarded('propagateActors', () => recorder.actorsFor(operation));
    if (actors !== undefined) return actors;
  }
  return undefined;
}

/** The commitment of the first log that may send one, because a request has room for one only. */
function commitmentToSend(operation: OperationUnderWay): object | undefined {
  for (const recorder of operation.recorders) {
    const commitment = guarded('propagateCommitments', () => recorder.commitmentFor(operation));
    if (commitment !== undefined) return commitment;
  }
  return undefined;
}

function traceFields(operation: OperationUnderWay): Record<string, string> {
  const { context: own, connection, source, minted, trace: ids } = operation;
  const carrier: Record<string, string> = {};
  guarded('a propagator', () => {
    const isAllowed = () =>
      guarded('allowBaggage', () => source.settings.allowBaggage(connection.serverAddress)) === true;
    const keepsBaggage = propagation.getBaggage(own) === undefined || isAllowed();
    const injected = keepsBaggage ? own : propagation.deleteBaggage(own);
    // Some propagators (Sentry's) write the active context instead of the one that they are given.
    if (isActive(injected)) propagation.inject(injected, carrier);
    else context.with(injected, () => propagation.inject(injected, carrier));
    // Some write baggage of their own.
    if (carrier['baggage'] !== undefined && !isAllowed()) Reflect.deleteProperty(carrier, 'baggage');
  });
  // Without an SDK, or under suppressed tracing, no propagator writes ids, and the server's log could not be joined with ours. Ids of
  // an agent without OpenTelemetry are not in the context that a propagator gets. And servers do not read the fields of other
  // propagators (B3, Sentry's): MCP names `traceparent` (SEP-414).
  const isForeign =
    !minted && carrier['traceparent'] === undefined && Object.keys(carrier).some((key) => key !== 'baggage');
  if (minted || isForeign) {
    const { traceId, spanId, traceFlags } = ids.context;
    carrier['traceparent'] = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }
  return carrier;
}

function keepOnly(carrier: object, kept: string): void {
  for (const key of Object.keys(carrier)) if (key !== kept) Reflect.deleteProperty(carrier, key);
}

/**
 * The context of the trace that a request to an MCP server of yours names in `params._meta` (SEP-414), for `context.with`. The
 * configured propagators read it; without an OpenTelemetry SDK, a W3C `traceparent` is read.
 *
 * @param request What a handler of either SDK was given: the request, its `params`, or the second argument (v1's `extra`, v2's `ctx`).
 * @returns the active context where the request names no trace.
 *
 * @example
 * ```ts
 * server.registerTool('order', {}, (extra) =>
 *   tracer.startActiveSpan('order', {}, extractTrace(extra), (span) => placeOrder().finally(() => span.end())),
 * );
 * ```
 */
export function extractTrace(request: unknown): Context {
  return continued(metaOf(request), callerContext());
}

/** A context with the trace that the `_meta` of a request names, or as it was. */
export function continued(meta: unknown, caller: Context): Context {
  if (typeof meta !== 'object' || meta === null) return caller;
  const extracted = guarded('a propagator', () => propagation.extract(caller, meta, READ)) ?? caller;
  // Without an SDK, or with one that reads other fields (B3, Sentry's), no propagator has read `traceparent`.
  if (trace.getSpanContext(extracted) !== trace.getSpanContext(caller)) return extracted;
  return parentOf({ _meta: meta }, extracted);
}

const READ: TextMapGetter<object> = {
  keys: (carrier) => Object.keys(carrier),
  get: (carrier, key) => peekText(carrier, key),
};

/** The `_meta` of a request, wherever a handler is given it. */
function metaOf(request: unknown): object | undefined {
  const holders = [peek(request, 'params'), request, peek(request, 'mcpReq')];
  const metas = holders.map((holder) => peek(holder, '_meta'));
  return metas.find((meta) => typeof meta === 'object' && meta !== null) as object | undefined;
}

/**
 * Runs a function in the trace that a request to an MCP server of yours names, so that what audited clients do meanwhile is on record in
 * the trace of the caller. It needs no OpenTelemetry SDK.
 *
 * Any client can name any trace: use it for callers whose word on that you take. The parties behind the request (by its token, and by its own
 * word) are behind these calls too: `actor_chain` has them.
 *
 * @param request What a handler of either SDK was given, as for {@link extractTrace}.
 * @param run Called at once.
 * @returns what `run` returns.
 *
 * @example
 * ```ts
 * server.registerTool('order', { inputSchema }, ({ item }, extra) =>
 *   continueTrace(extra, async () => {
 *     const { isError } = await stock.callTool({ name: 'reserve', arguments: { item } });
 *     return { content: [{ type: 'text', text: isError ? 'sold out' : 'ordered' }] };
 *   }),
 * );
 * ```
 */
export function continueTrace<T>(request: unknown, run: () => T): T {
  const info = peek(request, 'http') ?? request;
  const served: Served = { caller: callerOf(info), callerMeta: metaOf(request) };
  return within(extractTrace(request).setValue(SERVED, served), run);
}

/** The key under which a context keeps the request that its code serves, which {@link continueTrace} was given. */
const SERVED = createContextKey('otel-mcp-log served request');

/** The request that the code of a context serves. */
export function servedIn(given: Context): Served | undefined {
  return given.getValue(SERVED) as Served | undefined;
}

/** W3C Trace Context, section 3.2.2: version 00, trace id, parent id, flags. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Reads a W3C `traceparent`; undefined where it is not valid. */
export function parseTraceparent(
  value: unknown,
): { traceId: string; spanId: string; traceFlags: number } | undefined {
  const match = typeof value === 'string' ? TRACEPARENT.exec(value) : null;
  if (match === null) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = match;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}
