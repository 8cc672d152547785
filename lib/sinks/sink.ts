import type { Profile } from '../codecs/profile.js';
import type { AuditRecord, LogCounter } from '../schema/record.js';
import type { GapRecordFactory } from './gap.js';

/** How far a sink vouches for records that it was given, weakest first. */
export type Ack = 'accepted' | 'written' | 'durable' | 'delivered';

/** The acknowledgements in their order, weakest first. */
const ACKS: readonly Ack[] = ['accepted', 'written', 'durable', 'delivered'];

/** Whether one acknowledgement is at least as strong as another. */
export function vouchesFor(given: Ack, needed: Ack): boolean {
  return ACKS.indexOf(given) >= ACKS.indexOf(needed);
}

/** A record of a batch that a sink refused while it took the others. */
export interface Rejection {
  /** The record's place in the batch, from 0. */
  readonly index: number;
  /** Why the sink refuses it. */
  readonly error: Error;
}

/** What became of a batch. Failures are results too; exceptions are for bugs. */
export type SinkResult =
  | {
      readonly status: 'delivered';
      /** What the sink vouches for. Default: `delivered`. */
      readonly ack?: Ack;
      /** Records that the sink can never take, while it took the rest of the batch. */
      readonly rejected?: readonly Rejection[];
    }
  /**
   * The batch may succeed later: after `retryAfterMs` at the earliest, where the receiver said so. `settled` counts the first
   * records of the batch that need no further attempt (default 0); the sink is given only the rest again. `rejected` are those of
   * the settled records that the sink can never take.
   */
  | {
      readonly status: 'retryable';
      readonly error: Error;
      readonly retryAfterMs?: number;
      readonly settled?: number;
      readonly rejected?: readonly Rejection[];
    }
  /** The batch cannot succeed later. */
  | { readonly status: 'permanent'; readonly error: Error };

/**
 * Where records go. Only `emit` is required. To return nothing means delivered; to throw or to reject counts as a permanent
 * failure. `emit` is never called again before the last call has settled, so a sink need not do anything to keep the order.
 *
 * @example
 * ```ts
 * const records: AuditRecord[] = [];
 * const sink: Sink = { name: 'memory', emit: (batch) => void records.push(...batch) };
 * ```
 */
export interface Sink {
  /** The sink's name in errors and metrics. Default: the class name, else `sink`. */
  readonly name?: string;
  /** Where records end up, for people: a path, or an address without its path and query. Shown at the start; holds no secret. */
  readonly destination?: string;
  /** The `seq` of the last record that is in this log already, where it continues an older log. */
  readonly lastSeq?: number | undefined;
  /** Who gave it that number, where that record says so. */
  readonly lastCounter?: LogCounter | undefined;
  /** What that record is of: its `resource`. `audit/stop` where the older log ended in good order. */
  readonly lastResource?: string | undefined;
  /** For a sink that seals its log, which takes an event loop: whether a signature vouches for every record that was written. */
  readonly isSealed?: boolean | undefined;
  /** The profile whose names it writes, where it was told one: a log of another profile refuses it. */
  readonly profile?: Profile | undefined;
  /** Whether several processes write to this log one after the other: each then begins with a record of its start. */
  readonly keepsLog?: boolean;
  /** Where the commitment keys of this log lie, unless an option says otherwise: a path beside the files that the sink keeps. */
  readonly commitmentKey?: string | undefined;
  /** Intents of an earlier process that no completion follows: how those operations ended is unknown. */
  readonly unfinishedIntents?: readonly AuditRecord[];
  /**
   * The tool definitions that this log keeps from earlier processes: their fingerprints, and when each was written, in milliseconds
   * since the epoch. They need not be written again at once.
   */
  readonly keptDefinitions?: ReadonlyMap<string, number>;
  /** Bytes that the sink holds on disk for later, as a spool does. */
  readonly backlogBytes?: number;
  /**
   * Called once, before the first record: the sink must vouch for every batch at least this far.
   *
   * @throws ConfigError when the sink cannot.
   */
  requireAck?(ack: Ack): void;
  /**
   * Called once, before the first record, with the function that makes gap records: for sinks that keep records themselves, and
   * may find that some of them are missing.
   */
  useGapRecord?(factory: GapRecordFactory): void;
  /** Takes records in order. */
  emit(records: readonly AuditRecord[]): Promise<SinkResult | void> | SinkResult | void;
  /** Resolves when everything that was emitted is as safe as this sink can make it. */
  flush?(): Promise<void>;
  /**
   * Flushes without an event loop, while the process exits: writes what was emitted before, and then `records`, which were not
   * emitted yet. May throw.
   */
  flushSync?(records: readonly AuditRecord[]): void;
  /** Flushes and releases what the sink holds. Called once. */
  close?(): Promise<void>;
}
