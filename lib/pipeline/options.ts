import { ConfigError } from '../errors.js';
import { checkOptions, ofSet, reject, type Resolved } from '../internal/options.js';
import type { DraftRecord } from '../schema/record.js';
import { isSink, sinkName, vouchesFor, type GapRecordFactory, type Ack, type Sink } from '../sinks/sink.js';
import type { SinkFeedOptions } from '../sinks/retry.js';
import type { Ending } from './lifecycle.js';
import { compileFilter, type CompiledFilter, type SinkFilter } from './filter.js';
import { countAfter, type CountStart } from './queue.js';
import { guardedReport, type DeliveryErrorListener, type Report } from './stats.js';
import type { Profile } from '../codecs/profile.js';

/** What a caller waits for. Kubernetes names the modes of its audit backends so. */
export type DeliveryMode = 'blocking' | 'blocking-strict' | 'batch';

/**
 * A sink with a treatment of its own.
 *
 * @see docs/sinks.md
 */
export interface SinkEntry {
  /** The sink. */
  readonly sink: Sink;
  /** Which records it gets. A filtered log has its own numbers (`seq`), so that a hole still means a loss. @defaultValue all */
  readonly filter?: SinkFilter;
  /** What callers wait for at this sink. @defaultValue the log's */
  readonly mode?: DeliveryMode;
  /**
   * Whether callers wait for this sink, and hear of its failures. In a `blocking-strict` log, a sink that is not required is
   * served as in `blocking`: no operation waits for it.
   * @defaultValue true
   */
  readonly required?: boolean;
  /**
   * How long callers wait for this sink.
   * @defaultValue the log's
   * @minimum 1
   * @unit ms
   */
  readonly exportTimeoutMillis?: number;
  /** @deprecated The old name of {@link exportTimeoutMillis}. */
  readonly deadlineMs?: number;
}

/**
 * What callers wait for, and how much may wait. Queues and batches are bounded by the options that OpenTelemetry's batch
 * processors have, under the same names.
 *
 * @see docs/delivery.md
 */
export interface DeliveryOptions extends SinkFeedOptions {
  /**
   * What a caller waits for: in `blocking` until its record is written; in `blocking-strict` also, before anything is sent,
   * until a record of the intent is durable; in `batch` for nothing.
   * @defaultValue `blocking`
   * @variable OTEL_MCP_LOG_MODE
   */
  readonly mode?: DeliveryMode;
  /**
   * How far every awaited sink must vouch for a record before its caller may go on.
   * @defaultValue `written` in `blocking`; `durable`, and nothing less, in `blocking-strict`
   */
  readonly acks?: Ack;
  /** Whether a caller needs all awaited sinks or one of them. @defaultValue `all` */
  readonly requiredSinks?: 'all' | 'any';
  /**
   * How long a caller waits for a sink, from the moment its record was accepted.
   * @defaultValue 10,000
   * @minimum 1
   * @unit ms
   * @variable OTEL_MCP_LOG_EXPORT_TIMEOUT
   */
  readonly exportTimeoutMillis?: number;
  /**
   * How many records may wait for one sink.
   * @defaultValue 10,000
   * @minimum 1
   * @variable OTEL_MCP_LOG_MAX_QUEUE_SIZE
   */
  readonly maxQueueSize?: number;
  /**
   * What happens when a sink's queue is full: callers wait for room (`wait`), or the newest record is dropped, counted and
   * reported by a gap record (`drop`).
   * @defaultValue `drop` in `batch` mode, else `wait`
   */
  readonly overflow?: 'wait' | 'drop';
  /**
   * How long `batch` mode gathers records before it writes; the other modes never wait.
   * @defaultValue 100
   * @minimum 0
   * @unit ms
   * @variable OTEL_MCP_LOG_SCHEDULE_DELAY
   */
  readonly scheduledDelayMillis?: number;
  /**
   * Called with every failure of delivery.
   * @defaultValue OpenTelemetry's `diag` logger
   */
  readonly onError?: DeliveryErrorListener;
  /** @deprecated The old name of {@link exportTimeoutMillis}. */
  readonly sinkTimeoutMs?: number;
  /** @deprecated The old name of {@link maxQueueSize}. */
  readonly maxQueue?: number;
  /** @deprecated The old name of {@link maxExportBatchSize}. */
  readonly maxBatch?: number;
  /** @deprecated The old name of {@link scheduledDelayMillis}. */
  readonly lingerMs?: number;
}

/**
 * How records get from the capture side to the sinks.
 *
 * @see docs/delivery.md
 */
