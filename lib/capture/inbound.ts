import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { peek, peekCall } from '../internal/peek.js';
import { methodName, operationFor } from '../operations/table.js';
import { whenAdmitted } from './call.js';
import { ignore, standIn, type Method, type Wrapper } from './client.js';
import type { Connection } from './connection.js';
import { callerContext } from './tracing.js';
import { callerOf, continued, traceparentOf } from './propagation.js';
import { RunningOperation, type Start } from './operation.js';
import { asked, decide, dispatch, reject } from './pending.js';
import { sessionOpened, sessionResumed } from './session.js';
import { activeOperation, audienceOf, runIn } from './state.js';
import { watchTransport } from './outgoing.js';

type Place = Pick<Start, 'parent' | 'links'>;

/** Requests that have an operation already: two classes of a chain may be wrapped. */
const seen = new WeakSet<object>();

/** JSON-RPC 2.0, section 5.1: internal error. */
const INTERNAL_ERROR = -32603;

/**
 * A request of the other side is an operation too: what a server asks of its client, and all that clients ask of a server. It lasts until
 * the answer is sent, the other side cancels the request or the connection closes. A client does not record a `ping` of its server.
 * Handlers run outside of the operation in whose asynchronous context the request arrives: a request that a handler makes is an
 * operation of its own.
 */
export const observeInbound: Wrapper = (original) =>
  function (...args) {
    const proceed = () => Reflect.apply(original, this, args);
    // The second one is what the transport knows of the request: over HTTP its headers, and by whose token it came (`authInfo`).
    const [request, info] = args;
    const transport = peek(this, 'transport');
    if (typeof transport !== 'object' || transport === null) return runIn(undefined, proceed);
    const running = begin(this, request, (connection) => placeOf(connection, peek(request, 'params')), info);
    if (running === undefined) return seen.has(request as object) ? proceed() : runIn(undefined, proceed);
    running.connection.watched = watchTransport(transport);
    running.sent({ request_id: String(peek(request, 'id')), method: running.method });
    asked(transport, peek(request, 'id'), running);
    const serve = (): void => {
      dispatch(running, () => runIn(running, proceed));
      noticeDrop(this, request, running);
    };
    const admission = whenAdmitted(running, () => undefined);
    if (!(admission instanceof Promise)) serve();
    else if (!serveHeld(this, { running, admission, serve }))
      admission.then(serve).catch(() => turnAway(transport, request, running.side));
    return undefined;
  };

/** In the modern era of v2, the client drops such requests without an answer. */
function noticeDrop(client: object, request: unknown, running: RunningOperation): void {
  const handling = peek(client, UNDER_WAY);
  if (running.ended || peekCall(client, 'getProtocolEra') !== 'modern') return;
  if (!(handling instanceof Map) || handling.has(peek(request, 'id'))) return;
  const message = 'the client takes no requests in this version of the protocol';
  running.finish({ outcome: 'OUTCOME_FAILURE_ERROR', error: { type: 'not_served', message } });
}

/** A request that must wait before its handler may run, and what hands it to the SDK. */
interface Held {
  readonly running: RunningOperation;
  readonly admission: Promise<unknown>;
  readonly serve: () => void;
}

/**
 * Hands a request to the SDK at once, and has its handler alone wait for the admission. So the SDK refuses what no handler takes while the
 * transport still hands the request over, which is when v2's transport gives such a refusal its HTTP status (404, 400); and it learns
 * of a cancellation during the wait. The handler that waits stands in the SDK's map only while the SDK looks for it.
 *
 * @returns Whether that could be done. False for a client or a server that keeps its handlers in another way.
 */
function serveHeld(server: object, { running, admission, serve }: Held): boolean {
  const handlers = peek(server, '_requestHandlers');
  // The relay's client has such a map too, but its `_onrequest` itself passes a request on, and that must wait.
  if (!(handlers instanceof Map && peek(server, UNDER_WAY) instanceof Map)) return false;
  const hold = (handler: Method): Method =>
    function (...args) {
      return admission.then(
        () => {
          // The other side has cancelled the request, or the connection is gone: the record says that it did not run.
          if (running.ended) throw refusalFrom(running.side);
          return Reflect.apply(handler, this, args);
        },
        () => {
          throw refusalFrom(running.side);
        },
      );
    };
  const handler: unknown = handlers.get(running.method);
  const fallback = Object.getOwnPropertyDescriptor(server, FALLBACK);
  // Where the SDK refuses the request, no handler tells of a refusal.
  admission.catch(ignore);
  if (typeof handler === 'function') {
    handlers.set(running.method, hold(handler as Method));
    try {
      serve();
    } finally {
      handlers.set(running.method, handler);
    }
  } else if (typeof fallback?.value === 'function') {
    Reflect.defineProperty(server, FALLBACK, { ...fallback, value: hold(fallback.value as Method) });
    try {
      serve();
    } finally {
      Reflect.defineProperty(server, FALLBACK, fallback);
    }
  } else serve();
  return true;
}

/** Where both SDKs keep what cancels the requests whose handlers run. */
const UNDER_WAY = '_requestHandlerAbortControllers';

/** The handler that the SDK gives requests to that have none of their own. */
const FALLBACK = 'fallbackRequestHandler';

/** What the other side is answered where a request was refused, or its intent could not be put on record. */
function refusalFrom(side: 'client' | 'server'): Error & { code: number } {
  return Object.assign(new Error(`the ${side} cannot answer now`), { code: INTERNAL_ERROR });
}

