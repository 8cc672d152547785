import type { ResolvedOptions } from '../config.js';
import { followProcess, type LifecycleOptions } from '../pipeline/lifecycle.js';
import { type Pipeline, pipelineFor, releasePipeline } from '../pipeline/pipeline.js';
import type { PipelineStats } from '../pipeline/stats.js';
import { createRedactor, prepareRedactor, type Redactor } from '../redaction/createRedactor.js';
import { makeAhead } from './ahead.js';
import type { GapInfo } from '../sinks/gap.js';
import { announce } from './announce.js';
import { logRecord } from './logRecord.js';
import { keepsLog, startRecord, stopRecord } from './processRecords.js';
import { dischargeClaiming } from './recorder.js';
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