export interface PipelineOptions extends DeliveryOptions {
  /** The sinks; at least one. */
  readonly sinks: readonly (Sink | SinkEntry)[];
  /** Makes the record of lost ones. @defaultValue none: they are counted and reported */
  readonly gapRecord?: GapRecordFactory;
  /** Makes the record that goes before the first one. Called once, with the first record, when that is accepted. @defaultValue none */
  readonly firstRecord?: (next: DraftRecord) => DraftRecord;
  /** Makes the record that goes after the last one, when the log or its process ends. Not called where no record was accepted. @defaultValue none */
  readonly lastRecord?: (ending: Ending) => DraftRecord;
}

/** The options of a log that each of its workers has too. */
type WorkerBounds = Pick<
  DeliveryOptions,
  'maxQueueSize' | 'maxExportBatchSize' | 'scheduledDelayMillis' | 'exportTimeoutMillis' | 'maxRetryAfterMs'
>;

/** How one sink is served: the checked options of its worker. */
export interface SinkWorkerOptions extends Required<WorkerBounds> {
  readonly sink: Sink;
  /** Unlike any other sink's name in the pipeline. */
  readonly name: string;
  readonly filter: CompiledFilter | undefined;
  readonly mode: DeliveryMode;
  /** Whether callers wait for this sink. */
  readonly awaited: boolean;
  readonly ack: Ack;
  readonly overflow: 'wait' | 'drop';
  readonly gapRecord: GapRecordFactory | undefined;
  readonly report: Report;
  /** Where the sink's own log goes on, which it has where a filter leaves records out. */
  readonly count: CountStart;
}

/** Checked options; `workers` has one entry for each sink. */
export interface ResolvedPipeline {
  readonly workers: readonly SinkWorkerOptions[];
  readonly anyWillDo: boolean;
  readonly report: Report;
  /** Where the log goes on. */
  readonly count: CountStart;
  readonly sinks: readonly Sink[];
  readonly firstRecord: PipelineOptions['firstRecord'] | undefined;
  readonly lastRecord: ((ending: Ending) => DraftRecord) | undefined;
}

/** The options, checked, with defaults filled in; so are the entries of its sinks. */
type Checked = Omit<Resolved<'PipelineOptions', PipelineOptions>, 'sinks'> & {
  readonly sinks: readonly CheckedEntry[];
};
type CheckedEntry = Resolved<'SinkEntry', SinkEntry>;

/** @throws ConfigError */
export function resolvePipeline(given: PipelineOptions): ResolvedPipeline {
  const options = check(given);
  const { onError, firstRecord, lastRecord, sinks: entries } = options;
  const report = guardedReport(onError);
  const names = uniqueNames(entries.map(({ sink }) => sink));
  const workers = entries.map((entry, index) =>
    workerOptions(options, entry, `sinks[${index}]`, names[index] ?? 'sink', report),
  );
  if (options.mode === 'blocking-strict' && !workers.some(({ mode }) => mode === 'blocking-strict'))
    throw new ConfigError(
      'mode',
      `'blocking-strict' needs a sink that callers wait for; each of these is not required, or has another mode`,
    );
  return {
    ...{ workers, firstRecord, lastRecord },
    anyWillDo: options.requiredSinks === 'any',
    report,
    count: countAfter(entries.map(({ sink }) => sink)),
    sinks: entries.map(({ sink }) => sink),
  };
}

/**
 * The options of delivery by name, with their defaults: logs that share a pipeline must agree on all of them. `gapRecord` is
 * not among them, because any log that shares the sink may word its gap records.
 */
export function termsOf(given: PipelineOptions): ReadonlyMap<string, unknown> {
  const options = check(given);
  const terms = new Map<string, unknown>([
    ...Object.entries(ofSet('DeliveryOptions', options)),
    ['acks', ackOf(options, options.mode)],
    ['overflow', overflowOf(options, options.mode)],
    ['onError', options.onError],
  ]);
  for (const [index, entry] of options.sinks.entries()) {
    const at = `sinks[${index}]`;
    terms.set(`${at}.filter`, entry.filter);
    terms.set(`${at}.mode`, modeOfSink(options, entry, at));
    terms.set(`${at}.required`, entry.required);
    terms.set(`${at}.exportTimeoutMillis`, entry.exportTimeoutMillis ?? options.exportTimeoutMillis);
  }
  return terms;
}

function check(given: PipelineOptions): Checked {
  const options = checkOptions('PipelineOptions', 'pipeline', given, '');
  const sinks: unknown = options.sinks;
  if (!Array.isArray(sinks) || sinks.length === 0) reject('sinks', sinks, 'an array of at least one sink');
  return { ...options, sinks: sinks.map((entry: unknown, index) => sinkEntry(`sinks[${index}]`, entry)) };
}

