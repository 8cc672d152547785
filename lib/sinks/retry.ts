import { delayMs, sleep } from '../internal/duration.js';
import { checkOptions } from '../internal/options.js';
import { OPTIONS } from '../options/tables.js';
import type { AuditRecord } from '../schema/record.js';
import { emitTo, sinkName, type Rejection, type Sink, type SinkResult } from './sink.js';

/** The bounds of a pause between two attempts, in milliseconds. */
export interface BackoffBounds {
  /** The upper bound of the first pause; it doubles with each attempt. */
  readonly initialDelayMs: number;
  /** The upper bound of every pause. */
  readonly maxDelayMs: number;
}

const DEFAULT_BOUNDS: BackoffBounds = {
  initialDelayMs: 100,
  maxDelayMs: OPTIONS.RetryOptions.maxDelayMs.default,
};

/**
 * How a sink is fed: by a pipeline, or out of a spool.
 *
 * @see docs/delivery.md
 */
export interface SinkFeedOptions {
  /**
   * How many records a sink gets at once, at most.
   * @defaultValue 512, as OpenTelemetry's BatchSpanProcessor
   * @minimum 1
   * @variable OTEL_MCP_LOG_MAX_EXPORT_BATCH_SIZE
   */
  readonly maxExportBatchSize?: number;
  /**
   * How long a receiver may put a sink off with one answer (`Retry-After`). A longer pause is cut to this, and reported to
   * `onError` once. An hour is the longest window of the common rate limits: a record that waits longer is better reported than
   * trusted to one number.
   * @defaultValue 3,600,000
   * @minimum 0
   * @unit ms
   * @variable OTEL_MCP_LOG_MAX_RETRY_AFTER_MS
   */
  readonly maxRetryAfterMs?: number;
}

/** After this many attempts, no pause is shorter than {@link PATIENT_MS}, however small the bounds are. */
const PATIENT_AFTER = 10;
const PATIENT_MS = 100;

/**
 * How long to wait before the next attempt, in ms: full jitter over an exponential bound, so that many processes do not come
 * back at once (AWS Architecture Blog, "Exponential Backoff And Jitter"). It is never less than the receiver asked for, and
 * never more than a timer can take.
 *
 * @param attempt - how many attempts have failed, from 1.
 * @param retryAfterMs - the pause that the receiver asked for; what is not a duration counts as 0.
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

/** The pause that a receiver is granted. */
export interface Postponement {
  /** The granted pause in milliseconds; 0 where the receiver asked for none. */
  readonly ms: number;
  /** What to report where the receiver asked for more. */
  readonly notice: string | undefined;
}

/** Cuts the pause that a receiver asks for to `maxRetryAfterMs`. */
export function postponement(retryAfterMs: unknown, maxRetryAfterMs: number): Postponement {
  const asked = delayMs(retryAfterMs);
  if (asked <= maxRetryAfterMs) return { ms: asked, notice: undefined };
  const atLeast = `${Math.round(asked / 1000)} s or more`;
  const notice = `the receiver asked for a pause of ${atLeast}; it is asked again after ${maxRetryAfterMs / 1000} s (maxRetryAfterMs)`;
  return { ms: maxRetryAfterMs, notice };
}

/**
 * When to try again, and how often.
 *
 * @see docs/sinks.md
 */
export interface RetryOptions {
  /**
   * How many attempts there are, the first included; 1 means no second one.
   * @defaultValue 5, as OpenTelemetry's exporters
   * @minimum 1
   * @maximum 1,000
   */
  readonly maxAttempts?: number;
  /**
   * How long the first pause may be; its bound doubles each time.
   * @defaultValue 500
   * @minimum 0
   * @unit ms
   */
  readonly initialDelayMs?: number;
  /**
   * How long any pause may be.
   * @defaultValue 5,000
   * @minimum 0
   * @unit ms
   */
  readonly maxDelayMs?: number;
}

/**
 * How long a delivery may take.
 *
 * @see docs/sinks.md
 */
export interface TimeoutOptions {
  /**
   * How long one delivery may take, its retries included.
   * @defaultValue 10,000, as OTLP exporters
   * @minimum 1
   * @unit ms
   */
  readonly timeoutMs?: number;
}

/**
 * Options of {@link retrying}.
 *
 * @see docs/sinks.md
 */
export interface RetryingOptions extends RetryOptions, TimeoutOptions {}

/** {@link RetryOptions} with their defaults. */
export type RetryPolicy = Readonly<Required<RetryOptions>>;

/** Checks retry options and fills in the defaults; `option` is their name in a ConfigError. */
export function retryPolicy(option: string, value: RetryOptions = {}): RetryPolicy {
  return checkOptions('RetryOptions', option, value);
}

/**
 * Repeats an attempt while its result is retryable, attempts are left, and the next one can start before the deadline. It keeps
 * the pause that the receiver asked for; where that is longer than the time left, it returns the result to the caller.
 *
 * @param attempt - makes one attempt, within the milliseconds that it is given.
 * @param timeoutMs - how long all attempts and pauses together may take.
 */
export async function retry<T extends SinkResult>(
  attempt: (remainingMs: number) => Promise<T>,
  policy: RetryPolicy,
  timeoutMs: number,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let tried = 1; ; tried++) {
    const result = await attempt(deadline - performance.now());
    if (result.status !== 'retryable' || tried >= policy.maxAttempts) return result;
    const pause = backoffMs(tried, result.retryAfterMs, policy);
    if (performance.now() + pause >= deadline) return result;
    await sleep(pause);
  }
}

/**
 * The same sink, with retries: the records of a batch that are not settled are given to it again, in order, while its result is
 * retryable. The sinks of this package that use a network retry by themselves; this is for sinks of your own.
 *
 * @throws ConfigError for an unknown option or a value out of range.
 *
 * @example
 * ```ts
 * const sink = retrying(mySink, { maxAttempts: 3, timeoutMs: 5_000 });
 * ```
 */
export function retrying(sink: Sink, options: RetryingOptions = {}): Sink {
  const { timeoutMs, ...policy } = checkOptions('RetryingOptions', 'retrying', options);
  return {
    name: sinkName(sink),
    ...(sink.destination !== undefined && { destination: sink.destination }),
    lastSeq: sink.lastSeq,
    lastCounter: sink.lastCounter,
    lastResource: sink.lastResource,
    profile: sink.profile,
    commitmentKey: sink.commitmentKey,
    ...(sink.keepsLog !== undefined && { keepsLog: sink.keepsLog }),
    // The pipeline checks the answers of a sink without `requireAck`, so the wrapper may always have it.
    requireAck: (ack) => sink.requireAck?.(ack),
    emit: (records) => emitWithRetries(sink, records, policy, timeoutMs),
    flush: async () => sink.flush?.(),
    close: async () => sink.close?.(),
  };
}

/** Emits with retries. An attempt counts places from its own first record, so they are moved to those in the whole batch. */
async function emitWithRetries(
  sink: Sink,
  records: readonly AuditRecord[],
  policy: RetryPolicy,
  timeoutMs: number,
): Promise<SinkResult> {
  const rejected: Rejection[] = [];
  let settled = 0;
  const attempt = async (): Promise<SinkResult> => {
    const result = await emitTo(sink, records.slice(settled));
    if (result.status === 'permanent') return result;
    for (const { index, error } of result.rejected ?? []) rejected.push({ index: settled + index, error });
    const told = rejected.length > 0 ? { rejected } : {};
    if (result.status === 'delivered') return { ...result, ...told };
    settled += result.settled ?? 0;
    return { ...result, ...told, settled };
  };
  return retry(attempt, policy, timeoutMs);
}
