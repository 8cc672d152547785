import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { Profile } from '../codecs/profile.js';
import type { AuditRecord, LogCounter, DraftRecord } from '../schema/record.js';
import { counterOf } from '../schema/ids.js';

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

/** Records that a sink never got, as the gap record in their place describes them. */
export interface GapInfo {
  /** The sink that lacks them. */
  readonly sink: string;
  /** How many records are missing. */
  readonly count: number;
  /** The `time` of the first of them. */
  readonly firstTime: string;
  /** The `time` of the last of them. */
  readonly lastTime: string;
  /** Why, as codes joined by a comma: `queue_full`, `timeout`, `shutdown`, or the code or class of the sink's error. */
  readonly cause: string;
}

/** The `resource` of gap records. */
const GAP_RESOURCE = 'audit/gap';

/** Makes a gap record. It is a function of the caller's, who knows the actor, the component and the environment to name in it. */
export type GapRecordFactory = (gap: GapInfo) => DraftRecord;

/** Lost records, as they add to a gap. */
interface Loss extends Pick<Gap, 'count' | 'firstTime' | 'lastTime' | 'seq'> {
  readonly counter?: LogCounter | undefined;
  readonly causes: Iterable<string>;
}

/** A place in a log where records are missing. It takes the `seq` of the last of them, so that numbers stay in order. */
export class Gap {
  count = 0;
  firstTime = '';
  lastTime = '';
  seq = 0;
  /** Who gave that number. */
  counter: LogCounter | undefined;
  readonly causes = new Set<string>();
  #record: AuditRecord | undefined;

  /** Counts one more lost record, which came after those counted already. */
  add(record: AuditRecord, cause: string): void {
    const { time, seq } = record;
    this.merge({
      count: 1,
      firstTime: time,
      lastTime: time,
      seq,
      counter: counterOf(record),
      causes: [cause],
    });
  }

  /** Adds a gap that follows this one with no record between. */
  merge(later: Loss): void {
    if (this.count === 0) this.firstTime = later.firstTime;
    this.count += later.count;
    this.lastTime = later.lastTime;
    this.seq = later.seq;
    this.counter = later.counter;
    for (const cause of later.causes) if (this.causes.size < 8) this.causes.add(cause);
    this.#record = undefined;
  }

  /** The gap record: the same one on every attempt, until the gap grows. */
  record(sink: string, factory: GapRecordFactory): AuditRecord {
    return (this.#record ??= { ...factory(this.#info(sink)), seq: this.seq, ...this.counter } as AuditRecord);
  }

  #info(sink: string): GapInfo {
    const { count, firstTime, lastTime } = this;
    return { sink, count, firstTime, lastTime, cause: [...this.causes].join(',') };
  }
}

/** What a gap record says, without its cause; nothing for any other record. */
export function gapToldBy(record: AuditRecord): Omit<Loss, 'causes'> | undefined {
  const { resource, data, time, seq } = record;
  if (resource !== GAP_RESOURCE || typeof data !== 'object' || data === null) return undefined;
  const { count, first_time: first, last_time: last } = data as Record<string, unknown>;
  if (typeof count !== 'number' || !(count > 0)) return undefined;
  const firstTime = typeof first === 'string' ? first : time;
  const counter = counterOf(record);
  return { count, firstTime, lastTime: typeof last === 'string' ? last : time, seq, counter };
}

/** An error in one word that cannot hold a secret: its code, else the name of its class. */
export function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(code)) return code;
  return error.constructor?.name || 'Error';
}

/**
 * The context that sinks work in. It has no span, and tracing is switched off by the key that OpenTelemetry's own exporters use
 * (`suppressTracing` of @opentelemetry/core), so that delivering a record makes no spans.
 */
const QUIET = ROOT_CONTEXT.setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true);

const DELIVERED: SinkResult = { status: 'delivered' };

/** Runs a sink's work without tracing. */
export function quietly<T>(work: () => T): T {
  return context.with(QUIET, work);
}

/**
 * Gives a batch to any sink, users' own included, and turns every way to fail into a result. The result of a sink that answers
 * without a promise is returned without one.
 */
export function emitTo(sink: Sink, records: readonly AuditRecord[]): SinkResult | Promise<SinkResult> {
  try {
    const answer = quietly(() => sink.emit(records));
    if (isPromiseLike(answer))
      return Promise.resolve(answer).then((given) => toResult(given, records.length), permanent);
    return toResult(answer, records.length);
  } catch (error) {
    return permanent(error);
  }
}

/** The name that a sink goes by in errors and metrics. */
export function sinkName(sink: Sink): string {
  const className: unknown = sink.constructor?.name;
  if (typeof sink.name === 'string' && sink.name !== '') return sink.name;
  return typeof className === 'string' && className !== '' && className !== 'Object' ? className : 'sink';
}

/** Whether a value can serve as a sink. */
export function isSink(value: unknown): value is Sink {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'emit') === 'function';
}

/** A thrown value as an error, because user code may throw anything. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('a value that is not an Error was thrown');
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

/** Users' sinks may answer anything. What is not an object means delivered; an object must have a known `status`. */
function toResult(answer: SinkResult | void, count: number): SinkResult {
  if (typeof answer !== 'object' || answer === null) return DELIVERED;
  if (answer.status === 'delivered') return answer;
  if (answer.status === 'retryable') {
    const { settled = 0 } = answer;
    // A number that cannot be a count of these records would mark records as delivered that are not.
    const isCount = Number.isInteger(settled) && settled >= 0 && settled <= count;
    return { ...answer, error: asError(answer.error), ...(!isCount && { settled: 0, rejected: [] }) };
  }
  return permanent(
    answer.status === 'permanent'
      ? answer.error
      : new Error('the sink returned a result without a known status'),
  );
}

function permanent(error: unknown): SinkResult {
  return { status: 'permanent', error: asError(error) };
}

/** A sink with every method, whose `emit` never throws and never rejects. */
export class GuardedSink {
  constructor(
    /** Unlike any other sink's name in the pipeline. */
    readonly name: string,
    private readonly sink: Sink,
  ) {}

  /** Bytes that the sink holds on disk for later. */
  get backlogBytes(): number | undefined {
    return this.sink.backlogBytes;
  }

  emit(records: readonly AuditRecord[]): SinkResult | Promise<SinkResult> {
    return emitTo(this.sink, records);
  }

  async flush(): Promise<void> {
    await quietly(() => this.sink.flush?.());
  }

  async close(): Promise<void> {
    await quietly(() => this.sink.close?.());
  }

  /** Whether the sink has {@link flushSync}. */
  get canFlushSync(): boolean {
    return this.sink.flushSync !== undefined;
  }

  flushSync(records: readonly AuditRecord[]): void {
    this.sink.flushSync?.(records);
  }
}
