import { createContextKey } from '@opentelemetry/api';
import { peek, peekText } from '../internal/peek.js';
import { Caller, type CallerSource } from '../processor/caller.js';
import { callerContext, within } from './context.js';

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

/** By this key a context has the exchange over HTTP that its code serves. */
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