/** Answers a request with that error. */
function turnAway(transport: object, request: unknown, side: 'client' | 'server'): void {
  const { code, message } = refusalFrom(side);
  const error = { code, message };
  const send = peek(transport, 'send');
  if (typeof send !== 'function') return;
  const answer = { jsonrpc: '2.0', id: peek(request, 'id'), error };
  Promise.resolve(Reflect.apply(send, transport, [answer])).catch(ignore);
}

/** In v2's modern era, the result of a client's request holds the server's requests, and the client's next request their answers. */
export const observeEmbedded: Wrapper = (original) =>
  function (...args) {
    const handler: unknown = Reflect.apply(original, this, args);
    const place = () => ({ parent: activeOperation()?.context ?? ROOT_CONTEXT });
    if (typeof handler !== 'function') {
      const running = begin(this, { method: args[0] }, place);
      const error = { type: 'CAPABILITY_NOT_SUPPORTED', message: 'the client has no handler for it' };
      if (running !== undefined) running.finish({ outcome: 'OUTCOME_FAILURE_ERROR', error });
      return handler;
    }
    return standIn(
      handler,
      observeHandler(handler as Method, (request) => begin(this, request, place)),
    );
  };

const observeHandler = (handler: Method, begin: (request: unknown) => RunningOperation | undefined): Method =>
  function (...args) {
    const proceed = (): unknown => Reflect.apply(handler, this, args);
    const [request, context] = args;
    const running = begin(request);
    if (running === undefined) return proceed();
    const signal = peek(peek(context, 'mcpReq'), 'signal');
    return whenAdmitted(running, () => answer(running, proceed, signal));
  };

async function answer(running: RunningOperation, proceed: () => unknown, signal: unknown): Promise<unknown> {
  try {
    const result = await runIn(running, proceed);
    decide(running, result);
    return result;
  } catch (reason) {
    reject(running, reason, peek(signal, 'aborted') === true);
    throw reason;
  }
}

function begin(
  client: object,
  request: unknown,
  place: (connection: Connection) => Place,
  info?: unknown,
): RunningOperation | undefined {
  const method = methodName(peek(request, 'method'));
  if (typeof request !== 'object' || request === null || seen.has(request)) return undefined;
  const audience = audienceOf(client);
  if (audience === undefined) return undefined;
  const { connection } = audience.state;
  if (method === 'ping' && connection.side === 'client') return undefined;
  seen.add(request);
  const params = peek(request, 'params');
  if (connection.side === 'server') receive(connection, { method, params, info });
  const running = new RunningOperation({
    ...audience,
    ...place(connection),
    client,
    connection,
    operation: operationFor(method),
    params,
    kind: SpanKind.SERVER,
    caller: connection.side === 'server' ? callerOf(info) : undefined,
    onEnd: connection.side === 'server' ? opened : undefined,
  });
  if (connection.side === 'server')
    connection.requests?.sent(
      running.recorders.map(({ log }) => log),
      String(peek(request, 'id')),
    );
  return running;
}

/** The requests that a session begins with: the handshake, and what stands for it since revision 2026-07-28. */
const HANDSHAKES: ReadonlySet<string> = new Set(['initialize', 'server/discover']);

/** Notes that a server has opened a session. */
function opened({ method, ending, connection }: RunningOperation): void {
  const isOpen = HANDSHAKES.has(method) && ending?.outcome === 'OUTCOME_SUCCESS';
  if (isOpen && !connection.open && connection.isSession) sessionOpened(connection);
}

/** Learns what a request tells a server of its client. */
function receive(
  connection: Connection,
  { method, params, info }: { method: string; params: unknown; info: unknown },
): void {
  connection.sawRequest(params, info);
  const { open, resumed, sessionId } = connection;
  if (!HANDSHAKES.has(method) && !open && !resumed && sessionId !== undefined) sessionResumed(connection);
  if (method === 'initialize') connection.sawInitializeParams(params);
}

/**
 * The parent of a request of the other side. A client names the trace that its server is to continue; else the request belongs to what
 * is active where it arrives, such as the span of an HTTP request. Over stdio, where it arrives is where the program happened to connect.
 * (OpenTelemetry's conventions for MCP, context propagation.)
 */
function placeOf(connection: Connection, params: unknown): Place {
  if (connection.side === 'client') return causeOf(connection, params);
  const ambient = connection.transport === 'stdio' ? ROOT_CONTEXT : callerContext();
  const extracted = continued(peek(params, '_meta'), ambient);
  const around = trace.getSpanContext(ambient);
  // What the client names is the parent, also where its trace is active here: both sides may run in one process.
  const named = trace.getSpanContext(extracted) === around ? traceparentOf(params) : undefined;
  const parent = named === undefined ? extracted : trace.setSpanContext(extracted, named);
  const isApart = around !== undefined && around.traceId !== trace.getSpanContext(parent)?.traceId;
  return { parent, links: isApart ? [{ context: around }] : undefined };
}

/**
 * The parent of a server's request. The server may name a trace, and that counts only where this client has an operation of that
 * trace under way; otherwise any server could write into any trace. Where the server names none and one operation is under way,
 * that operation is the parent.
 */
function causeOf(connection: Connection, params: unknown): Place {
  const named = traceparentOf(params);
  const calls = [...connection.underWay].filter(
    ({ kind, method }) => kind === SpanKind.CLIENT && method !== 'subscriptions/listen',
  );
  const cause = named
    ? calls.find((call) => call.trace.context.traceId === named.traceId)
    : calls.length === 1
      ? calls[0]
      : undefined;
  if (cause === undefined) return { parent: ROOT_CONTEXT, links: named && [{ context: named }] };
  return { parent: named ? trace.setSpanContext(cause.context, named) : cause.context };
}
