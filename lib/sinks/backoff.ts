/** The bounds of a pause between two attempts, in milliseconds. */
export interface BackoffBounds {
  /** The longest that the first pause may take; it doubles each time. */
  readonly initialDelayMs: number;
  /** The longest that any pause may take. */
  readonly maxDelayMs: number;
}

const DEFAULT_BOUNDS: BackoffBounds = { initialDelayMs: 100, maxDelayMs: 5_000 };

/**
 * How long to wait before the next attempt: full jitter over an exponential bound, so that many processes do not come back
 * at once (the scheme of the AWS Architecture Blog, "Exponential Backoff And Jitter"); never less than the receiver asked for.
 *
 * @param attempt - how many attempts have failed, from 1.
 */
export function backoffMs(
  attempt: number,
  retryAfterMs = 0,
  { initialDelayMs, maxDelayMs }: BackoffBounds = DEFAULT_BOUNDS,
): number {
  const bound = Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(attempt - 1, 16));
  return Math.max(retryAfterMs, Math.random() * bound);
}
