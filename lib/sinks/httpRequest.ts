/** One POST, complete. */
export interface HttpRequest {
  url: URL;
  headers: Record<string, string>;
  body: Uint8Array;
}

/** What one POST came to: a status, or the code of the fault that kept one from coming. */
export type HttpOutcome = { status: number; retryAfterMs?: number | undefined } | { fault: string };

/**
 * Sends requests. Redirects are not followed (credentials and records would go where nobody said they may); the body of a
 * response is read only so far as to free the connection; no span is made. Never rejects.
 */
export interface HttpTransport {
  /** Sends one request and waits for its status, for as many milliseconds at most. */
  post(request: HttpRequest, timeoutMs: number): Promise<HttpOutcome>;
  /** Gives back the connections that it holds. */
  close(): void;
}

/** Nobody needs the body of a response, so nobody need pack it: what would unpack to gigabytes is not asked for. */
export const UNPACKED = { 'accept-encoding': 'identity' } as const;

/** A signal for the end of a request's time. */
export function deadlineSignal(timeoutMs: number): AbortSignal {
  return AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
}

/** `Retry-After` in milliseconds, from either of its forms: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(value: string | null | undefined, now = Date.now()): number | undefined {
  if (value === null || value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
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
