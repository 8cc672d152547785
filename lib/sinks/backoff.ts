/** First and longest wait between two attempts, in milliseconds. */
const BASE_MS = 100;
const CAP_MS = 5_000;

/**
 * How long to wait before the next attempt: full jitter over an exponential bound, so that many processes do not come back
 * at once (the scheme of the AWS Architecture Blog, "Exponential Backoff And Jitter"); never less than the receiver asked for.
 *
 * @param attempt - how many attempts have failed, from 1.
 */
export function backoffMs(attempt: number, retryAfterMs = 0): number {
  const bound = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt - 1, 16));
  return Math.max(retryAfterMs, Math.random() * bound);
}
