import { writeSync } from 'node:fs';
import type { ResolvedOptions } from '../config.js';
import { shared } from '../internal/shared.js';
import { printable } from '../internal/text.js';
import { followProcess, type LifecycleOptions } from '../pipeline/lifecycle.js';
import { pipelineFor, releasePipeline, type Pipeline } from '../pipeline/pipeline.js';
import type { PipelineStats } from '../pipeline/stats.js';
import { createRedactor, prepareRedactor, type Redactor } from '../redaction/createRedactor.js';
import { sinkName } from '../sinks/emit.js';
import type { GapInfo } from '../sinks/gap.js';
import type { Sink } from '../sinks/sink.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { keepsLog, logRecord, startRecord, stopRecord } from './logRecords.js';
import { dischargeClaiming } from './recorders.js';
import { Recording } from './recording.js';

/** One audit log, ready to record. */
export interface AuditLog {
  readonly recording: Recording;
  readonly pipeline: Pipeline;
  /** Shuts the pipeline down, and lets go of its sinks. */
  close(): Promise<void>;
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

/** Wires one audit log: redaction, then the pipeline to its sinks. */
export function createAuditLog(options: ResolvedOptions): AuditLog {
  const redactor = createRedactor(options.redaction);
  const { pipeline, isNew } = pipelineFor({
    ...options.pipeline,
    gapRecord: (gap) => redactor.record(gapRecord(options, gap)),
    ...((options.startRecord ?? keepsLog(options)) && {
      firstRecord: () => redactor.record(startRecord(options)),
      lastRecord: () => redactor.record(stopRecord(options)),
    }),
  });
  const recording = new Recording(options, redactor, pipeline);
  // What an earlier process left open is told once, however many clients write to this log.
  if (isNew) for (const intent of pipeline.unfinishedIntents) recording.recordUnknownOutcome(intent);
  const forget = makeAhead(() => rehearse(options, redactor));
  const close = () => {
    forget();
    releasePipeline(pipeline);
    dischargeClaiming(pipeline);
    return pipeline.shutdown();
  };
  announce(options);
  return { recording, pipeline, close };
}

/**
 * Redacts one record before there is any: V8 compiles functions and patterns when they first run, and a login that waits for
 * that holds up the program's event loop for milliseconds.
 */
function rehearse(options: ResolvedOptions, redactor: Redactor): void {
  prepareRedactor(redactor);
  redactor.record(startRecord(options));
}

function gapRecord({ settings }: ResolvedOptions, gap: GapInfo) {
  return logRecord(settings, {
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

/** What a log makes before its first record, and whether this process has an MCP client that there will be records of. */
const state = shared('ahead', () => ({ expectsRecords: false, waiting: new Set<() => void>() }));

/**
 * Has something made before the first record asks for it: when the MCP SDK is loaded, or now if it is. A login must not hold up the
 * program's event loop for what start-up can do, and a program that never loads the SDK pays nothing.
 *
 * @returns a function that takes it back.
 */
export function makeAhead(make: () => void): () => void {
  if (state.expectsRecords) make();
  else state.waiting.add(make);
  return () => state.waiting.delete(make);
}

/** Says that there is a client to be audited: whatever waits is made now. */
export function expectRecords(): void {
  state.expectsRecords = true;
  for (const make of state.waiting) make();
  state.waiting.clear();
}

/** Leaves the line out; a variable and no option, so that whoever runs an application decides, not who wrote it. */
const QUIET = 'OTEL_MCP_LOG_QUIET';

/** What this process has been told. */
const told = shared('announced', () => ({ destination: false }));

/** Says where records go: one line on stderr, once per process, for whoever wonders where the log is. */
function announce({ settings, pipeline }: ResolvedOptions): void {
  if (told.destination || /^(?:1|true)$/i.test(process.env[QUIET]?.trim() ?? '')) return;
  told.destination = true;
  const places = pipeline.sinks.map((entry) => placeOf('emit' in entry ? entry : entry.sink));
  const line = `${PACKAGE_NAME} ${PACKAGE_VERSION}: auditing MCP clients, environment ${settings.environment}, to ${places.join(', ')}`;
  try {
    // Past the stream: where nobody reads stderr any more, a failed write must not raise an error event in the application.
    writeSync(2, `${printable(line)} (${QUIET}=1 hides this line)\n`);
  } catch {
    // Nobody is there to be told.
  }
}

function placeOf(sink: Sink): string {
  return [sinkName(sink), sink.destination].filter((part) => part !== undefined && part !== '').join(' ');
}
