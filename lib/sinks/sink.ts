import type { AuditRecord } from '../schema/record.js';
import type { GapRecordFactory } from './gap.js';

/** How far a sink vouches for records that it was given, weakest first. */
export type Ack = 'accepted' | 'written' | 'durable' | 'delivered';

/** The acknowledgements in their order, weakest first. */
const ACKS: readonly Ack[] = ['accepted', 'written', 'durable', 'delivered'];

/** Whether one acknowledgement is worth at least as much as another. */
export function vouchesFor(given: Ack, needed: Ack): boolean {
  return ACKS.indexOf(given) >= ACKS.indexOf(needed);
}

/** A record of a batch that a sink refused while it took the others. */
export interface Rejection {
  /** The record's place in the batch. */
  readonly index: number;
  /** Why it cannot be taken. */
  readonly error: Error;
}

/** What became of a batch: delivery is a result; exceptions are for bugs. */
export type SinkResult =
  | {
      readonly status: 'delivered';
      /** What the sink vouches for. Default: `delivered`. */
      readonly ack?: Ack;
      /** Records that can never be taken, where the rest of the batch was. */
      readonly rejected?: readonly Rejection[];
    }
  /**
   * Worth trying again, after `retryAfterMs` at the earliest where the receiver said so. `settled` counts the leading
   * records that need no further attempt (default 0): only the rest is to be given again. Among those, `rejected` are the
   * ones that can never be taken.
   */
  | {
      readonly status: 'retryable';
      readonly error: Error;
      readonly retryAfterMs?: number;
      readonly settled?: number;
      readonly rejected?: readonly Rejection[];
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
  /** Where records end up, for people: a path, an address without its path and query. Shown at the start; holds no secret. */
  readonly destination?: string;
  /** The place in the order that the last record already in this log holds, when it continues an older log. */
  readonly lastSeq?: number | undefined;
  /** Whether it is a log that one process goes on with after another: each then begins it with a record of its start. */
  readonly keepsLog?: boolean;
  /** Intents of an earlier process that no completion follows: its operations ended in nobody knows what. */
  readonly unfinishedIntents?: readonly AuditRecord[];
  /** Bytes that it holds on disk for later, as a spool does. */
  readonly backlogBytes?: number;
  /**
   * Told once, before the first record: every batch must be vouched for at least this far.
   *
   * @throws ConfigError when the sink cannot.
   */
  requireAck?(ack: Ack): void;
  /**
   * Told once, before the first record, how a record that tells of a gap is made: for sinks that keep records and may find
   * that some were taken from them.
   */
  useGapRecord?(factory: GapRecordFactory): void;
  /** Takes records in order. */
  emit(records: readonly AuditRecord[]): Promise<SinkResult | void> | SinkResult | void;
  /** Resolves when all that was emitted is as safe as this sink can make it. */
  flush?(): Promise<void>;
  /**
   * The same without an event loop, while the process exits: writes `records`, which nobody has emitted yet, and all that
   * was emitted before them. May throw.
   */
  flushSync?(records: readonly AuditRecord[]): void;
  /** Flushes and releases what the sink holds. Called once. */
  close?(): Promise<void>;
}
