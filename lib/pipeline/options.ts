import { optionalDelay } from '../internal/duration.js';
import { ConfigError } from '../errors.js';
import type { DraftRecord } from '../schema/record.js';
import type { GapRecordFactory } from '../sinks/gap.js';
import { MAX_RETRY_AFTER_MS } from '../sinks/retry.js';
import { isSink, sinkName } from '../sinks/emit.js';
import { ACKS, vouchesFor, type Ack, type Sink } from '../sinks/sink.js';
import {
  optionalBoolean,
  optionalChoice,
  optionalInteger,
  reject,
  requireKnownOptions,
} from '../internal/validate.js';
import { compileFilter, type CompiledFilter, type SinkFilter } from './filter.js';
import { diag } from '@opentelemetry/api';

/** What a caller waits for, named as Kubernetes names the modes of its audit backends. */
export type Mode = 'blocking' | 'blocking-strict' | 'batch';

const MODES: readonly Mode[] = ['blocking', 'blocking-strict', 'batch'];
const SINK_KEYS = ['sink', 'filter', 'mode', 'required', 'deadlineMs'];
const OPTION_KEYS = [
  ...[
    'sinks',
    'mode',
    'acks',
    'requiredSinks',
    'sinkTimeoutMs',
    'maxQueue',
    'maxBatch',
    'lingerMs',
    'overflow',
    'maxRetryAfterMs',
  ],
  ...['onError', 'gapRecord', 'firstRecord', 'lastRecord'],
];

/** A sink with a treatment of its own. */
export interface SinkEntry {
  /** Where its records go. */
  readonly sink: Sink;
  /** Which records it gets. A filtered log has numbers (`seq`) of its own, so that a hole still means a loss. @defaultValue all */
  readonly filter?: SinkFilter;
  /** What callers wait for at this sink. @defaultValue the pipeline's */
  readonly mode?: Mode;
  /**
   * Whether callers wait for this sink, and hear of its failures. In a `blocking-strict` log, one that is not required is
   * served as in `blocking`: it holds up no operation.
   * @defaultValue true
   */
  readonly required?: boolean;
  /** How long callers wait for this sink, in ms. @defaultValue `sinkTimeoutMs` */
  readonly deadlineMs?: number;
}

/** How records get from the capture side to the sinks. */
export interface PipelineOptions {
  /** At least one. */
  readonly sinks: readonly (Sink | SinkEntry)[];
  /** What a caller waits for. @defaultValue `blocking` */
  readonly mode?: Mode;
  /**
   * How far every awaited sink must vouch for a record before its caller goes on.
   * @defaultValue `written`; in `blocking-strict` `durable`, and nothing less
   */
  readonly acks?: Ack;
  /** Whether a caller needs all awaited sinks or one of them. @defaultValue `all` */
  readonly requiredSinks?: 'all' | 'any';
  /** How long a caller waits for a sink, in ms, from the moment its record was accepted. @defaultValue 10,000 */
  readonly sinkTimeoutMs?: number;
  /** How many records may wait per sink. @defaultValue 10,000 */
  readonly maxQueue?: number;
  /** How many records a sink gets at once, at most. @defaultValue 512, as OpenTelemetry's BatchSpanProcessor */
  readonly maxBatch?: number;
  /** How long `batch` mode gathers records before it writes, in ms. @defaultValue 100; the other modes never wait */
  readonly lingerMs?: number;
  /**
   * How long a receiver may put us off with one answer (`Retry-After`, `retryAfterMs`), in ms: what it asks for beyond this is
   * told to `onError` once, and not kept.
   * @defaultValue 3,600,000
   */
  readonly maxRetryAfterMs?: number;
  /** What happens when a queue is full: callers wait for room, or the record is dropped and counted. @defaultValue `drop` in `batch`, else `wait` */
  readonly overflow?: 'wait' | 'drop';
  /** Told of every failure. @defaultValue the diagnostic log of OpenTelemetry */
  readonly onError?: ErrorListener;
  /** Makes the record that tells of lost ones. Without it they are only counted and reported. */
  readonly gapRecord?: GapRecordFactory;
  /** Makes the record that goes before the first one: asked once, when that is accepted. @defaultValue none */
  readonly firstRecord?: () => DraftRecord;
  /** Makes the record that goes after the last one, at shutdown; not asked where nothing was accepted. @defaultValue none */
  readonly lastRecord?: () => DraftRecord;
}

