import { writeSync } from 'node:fs';
import type { ResolvedOptions } from '../config.js';
import { openKeys } from '../erasure/options.js';
import { RESERVED_BYTES, type ProtectorOptions } from '../erasure/protector.js';
import { ConfigError } from '../errors.js';
import { shared } from '../internal/shared.js';
import { printable } from '../internal/text.js';
import { followProcess, type Ending, type LifecycleOptions } from '../pipeline/lifecycle.js';
import { pipelineFor, releasePipeline, type Pipeline } from '../pipeline/pipeline.js';
import type { PipelineStats } from '../pipeline/stats.js';
import { OPTIONS } from '../options/tables.js';
import type { Side } from '../origin.js';
import { createRedactor, prepareRedactor, type Redactor } from '../redaction/createRedactor.js';
import { sinkName, type GapInfo, type Sink } from '../sinks/sink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { Committer } from './commitments.js';
import { keepsLog, logRecord, startRecord, stopRecord } from './logRecords.js';
import { dischargeClaiming } from './recorders.js';
import { Recording } from './recording.js';

/** One audit log, ready to record. */
export interface AuditLog {
  readonly recording: Recording;
  readonly pipeline: Pipeline;
  /** Shuts the pipeline down and releases its sinks; its last record says why. */
  close(ending?: Ending): Promise<void>;
}

/** What can be asked of an audit log from outside. */
export interface AuditLogHandle {
  /** Resolves when every record so far is delivered; rejects with `SinkError` where one could not be. */
  forceFlush(): Promise<void>;
  /** Flushes and closes the sinks, once. A record after this is refused loudly. */
  shutdown(): Promise<void>;
  /** What became of the records, in all and per sink: for those without a MeterProvider. */
  stats(): PipelineStats;
  /**
   * Delivers what is held when the process ends: on SIGTERM and SIGINT (after which it dies of the signal as it would have),
   * and when the event loop runs empty. Opt-in, because a process's listeners are the application's. On `exit` every log writes
   * what it can without an event loop, followed or not.
   *
   * @returns a function that takes the listeners away again.
   * @throws ConfigError when an option cannot work.
   */
  followProcess(options?: LifecycleOptions): () => void;
}

/** The part of an audit log that its users see. */
export function handleOf({ pipeline, close }: AuditLog): AuditLogHandle {
  let closed: Promise<void> | undefined;
  return {
    forceFlush: () => pipeline.forceFlush(),
    shutdown: () => (closed ??= close()),
    stats: () => pipeline.stats(),
    followProcess: (options) => followProcess(pipeline, options),
  };
}

/** What a log is for, as far as it is known when it is made. */
export type Audited = 'clients' | 'servers' | 'clients and servers';

/** Wires one audit log: redaction, then the pipeline to its sinks. */
export function createAuditLog(options: ResolvedOptions, audited: Audited): AuditLog {
  const redactor = redactorOf(options);
  const committer = new Committer(options);
  // Whose log it is: of the side that its first record is of.
  let side: Side = audited === 'servers' ? 'server' : 'client';
  const { pipeline, isNew } = pipelineFor({
    ...options.pipeline,
    gapRecord: (gap) => redactor.record(gapRecord(options, side, gap)),
    ...((options.startRecord ?? keepsLog(options)) && {
      firstRecord: ({ mcp }) => {
        if (mcp !== undefined) side = mcp.side ?? 'client';
        return redactor.record(startRecord(options, side, committer.words));
      },
      lastRecord: (ending: Ending) => redactor.record(stopRecord(options, side, committer.words, ending)),
    }),
  });
  const recording = new Recording(options, redactor, pipeline, committer, protection(options));
  // One record for each operation that an earlier process left open, however many clients write to this log.
  if (isNew) for (const intent of pipeline.unfinishedIntents) recording.recordUnknownOutcome(intent);
  const forget = makeAhead(() => rehearse(options, redactor));
  const close = (ending?: Ending) => {
    forget();
    releasePipeline(pipeline);
    dischargeClaiming(pipeline);
    // Records that wait for a key are among the last.
    return pipeline.shutdown(ending).finally(() => recording.forgetKeys());
  };
  announce(options, audited);
  return { recording, pipeline, close };
}

