import type { AuditRecord } from '../schema/record.js';

/** How far a sink vouches for records that it was given, weakest first. */
export type Ack = 'accepted' | 'written' | 'durable' | 'delivered';

/** What became of a batch: delivery is a result; exceptions are for bugs. */
export type SinkResult =
  | { readonly status: 'delivered'; readonly ack?: Ack }
  /**
   * Worth trying again, after `retryAfterMs` at the earliest where the receiver said so. `settled` counts the leading
   * records that need no further attempt (default 0): only the rest is to be given again.
   */
  | {
      readonly status: 'retryable';
      readonly error: Error;
      readonly retryAfterMs?: number;
      readonly settled?: number;
    }
  /** Trying again cannot help. */
  | { readonly status: 'permanent'; readonly error: Error };

/**
 * Where records go. Only `emit` is required. Returning nothing means delivered; a rejection counts as a permanent failure.
 * A sink is never called again before its last `emit` has settled, so order is kept without any effort of its own.
 *
 * @example
 * ```ts
 * const records: AuditRecord[] = [];
 * const sink: Sink = { name: 'memory', emit: (batch) => void records.push(...batch) };
 * ```
 */
export interface Sink {
  /** Shown in errors and metrics. Default: the class name, else `sink`. */
  readonly name?: string;
  /** The place in the order that the last record already in this log holds, when it continues an older log. */
  readonly lastSeq?: number | undefined;
  /** Takes records in order. */
  emit(records: readonly AuditRecord[]): Promise<SinkResult | void> | SinkResult | void;
  /** Resolves when all that was emitted is as safe as this sink can make it. */
  flush?(): Promise<void>;
  /** Flushes and releases what the sink holds. Called once. */
  close?(): Promise<void>;
}
