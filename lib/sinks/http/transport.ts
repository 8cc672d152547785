import { delayMs, after, deadlineSignal } from '../../internal/duration.js';
import { quietly } from '../sink.js';

/** A POST request. */
export interface HttpRequest {
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** A receiver's answer to a POST. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** As much of the body as came, where bodies are kept. */
  readonly body: Uint8Array;
  /** Whether that is the whole body: it did not break off, and was not larger than its bound. */
  readonly complete: boolean;
}

/** What came of a POST: an answer, or the code of the fault that prevented one. */
export type HttpOutcome = HttpAnswer | { fault: string };

/** How a transport reads the bodies of responses. */
export interface TransportOptions {
  /** How many bytes of a body are read at most. */
  readonly maxResponseBytes: number;
  /** Whether bodies are kept. Otherwise they are read only to free the connection. */
  readonly keepBody: boolean;
}

/**
 * Sends requests. It does not follow redirects, which would take credentials and records to an address that nobody configured;
 * it reads no more of a response than its options allow; it makes no spans.
 */
export interface HttpTransport {
  /** Sends one request and waits for its answer, at most `timeoutMs`. Never rejects. */
  post(request: HttpRequest, timeoutMs: number): Promise<HttpOutcome>;
  /** Closes its connections. */
  close(): void;
}

/** Asks for uncompressed bodies: they are small, and a compressed one might become gigabytes. */
export const UNPACKED = { 'accept-encoding': 'identity' } as const;

/**
 * `Retry-After` in milliseconds, from either of its forms: seconds or a date (RFC 9110, 10.2.3). A date is compared with the
 * `Date` of the response where it has one, because the receiver's clock may differ from ours. Any other value is ignored.
 *
 * @param date - the `Date` field of the same response.
 */
export function retryAfterMs(
  value: string | null | undefined,
  date?: string | null,
  now = Date.now(),
): number | undefined {
  if (value === null || value === undefined) return undefined;
  // The standard has no fractions, but some receivers send them. HTTP joins a field that came twice with a comma.
  const seconds = /^\s*(\d+(?:\.\d+)?)\s*(?:,\s*\d+(?:\.\d+)?\s*)*$/.exec(value)?.[1];
  if (seconds !== undefined) return delayMs(Number(seconds) * 1000);
  const until = parseHttpDate(value);
  return until === undefined ? undefined : delayMs(until - (parseHttpDate(date) ?? now));
}

/** A date in one of the three forms of RFC 9110, 5.6.7. `asctime` has no zone, and means UTC. */
function parseHttpDate(text: string | null | undefined): number | undefined {
  const form = /^\s*[A-Za-z]{3,9}(,?) .*\d{2}:\d{2}:\d{2}/.exec(text ?? '');
  if (!text || form === null) return undefined;
  const time = Date.parse(form[1] === '' && !/GMT|UTC/.test(text) ? `${text} GMT` : text);
  return Number.isNaN(time) ? undefined : time;
}

/**
 * The code of a fault, such as ECONNREFUSED; `fetch` has it in the error's cause. Only what looks like a code is returned,
 * because the texts of errors may quote addresses and headers.
 */
export function faultCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'TIMEOUT';
  for (const { code } of [error.cause ?? {}, error] as { code?: unknown }[]) {
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  }
  return error.cause instanceof AggregateError ? faultCode(error.cause.errors[0]) : 'FETCH_FAILED';
}

/** A `fetch` of the user's, such as one that uses a proxy or client certificates. */
export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** How long to wait for the end of a body that nobody reads, in milliseconds. */
const BODY_GRACE_MS = 1_000;

/** Sends with a `fetch` of the user's. Its connections belong to the user, so closing the transport does nothing. */
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
    // Node's types want a body over an ArrayBuffer and not a SharedArrayBuffer; the codecs make no other.
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
 * Reads a body up to its bound and within its time, then hangs up: on an endless body, and on a small one that decompresses to a
 * large one. Never rejects, because the status is the answer whatever happens to the body.
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
    // The body broke off, or the time is up.
  } finally {
    clearTimeout(timer);
  }
  if (!complete) void reader.cancel().catch(() => undefined);
  return { body: Buffer.concat(chunks), complete };
}

/** The result of the promise, or the reason of the signal if that comes first: a user's function may ignore the signal. */
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