/** Prepares a log that is opened later, when its process has loaded an MCP client. */
export function prepareAhead(options: ResolvedOptions): void {
  makeAhead(() => rehearse(options, redactorOf(options)));
}

/** The redactor of a log. It leaves room for what encryption adds to a record. */
function redactorOf({ redaction, erasure }: ResolvedOptions): Redactor {
  if (erasure === undefined) return createRedactor(redaction);
  const totalBytes = lineBytes(redaction) - RESERVED_BYTES;
  if (totalBytes < OPTIONS.LimitOptions.totalBytes.minimum)
    throw new ConfigError(
      'redaction.limits.totalBytes',
      `must be ${OPTIONS.LimitOptions.totalBytes.minimum + RESERVED_BYTES} or more where erasure is set`,
    );
  return createRedactor({ ...redaction, limits: { ...redaction.limits, totalBytes } });
}

function lineBytes({ limits }: ResolvedOptions['redaction']): number {
  return limits?.totalBytes ?? OPTIONS.LimitOptions.totalBytes.default;
}

/** What encrypts the personal values of a log's records, where there are keys. */
function protection({ erasure, redaction }: ResolvedOptions): ProtectorOptions | undefined {
  if (erasure === undefined) return undefined;
  return { keys: openKeys(erasure), fields: erasure.fields, totalBytes: lineBytes(redaction) };
}

/**
 * Redacts a record that is not written. V8 compiles functions and patterns when they first run; at a login that would block the
 * program's event loop for milliseconds.
 */
function rehearse(options: ResolvedOptions, redactor: Redactor): void {
  prepareRedactor(redactor);
  redactor.record(startRecord(options, 'client'));
}

function gapRecord({ settings }: ResolvedOptions, side: Side, gap: GapInfo) {
  return logRecord(settings, side, {
    what: 'gap',
    message: `Lost ${gap.count} ${gap.count === 1 ? 'record' : 'records'}.`,
    outcome: 'OUTCOME_FAILURE_ERROR',
    severity: 'SEVERITY_ERROR',
    data: {
      sink: gap.sink,
      count: gap.count,
      first_time: gap.firstTime,
      last_time: gap.lastTime,
      cause: gap.cause,
    },
  });
}

/** What logs prepare before their first record, and whether this process has loaded an MCP client. */
const state = shared('ahead', () => ({ expectsRecords: false, waiting: new Set<() => void>() }));

/**
 * Prepares something before the first record needs it: now if the MCP SDK is loaded, or else when it is. A login must not block the
 * program's event loop for work that can be done at start-up, and a program that never loads the SDK pays nothing.
 *
 * @returns a function that cancels it.
 */
export function makeAhead(make: () => void): () => void {
  if (state.expectsRecords) make();
  else state.waiting.add(make);
  return () => state.waiting.delete(make);
}

/** Notes that there is an MCP client: what waits is prepared now. */
export function expectRecords(): void {
  state.expectsRecords = true;
  for (const make of state.waiting) make();
  state.waiting.clear();
}

/** Leaves the line out. A variable and no option: the operator of an application decides, not its author. */
const QUIET = 'OTEL_MCP_LOG_QUIET';

/** Whether this process has printed the line. */
const told = shared('announced', () => ({ destination: false }));

/** Says what is audited and where records go, in one line on stderr, once per process. */
function announce({ settings, pipeline }: ResolvedOptions, audited: Audited): void {
  if (told.destination || /^(?:1|true)$/i.test(process.env[QUIET]?.trim() ?? '')) return;
  told.destination = true;
  const places = pipeline.sinks.map((entry) => placeOf('emit' in entry ? entry : entry.sink));
  const line = `${PACKAGE_NAME} ${PACKAGE_VERSION}: auditing MCP ${audited}, environment ${settings.environment}, to ${places.join(', ')}`;
  try {
    // Not through `process.stderr`: where its other end is closed, a failed write would emit an error event in the application.
    writeSync(2, `${printable(line)} (${QUIET}=1 hides this line)\n`);
  } catch {
    // stderr is closed.
  }
}

function placeOf(sink: Sink): string {
  return [sinkName(sink), sink.destination].filter((part) => part !== undefined && part !== '').join(' ');
}