/** How one sink is served. */
export interface SinkWorkerOptions {
  readonly sink: Sink;
  /** Unlike any other sink's name in the pipeline. */
  readonly name: string;
  readonly filter: CompiledFilter | undefined;
  readonly mode: 'blocking' | 'blocking-strict' | 'batch';
  /** Whether callers wait for this sink. */
  readonly awaited: boolean;
  readonly ack: Ack;
  readonly overflow: 'wait' | 'drop';
  /** Records. */
  readonly maxQueue: number;
  readonly maxBatch: number;
  readonly lingerMs: number;
  readonly deadlineMs: number;
  readonly maxRetryAfterMs: number;
  readonly gapRecord: GapRecordFactory | undefined;
  readonly report: Report;
  /** The first number of its own log, where a filter makes it one of its own. */
  readonly firstSeq: number;
}

/** Checked options, one set per sink. */
export interface ResolvedPipeline {
  readonly workers: readonly SinkWorkerOptions[];
  readonly anyWillDo: boolean;
  readonly report: Report;
  /** The number of the next record. */
  readonly firstSeq: number;
  readonly sinks: readonly Sink[];
  readonly firstRecord: (() => DraftRecord) | undefined;
  readonly lastRecord: (() => DraftRecord) | undefined;
}

/** @throws ConfigError */
export function resolvePipeline(options: PipelineOptions): ResolvedPipeline {
  requireKnownOptions('pipeline', options, OPTION_KEYS);
  const { onError, gapRecord, firstRecord, lastRecord, sinks } = options;
  optionalFunction('onError', onError);
  optionalFunction('gapRecord', gapRecord);
  optionalFunction('firstRecord', firstRecord);
  optionalFunction('lastRecord', lastRecord);
  if (!Array.isArray(sinks) || sinks.length === 0) reject('sinks', sinks, 'an array of at least one sink');
  const report = guardedReport(onError);
  const entries = sinks.map((given: unknown, index) => sinkEntry(`sinks[${index}]`, given));
  const names = uniqueNames(entries.map(({ sink }) => sink));
  const workers = entries.map((entry, index) =>
    workerOptions(options, entry, `sinks[${index}]`, names[index] ?? 'sink', report),
  );
  if (modeOf(options) === 'blocking-strict' && !workers.some(({ mode }) => mode === 'blocking-strict'))
    throw new ConfigError('mode', `'blocking-strict' needs a sink to wait for, and each says otherwise`);
  return {
    ...{ workers, firstRecord, lastRecord },
    anyWillDo: optionalChoice('requiredSinks', options.requiredSinks, ['all', 'any'], 'all') === 'any',
    report,
    firstSeq: Math.max(-1, ...entries.map(({ sink }) => sink.lastSeq ?? -1)) + 1,
    sinks: entries.map(({ sink }) => sink),
  };
}

/**
 * What a pipeline is made with, defaults filled in, by the name of each option: those that share a pipeline must agree on
 * all of it. Not among them is `gapRecord`, since a gap is one of the sink's, in whatever log's words.
 */
export function termsOf(options: PipelineOptions): ReadonlyMap<string, unknown> {
  const mode = options.mode ?? 'blocking';
  const timeout = options.sinkTimeoutMs ?? SINK_TIMEOUT_MS;
  const terms = new Map<string, unknown>([
    ['mode', mode],
    ['acks', ackOf(options, mode)],
    ['requiredSinks', options.requiredSinks ?? 'all'],
    ['sinkTimeoutMs', timeout],
    ['maxQueue', options.maxQueue ?? MAX_QUEUE],
    ['maxBatch', options.maxBatch ?? MAX_BATCH],
    ['lingerMs', options.lingerMs ?? LINGER_MS],
    ['maxRetryAfterMs', options.maxRetryAfterMs ?? MAX_RETRY_AFTER_MS],
    ['overflow', options.overflow ?? (mode === 'batch' ? 'drop' : 'wait')],
    ['onError', options.onError],
  ]);
  for (const [index, given] of options.sinks.entries()) {
    const entry = sinkEntry(`sinks[${index}]`, given);
    terms.set(`sinks[${index}].filter`, entry.filter);
    terms.set(`sinks[${index}].mode`, modeOfSink(mode, entry, entry.required ?? true, `sinks[${index}]`));
    terms.set(`sinks[${index}].required`, entry.required ?? true);
    terms.set(`sinks[${index}].deadlineMs`, entry.deadlineMs ?? timeout);
  }
  return terms;
}

