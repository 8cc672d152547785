import { delayMs, after, deadlineSignal } from '../../internal/duration.js';
import { quietly } from '../emit.js';

/** One POST, complete. */
export interface HttpRequest {
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** A receiver's answer to one POST. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What there is of the body, where it is kept. */
  readonly body: Uint8Array;
  /** Whether that is all of it: it neither broke off nor ran into a bound. */
  readonly complete: boolean;
}

/** What one POST came to: an answer, or the code of the fault that kept one from coming. */
export type HttpOutcome = HttpAnswer | { fault: string };

/** What a transport does with the bodies of responses. */
export interface TransportOptions {
  /** No more of a body is read than this many bytes. */
  readonly maxResponseBytes: number;
  /** Whether somebody wants to see it; else it is read only so far as to free the connection. */
  readonly keepBody: boolean;
}

/**
 * Sends requests. Redirects are not followed (credentials and records would go where nobody said they may); no more of a
 * response is read than was asked for; no span is made. Never rejects.
 */
export interface HttpTransport {
  /** Sends one request and waits for its answer, for as many milliseconds at most. */
  post(request: HttpRequest, timeoutMs: number): Promise<HttpOutcome>;
  /** Gives back the connections that it holds. */
  close(): void;
}

/** Nobody needs the body of a response, so nobody need pack it: what would unpack to gigabytes is not asked for. */
export const UNPACKED = { 'accept-encoding': 'identity' } as const;

/**
 * `Retry-After` in milliseconds, from either of its forms: seconds or a date (RFC 9110, 10.2.3). A date is compared with the
 * receiver's own clock where its `Date` says what that shows, since the two clocks may differ. Whatever is neither counts as
 * nothing said.
 *
 * @param date - the `Date` field of the same response.
 */
export function retryAfterMs(
  value: string | null | undefined,
  date?: string | null,
  now = Date.now(),
): number | undefined {
  if (value === null || value === undefined) return undefined;
  // A fraction is no part of the standard, but some receivers send one. A field that came twice is joined by a comma.
  const seconds = /^\s*(\d+(?:\.\d+)?)\s*(?:,\s*\d+(?:\.\d+)?\s*)*$/.exec(value)?.[1];
  if (seconds !== undefined) return delayMs(Number(seconds) * 1000);
  const until = parseHttpDate(value);
  return until === undefined ? undefined : delayMs(until - (parseHttpDate(date) ?? now));
}

/** The three forms of RFC 9110, 5.6.7; `asctime` names no zone, and means UTC. */
function parseHttpDate(text: string | null | undefined): number | undefined {
  const form = /^\s*[A-Za-z]{3,9}(,?) .*\d{2}:\d{2}:\d{2}/.exec(text ?? '');
  if (!text || form === null) return undefined;
  const time = Date.parse(form[1] === '' && !/GMT|UTC/.test(text) ? `${text} GMT` : text);
  return Number.isNaN(time) ? undefined : time;
}

/**
 * The code of a fault, such as ECONNREFUSED: from the cause where `fetch` wraps it. Only what looks like a code is given
 * on; the texts of errors may quote addresses and headers.
 */
export function faultCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'TIMEOUT';
  for (const { code } of [error.cause ?? {}, error] as { code?: unknown }[]) {
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  }
  return error.cause instanceof AggregateError ? faultCode(error.cause.errors[0]) : 'FETCH_FAILED';
}

/** The `fetch` of the user's that a sink uses: through a proxy, with client certificates. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** How long the end of a body is waited for that nobody reads, in milliseconds. */
const BODY_GRACE_MS = 1_000;

/** Sends with a `fetch` of the user's, whose connections are the user's too. */
export function fetchTransport(fetch: FetchFunction, options: TransportOptions): HttpTransport {
  return {
    post: (request, timeoutMs) => post(fetch, request, timeoutMs, options),
    close: () => undefined,
  };
}

async function post(
  fetch: FetchFunction,
  { url, headers, body }: HttpRequest,
  timeoutMs: number,
  options: TransportOptions,
): Promise<HttpOutcome> {
  const signal = deadlineSignal(timeoutMs);
  const init: RequestInit = {
    method: 'POST',
    // Node's types ask for a body over an ArrayBuffer of its own; every codec's output is one.
    body: body as Uint8Array<ArrayBuffer>,
    headers: { ...UNPACKED, ...headers },
    redirect: 'manual',
    signal,
  };
  try {
    const response = await until(
      signal,
      quietly(() => fetch(url.href, init)),
    );
    const redirected = response.redirected || response.type === 'opaqueredirect';
    const read = await readBody(response, signal, options);
    return {
      status: redirected ? 302 : response.status,
      headers: Object.fromEntries(response.headers),
      ...read,
    };
  } catch (error) {
    return { fault: faultCode(error) };
  }
}

/**
 * Reads a body up to the cap and within its time, then hangs up: neither an endless one nor a small one that unpacks to much
 * is read on. Never rejects: the status is the answer, whatever becomes of the body.
 */
async function readBody(
  response: Response,
  deadline: AbortSignal,
  { maxResponseBytes, keepBody }: TransportOptions,
): Promise<Pick<HttpAnswer, 'body' | 'complete'>> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  if (reader === undefined) return { body: new Uint8Array(), complete: true };
  const grace = new AbortController();
  const timer = keepBody ? undefined : after(BODY_GRACE_MS, () => grace.abort());
  let room = maxResponseBytes;
  let complete = false;
  try {
    const signal = AbortSignal.any([deadline, grace.signal]);
    while (room >= 0 && !complete) {
      const { done, value } = await until(signal, reader.read());
      complete = done;
      if (value !== undefined && keepBody && room > 0) chunks.push(value.subarray(0, room));
      room -= value?.byteLength ?? 0;
    }
  } catch {
    // Broken off, or out of time.
  } finally {
    clearTimeout(timer);
  }
  if (!complete) void reader.cancel().catch(() => undefined);
  return { body: Buffer.concat(chunks), complete };
}

/** The promise's result, or the signal's reason if that comes first: what users give may not heed the signal. */
export async function until<T>(signal: AbortSignal, promise: PromiseLike<T> | T): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, fail) => {
    stop = () => fail(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}
