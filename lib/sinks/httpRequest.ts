import { quietly } from './emit.js';

/** The `fetch` that a sink uses: Node's own, or one of the user's (a proxy, mutual TLS). */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** One POST, complete. */
export interface HttpRequest {
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What one POST came to: a status, or the code of the fault that kept one from coming. */
export type HttpOutcome = { status: number; retryAfterMs?: number | undefined } | { fault: string };

/** What bounds one POST. */
export interface HttpLimits {
  fetch: Fetch;
  /** Milliseconds until it is given up. */
  timeoutMs: number;
  /** No more of a response body is read than this. */
  maxResponseBytes: number;
}

/**
 * Sends one request and waits for its status. Redirects are not followed (credentials and records would go where nobody
 * said they may); the body of the response is read only so far as to free the connection; no span is made.
 */
export async function post(request: HttpRequest, limits: HttpLimits): Promise<HttpOutcome> {
  const signal = AbortSignal.timeout(Math.max(1, Math.ceil(limits.timeoutMs)));
  try {
    const response = await until(
      signal,
      quietly(() =>
        limits.fetch(request.url.href, {
          method: 'POST',
          // Node's types ask for a body over an ArrayBuffer of its own; every codec's output is one.
          body: request.body as Uint8Array<ArrayBuffer>,
          headers: { 'accept-encoding': 'identity', ...request.headers },
          redirect: 'manual',
          signal,
        }),
      ),
    );
    await until(signal, drain(response, limits.maxResponseBytes)).catch(() => undefined);
    if (response.redirected || response.type === 'opaqueredirect') return { status: 302 };
    return { status: response.status, retryAfterMs: retryAfterMs(response.headers.get('retry-after')) };
  } catch (error) {
    return { fault: faultCode(error) };
  }
}

/** `Retry-After` in milliseconds, from either of its forms: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * The code of a fault, such as ECONNREFUSED: from the cause where `fetch` wraps it. Only what looks like a code is given
 * on; the texts of errors may quote addresses and headers.
 */
function faultCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'TIMEOUT';
  for (const { code } of [error.cause ?? {}, error] as { code?: unknown }[]) {
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code)) return code;
  }
  return error.cause instanceof AggregateError ? faultCode(error.cause.errors[0]) : 'FETCH_FAILED';
}

/** Reads a response body up to the cap, then hangs up: neither an endless one nor a small one that unpacks to much. */
async function drain(response: Response, maxBytes: number): Promise<void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  let read = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    read += value.byteLength;
    if (read > maxBytes) return reader.cancel();
  }
}

/** The promise's result, or the signal's reason if that comes first: a `fetch` of the user's may not heed the signal. */
async function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, fail) => {
    stop = () => fail(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}
