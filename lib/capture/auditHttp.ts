import { trace } from '@opentelemetry/api';
import { peek, peekText } from '../internal/peek.js';
import { checkOptions, reject } from '../internal/options.js';
import { shared } from '../internal/shared.js';
import { tellUnaudited } from '../internal/stderr.js';
import { Caller, headerIn } from '../processor/caller.js';
import type { Ending, OperationDetail } from '../processor/operation.js';
import { claimingRecorders, idleRecorders, liveRecorders } from '../processor/recorders.js';
import { newRecordId, newSpanId, newTraceId } from '../schema/ids.js';
import { ignore } from './client.js';
import { callerContext } from './tracing.js';
import { during, exchangeIn, parseTraceparent, type Exchange } from './propagation.js';

/**
 * Options of {@link auditHttp}.
 *
 * @see docs/callers.md
 */
export interface AuditHttpOptions {
  /**
   * Which requests go on record: those that are refused with 401 or 403, or all of them. The requests of the protocol in what passes have
   * records of their own.
   * @defaultValue `refused`
   */
  readonly record?: 'refused' | 'all';
}

/**
 * Puts on record the HTTP requests that a server refuses before its MCP server sees them: those without a valid token, or with one that
 * does not reach (401, 403), as the SDK's `requireBearerAuth` answers them. It returns the same handler but for that: what it takes, gives
 * back, throws and passes on stays as it is, and no body is read. It takes handlers of node:http, Express and Connect (also a whole
 * application, or one middleware), Hono (handlers, middleware, `app.fetch`), and functions of a web-standard `Request`.
 *
 * Records go to every `AuditSpanProcessor`, or without one to the logs of wrapped clients and servers, in the background.
 *
 * @typeParam Handler The type of the handler.
 * @param handler The handler, or what stands before the others. An object with `fetch`, such as a worker, is not one: give its `fetch`.
 * @returns A stand-in for the handler, of the same type.
 * @throws ConfigError for what is no function, or an option that cannot work.
 *
 * @example
 * ```ts
 * app.use('/mcp', auditHttp(requireBearerAuth({ verifier })), handleMcp);
 * ```
 */
export function auditHttp<Handler extends (...args: never[]) => unknown>(
  handler: Handler,
  options: AuditHttpOptions = {},
): Handler {
  const { record } = checkOptions('AuditHttpOptions', 'auditHttp', options);
  if (typeof handler !== 'function')
    reject('auditHttp', handler, 'a function that handles requests; of a worker or an app, its fetch');
  // A Proxy keeps what frameworks look at: the number of parameters, the properties of an application, its identity as a function.
  return new Proxy(handler, {
    apply(target, self: unknown, args: unknown[]) {
      const call = (): unknown =>
        Reflect.apply(target as unknown as (...given: unknown[]) => unknown, self, args);
      const exchange = exchangeIn(args);
      if (exchange === undefined || seen.has(exchange.request)) return call();
      const run = (): unknown => during(exchange, call);
      seen.add(exchange.request);
      const noted = new Noted(exchange, record === 'all');
      if (exchange.response !== undefined) {
        noted.watch(exchange.response);
        return run();
      }
      const value = run();
      if (value instanceof Promise)
        value.then(
          (answer) => noted.answered(answer),
          (error: unknown) => noted.failed(error),
        );
      else noted.answered(value);
      return value;
    },
  });
}

/** Requests that are watched already: a handler within a handler may be wrapped too. */
const seen = shared('http-requests', () => new WeakSet<object>());

/** One exchange, from its request on. */
class Noted {
  readonly #exchange: Exchange;
  readonly #all: boolean;
  readonly #startTime = Date.now();
  readonly #startedAt = performance.now();
  /** The span that serves the request, else the caller's, where the request names it. */
  readonly #parent = trace.getSpanContext(callerContext());
  readonly #method: string;
  readonly #path: string;
  #isDone = false;

  constructor(exchange: Exchange, all: boolean) {
    this.#exchange = exchange;
    this.#all = all;
    const { request } = exchange;
    this.#method = peekText(request, 'method') ?? '';
    // Express changes `url` while it looks for the route.
    this.#path = pathOf(peekText(request, 'originalUrl') ?? peekText(request, 'url') ?? '');
  }

  /** Looks at a response of Node.js when it is over. */
  watch(response: object): void {
    const once = peek(response, 'once') as (event: string, listener: () => void) => unknown;
    const done = (): void => this.#settle(peek(response, 'statusCode'), () => challengeOf(response));
    // `finish` where the whole response went out, `close` also where the client was gone before.
    for (const event of ['finish', 'close']) Reflect.apply(once, response, [event, done]);
  }

  /** Looks at what a handler has returned: a `Response`, or nothing where Hono's context has it. */
  answered(answer: unknown): void {
    const { context } = this.#exchange;
    const held = isWebResponse(answer) || peek(context, 'finalized') !== true ? answer : peek(context, 'res');
    if (isWebResponse(held))
      this.#settle(peek(held, 'status'), () => headerIn(peek(held, 'headers'), 'www-authenticate'));
  }

