import { quietly } from './emit.js';
import { deadlineSignal } from '../duration.js';
import {
  faultCode,
  retryAfterMs,
  UNPACKED,
  type HttpOutcome,
  type HttpRequest,
  type HttpTransport,
} from './httpRequest.js';

/** The `fetch` of the user's that a sink uses: through a proxy, with client certificates. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Sends with a `fetch` of the user's, whose connections are the user's too. */
export function fetchTransport(fetch: Fetch, maxResponseBytes: number): HttpTransport {
  return {
    post: (request, timeoutMs) => post(fetch, request, timeoutMs, maxResponseBytes),
    close: () => undefined,
  };
}

async function post(
  fetch: Fetch,
  { url, headers, body }: HttpRequest,
  timeoutMs: number,
  maxResponseBytes: number,
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
    await until(signal, drain(response, maxResponseBytes)).catch(() => undefined);
    if (response.redirected || response.type === 'opaqueredirect') return { status: 302 };
    return {
      status: response.status,
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), response.headers.get('date')),
    };
  } catch (error) {
    return { fault: faultCode(error) };
  }
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