function workerOptions(
  options: PipelineOptions,
  entry: SinkEntry,
  at: string,
  name: string,
  report: Report,
): SinkWorkerOptions {
  const { filter, sink } = entry;
  const required = optionalBoolean(`${at}.required`, entry.required, true);
  const mode = modeOfSink(modeOf(options), entry, required, at);
  const overflow = optionalChoice(
    'overflow',
    options.overflow,
    ['wait', 'drop'],
    mode === 'batch' ? 'drop' : 'wait',
  );
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
    ...bounds(options, entry, at),
    sink,
    name,
    mode,
    ack,
    overflow,
    awaited: required && (mode !== 'batch' || overflow === 'wait'),
    ...(mode !== 'batch' && { lingerMs: 0 }),
    filter: filter && compileFilter(`${at}.filter`, filter, onError),
    gapRecord: options.gapRecord,
    report,
    firstSeq: (sink.lastSeq ?? -1) + 1,
  };
}

/** A sink that nobody waits for cannot hold an operation up: it gets the records of a strict log in its own time. */
function modeOfSink(inherited: Mode, entry: SinkEntry, required: boolean, at: string): Mode {
  const fallback = inherited === 'blocking-strict' && !required ? 'blocking' : inherited;
  const mode = optionalChoice(`${at}.mode`, entry.mode, MODES, fallback);
  if (mode === 'blocking-strict' && !required)
    throw new ConfigError(`${at}.required`, `is false, and 'blocking-strict' waits for its sinks`);
  return mode;
}

function modeOf(options: PipelineOptions): Mode {
  return optionalChoice('mode', options.mode, MODES, 'blocking');
}

/** The numbers among the options, checked. */
function bounds(options: PipelineOptions, entry: SinkEntry, at: string) {
  const ms = (option: string, value: unknown, fallback: number, min: number) =>
    optionalDelay(option, value, { fallback, min });
  const timeout = ms('sinkTimeoutMs', options.sinkTimeoutMs, SINK_TIMEOUT_MS, 1);
  return {
    deadlineMs: ms(`${at}.deadlineMs`, entry.deadlineMs, timeout, 1),
    lingerMs: ms('lingerMs', options.lingerMs, LINGER_MS, 0),
    maxRetryAfterMs: ms('maxRetryAfterMs', options.maxRetryAfterMs, MAX_RETRY_AFTER_MS, 0),
    maxQueue: optionalInteger('maxQueue', options.maxQueue, { fallback: MAX_QUEUE, min: 1 }),
    maxBatch: optionalInteger('maxBatch', options.maxBatch, { fallback: MAX_BATCH, min: 1 }),
  };
}

const SINK_TIMEOUT_MS = 10_000;
const MAX_QUEUE = 10_000;
const MAX_BATCH = 512;
const LINGER_MS = 100;

function ackOf(options: PipelineOptions, mode: Mode): Ack {
  const least = mode === 'blocking-strict' ? 'durable' : mode === 'batch' ? 'accepted' : 'written';
  const acks = optionalChoice('acks', options.acks, ACKS, least);
  if (mode === 'batch') return 'accepted';
  if (mode === 'blocking-strict' && !vouchesFor(acks, 'durable'))
    throw new ConfigError('acks', `'blocking-strict' needs 'durable' or 'delivered'`);
  return acks;
}

function sinkEntry(at: string, given: unknown): SinkEntry {
  if (isSink(given)) return { sink: given };
  if (typeof given !== 'object' || given === null || !('sink' in given) || !isSink(given.sink))
    reject(at, given, 'a sink (an object with emit), or { sink, … }');
  requireKnownOptions(at, given, SINK_KEYS);
  return { ...given, sink: given.sink };
}

/** Two sinks of one name must be told apart in errors and metrics. */
function uniqueNames(sinks: readonly Sink[]): string[] {
  const seen = new Map<string, number>();
  return sinks.map((sink) => {
    const name = sinkName(sink);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  });
}

function optionalFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') reject(option, value, 'a function');
}

/** What `onError` is told beside the error. */
export interface ErrorInfo {
  /** The sink concerned; absent when it concerns the pipeline itself. */
  readonly sink?: string;
  /** How many records the sink has lost by it; 0 when they are still being tried, or are only late. */
  readonly lost: number;
  /** The records concerned, lost or late, so that they can be put aside. Redacted, as every record here is. */
  readonly records: readonly DraftRecord[];
}

/** The user's failure callback. What it throws is contained. */
export type ErrorListener = (error: Error, info: ErrorInfo) => void;

/** Tells of a failure: to the user's callback if there is one, else to the diagnostic log. Never throws. */
export type Report = (error: Error, info: ErrorInfo) => void;

/** Guards a user's callback. */
export function guardedReport(onError: ErrorListener | undefined): Report {
  if (onError === undefined) return (error) => diag.error(`audit log: ${error.message}`);
  return (error, info) => {
    try {
      const returned: unknown = onError(error, info);
      if (returned instanceof Promise) returned.catch(complain);
    } catch {
      complain();
    }
  };
}

function complain(): void {
  diag.error('audit log: the onError callback failed');
}