  /** Frameworks make a response of an error that names a status, such as Hono's `HTTPException`. */
  failed(error: unknown): void {
    const headers = peek(peek(error, 'res'), 'headers') ?? peek(error, 'headers');
    this.#settle(peek(error, 'status'), () => headerIn(headers, 'www-authenticate'));
  }

  #settle(status: unknown, challenge: () => string | undefined): void {
    if (this.#isDone || typeof status !== 'number') return;
    this.#isDone = true;
    try {
      if (status === 401 || status === 403 || this.#all) this.#record(status, challenge());
    } catch {
      // A bug of ours must reach neither the server nor its client.
    }
  }

  #record(status: number, challenge: string | undefined): void {
    const durationMs = Math.max(0, Math.round((performance.now() - this.#startedAt) * 1000) / 1000);
    const { request, headers, peer } = this.#exchange;
    const caller = new Caller({ authInfo: peek(request, 'auth'), headers, peer });
    const resource = `http${this.#path}`;
    const recorders = recordersOf(resource);
    const detail: OperationDetail = {
      method: 'http/request',
      side: 'server',
      event: eventOf(status),
      resource,
      summary: summaryOf(status),
      subject: {},
      connection: {
        connectionId: newRecordId(),
        sessionId: headerIn(headers, 'mcp-session-id'),
        transport: 'streamable-http',
      },
      startTime: this.#startTime,
      trace: this.#trace(headerIn(headers, 'traceparent')),
      ending: { ...endingOf(status, challenge), durationMs },
      legs: [],
      caller,
      http: { method: this.#method, path: this.#path, status },
      custom: undefined,
      recorders,
      states: recorders.map((recorder) => ({ recorder, actor: caller.actor })),
    };
    for (const recorder of recorders) recorder.complete(detail)?.catch(ignore);
  }

  #trace(traceparent: string | undefined): OperationDetail['trace'] {
    const parent = this.#parent ?? parseTraceparent(traceparent);
    const context = {
      traceId: parent?.traceId ?? newTraceId(),
      spanId: newSpanId(),
      traceFlags: parent?.traceFlags ?? 0,
    };
    return { context, parentSpanId: parent?.spanId };
  }
}

/** A path without its query, also of an absolute URL. */
function pathOf(url: string): string {
  const path = url.startsWith('/') ? url : URL.canParse(url) ? new URL(url).pathname : `/${url}`;
  return path.replace(/[?#].*$/s, '');
}

function isWebResponse(value: unknown): boolean {
  return (
    typeof peek(value, 'status') === 'number' && typeof peek(peek(value, 'headers'), 'get') === 'function'
  );
}

/** The challenge of a response of Node.js. Headers that `writeHead` was given stand nowhere but in the text that went out. */
function challengeOf(response: object): string | undefined {
  const getHeader = peek(response, 'getHeader');
  const set: unknown =
    typeof getHeader === 'function' ? Reflect.apply(getHeader, response, ['www-authenticate']) : undefined;
  if (set !== undefined) return [set].flat().map(String).join(', ');
  const head = peekText(response, '_header') ?? '';
  const found = [...head.matchAll(/^www-authenticate:[ \t]*(.*?)[ \t]*$/gim)].map(([, value = '']) => value);
  return found.length === 0 ? undefined : found.join(', ');
}

/** RFC 6750, section 3: the parameters of a challenge. */
function parameterOf(challenge: string, name: string): string | undefined {
  const found = new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`, 'i').exec(
    challenge,
  );
  return found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2];
}

/** A refused token is a failed attempt to log in; one that does not reach, a failed access (RFC 6750, section 3.1). */
function eventOf(status: number): OperationDetail['event'] {
  const name = status === 401 ? 'EVENT_LOGIN' : 'EVENT_RESOURCE_ACCESS';
  return { documented: name, '0.2': name };
}

function summaryOf(status: number): string {
  if (status === 401) return 'Asked over HTTP without a valid token';
  return status === 403 ? 'Asked over HTTP for what the token does not allow' : 'Asked over HTTP';
}

function endingOf(status: number, challenge = ''): Omit<Ending, 'durationMs'> {
  if (status < 400) return { outcome: 'OUTCOME_SUCCESS' };
  const refused = status === 401 ? 'unauthorized' : status === 403 ? 'forbidden' : `http_${status}`;
  const message = parameterOf(challenge, 'error_description');
  const type = parameterOf(challenge, 'error') ?? refused;
  return {
    outcome:
      status === 401
        ? 'OUTCOME_FAILURE_UNAUTHORIZED'
        : status === 403
          ? 'OUTCOME_FAILURE_DENIED'
          : 'OUTCOME_FAILURE_ERROR',
    error: { type, code: String(status), ...(message !== undefined && { message }) },
  };
}

/** The logs that records of HTTP go to, as those of audited functions. Where there is none, stderr says so. */
function recordersOf(resource: string): ReturnType<typeof liveRecorders> {
  for (const ask of [() => liveRecorders('server'), idleRecorders, claimingRecorders]) {
    const recorders = ask();
    if (recorders.length > 0) return recorders;
  }
  tellUnaudited(
    `requests to ${resource}: there is no audit log; construct an AuditSpanProcessor, or wrap a client or a server with withLogging`,
  );
  return [];
}