function workerOptions(
  options: Checked,
  entry: CheckedEntry,
  at: string,
  name: string,
  report: Report,
): SinkWorkerOptions {
  const { filter, sink, required } = entry;
  const { maxQueueSize, maxExportBatchSize, maxRetryAfterMs } = options;
  const mode = modeOfSink(options, entry, at);
  const overflow = overflowOf(options, mode);
  const ack = ackOf(options, mode);
  if (ack !== 'accepted') sink.requireAck?.(ack);
  if (options.gapRecord !== undefined) sink.useGapRecord?.(options.gapRecord);
  const onError = (error: unknown) =>
    report(new Error(`the filter of sink '${name}' failed`, { cause: error }), {
      sink: name,
      lost: 0,
      records: [],
    });
  return {
    sink,
    name,
    mode,
    ack,
    overflow,
    awaited: required && (mode !== 'batch' || overflow === 'wait'),
    ...{ maxQueueSize, maxExportBatchSize, maxRetryAfterMs },
    scheduledDelayMillis: mode === 'batch' ? options.scheduledDelayMillis : 0,
    exportTimeoutMillis: entry.exportTimeoutMillis ?? options.exportTimeoutMillis,
    filter: filter && compileFilter(`${at}.filter`, filter, onError),
    gapRecord: options.gapRecord,
    report,
    count: countAfter([sink]),
  };
}

/** No operation waits for a sink that is not required, so such a sink of a strict log is served as in `blocking`. */
function modeOfSink(options: Checked, { mode: own, required }: CheckedEntry, at: string): DeliveryMode {
  if (own === 'blocking-strict' && !required)
    throw new ConfigError(
      `${at}.required`,
      `is false, but callers wait for every sink of mode 'blocking-strict'`,
    );
  return own ?? (options.mode === 'blocking-strict' && !required ? 'blocking' : options.mode);
}

function overflowOf(options: Checked, mode: DeliveryMode): 'wait' | 'drop' {
  return options.overflow ?? (mode === 'batch' ? 'drop' : 'wait');
}

function ackOf({ acks }: Checked, mode: DeliveryMode): Ack {
  if (mode === 'batch') return 'accepted';
  if (mode === 'blocking') return acks ?? 'written';
  if (acks !== undefined && !vouchesFor(acks, 'durable'))
    throw new ConfigError('acks', `'blocking-strict' needs 'durable' or 'delivered'`);
  return acks ?? 'durable';
}

function sinkEntry(at: string, given: unknown): CheckedEntry {
  const entry = isSink(given) ? { sink: given } : given;
  if (typeof entry !== 'object' || entry === null || !('sink' in entry) || !isSink(entry.sink))
    reject(at, given, 'a sink (an object with emit), or { sink, … }');
  return checkOptions('SinkEntry', at, entry as SinkEntry);
}

/** Names for errors and metrics: a second sink of the same name gets a number. */
function uniqueNames(sinks: readonly Sink[]): string[] {
  const seen = new Map<string, number>();
  return sinks.map((sink) => {
    const name = sinkName(sink);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}

/**
 * The sinks of a log, by its options `sink` and `sinks`.
 *
 * @throws ConfigError where there is none, or one that cannot be.
 */
export function resolveSinks(
  { sink, sinks }: { readonly sink?: Sink; readonly sinks?: readonly (Sink | SinkEntry)[] },
  profile: Profile,
): readonly (Sink | SinkEntry)[] {
  if (sink !== undefined && sinks !== undefined) reject('sinks', sinks, 'either sink or sinks, not both');
  if (sinks !== undefined && !Array.isArray(sinks)) reject('sinks', sinks, 'an array of sinks');
  const all = sinks ?? (sink === undefined ? [] : [sink]);
  if (all.length === 0)
    reject('sink', sink, 'a sink, e.g. new FileSink(path), or an object with an emit method');
  all.forEach((each, index) => {
    const option = sinks === undefined ? 'sink' : `sinks[${index}]`;
    if (!isSink(each) && !isSink((each as Partial<SinkEntry> | undefined)?.sink)) {
      reject(option, each, 'an object with an emit method');
    }
  });
  requireOneProfile(all, profile);
  return [...all];
}

/** A sink that was told another profile would give the names and numbers of the records another meaning. */
function requireOneProfile(all: readonly (Sink | SinkEntry)[], profile: Profile): void {
  for (const entry of all) {
    const sink = isSink(entry) ? entry : entry.sink;
    if (sink.profile !== undefined && sink.profile !== profile)
      throw new ConfigError(
        'profile',
        `is '${profile}', and that of sink '${sinkName(sink)}' is '${sink.profile}': leave it out at the sink, whose records say of which profile they are`,
      );
  }
}
