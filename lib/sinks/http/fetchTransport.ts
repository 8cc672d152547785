import { after, deadlineSignal } from '../../internal/duration.js';
import { quietly } from '../emit.js';
import {
  faultCode,
  UNPACKED,
  type HttpAnswer,
  type HttpOutcome,
  type HttpRequest,
  type HttpTransport,
  type TransportOptions,
} from './transport.js';
import { until } from './until.js';

/** The `fetch` of the user's that a sink uses: through a proxy, with client certificates. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** How long the end of a body is waited for that nobody reads, in milliseconds. */
const BODY_GRACE_MS = 1_000;

/** Sends with a `fetch` of the user's, whose connections are the user's too. */
export function fetchTransport(fetch: Fetch, options: TransportOptions): HttpTransport {
  return {
    post: (request, timeoutMs) => post(fetch, request, timeoutMs, options),
    close: () => undefined,
  };
}

async function post(
  fetch: Fetch,
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
