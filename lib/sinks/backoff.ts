import { delayMs } from '../internal/duration.js';

/** The bounds of a pause between two attempts, in milliseconds. */
export interface BackoffBounds {
  /** The longest that the first pause may take; it doubles each time. */
  readonly initialDelayMs: number;
  /** The longest that any pause may take. */
  readonly maxDelayMs: number;
}

const DEFAULT_BOUNDS: BackoffBounds = { initialDelayMs: 100, maxDelayMs: 5_000 };

/**
 * How long a receiver may put us off with one answer unless an option says otherwise, in milliseconds: an hour, the longest
 * window of the common rate limits. A record that waits longer than that is better reported than trusted to one number.
 */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/** After so many attempts, a pause is never shorter than {@link PATIENT_MS}, however small the bounds are. */
const PATIENT_AFTER = 10;
const PATIENT_MS = 100;

/**
 * How long to wait before the next attempt: full jitter over an exponential bound, so that many processes do not come back
 * at once (the scheme of the AWS Architecture Blog, "Exponential Backoff And Jitter"); never less than the receiver asked for,
 * and always something that a timer takes.
 *
 * @param attempt - how many attempts have failed, from 1.
 * @param retryAfterMs - what the receiver asked for; anything that is not a duration counts as nothing.
 */
export function backoffMs(
  attempt: number,
  retryAfterMs: unknown = 0,
  { initialDelayMs, maxDelayMs }: BackoffBounds = DEFAULT_BOUNDS,
): number {
  const bound = Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(attempt - 1, 16));
  const least = attempt > PATIENT_AFTER ? PATIENT_MS : 0;
  return Math.max(least, delayMs(retryAfterMs), Math.random() * bound);
}

/** What a receiver asked for, held against the longest that it may ask for. */
export interface Postponement {
  /** What is granted, in milliseconds; 0 where nothing was asked for. */
  readonly ms: number;
  /** What to tell the user where less is granted than was asked for. */
  readonly notice: string | undefined;
}

/** Holds a receiver's wish to be left alone against the option that bounds it. */
export function postponement(retryAfterMs: unknown, maxRetryAfterMs: number): Postponement {
  const asked = delayMs(retryAfterMs);
  if (asked <= maxRetryAfterMs) return { ms: asked, notice: undefined };
  const atLeast = `${Math.round(asked / 1000)} s or more`;
  const notice = `the receiver asked for a pause of ${atLeast}; it is asked again after ${maxRetryAfterMs / 1000} s (maxRetryAfterMs)`;
  return { ms: maxRetryAfterMs, notice };
}
