import type { ResolvedOptions } from '../config.js';
import { ConfigError } from '../errors.js';
import { followProcess, type LifecycleOptions } from '../pipeline/lifecycle.js';
import type { PipelineOptions } from '../pipeline/options.js';
import { createPipeline, type Pipeline } from '../pipeline/pipeline.js';
import type { PipelineStats } from '../pipeline/stats.js';
import { createRedactor } from '../redaction/createRedactor.js';
import { shared } from '../shared.js';
import type { GapInfo } from '../sinks/gap.js';
import type { Sink } from '../sinks/sink.js';
import { announce } from './announce.js';
import { logRecord } from './logRecord.js';
import { Recording } from './recording.js';

interface Owner {
  readonly pipeline: Pipeline;
  readonly sinks: readonly Sink[];
  readonly delivery: string;
}

const owners = shared('pipelines', () => new WeakMap<Sink, Owner>());

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
   * when the event loop runs empty, and on `exit`. Opt-in, because a process's listeners are the application's.
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
  const pipeline = pipelineFor({
    ...options.pipeline,
    gapRecord: (gap) => redactor.record(gapRecord(options, gap)),
  });
  const recording = new Recording(options, redactor, pipeline);
  for (const intent of pipeline.unfinishedIntents) recording.recordUnknownOutcome(intent);
  const close = () => {
    for (const entry of options.pipeline.sinks) owners.delete('emit' in entry ? entry : entry.sink);
    return pipeline.shutdown();
  };
  announce(options);
  return { recording, pipeline, close };
}

/**
 * One pipeline per set of sinks: a sink has one order, and two pipelines would number its records twice. Whoever brings the
 * same sinks again, for another client, say, joins the pipeline that they have.
 */
function pipelineFor(options: PipelineOptions): Pipeline {
  const sinks = options.sinks.map((entry) => ('emit' in entry ? entry : entry.sink));
  const delivery = JSON.stringify({
    ...options,
    // Of a sink that stands for itself nothing is an option, and what it holds may change.
    sinks: options.sinks.map((entry) => ('emit' in entry ? {} : { ...entry, sink: undefined })),
  });
  const known = sinks.map((sink) => owners.get(sink)).find((owner) => owner !== undefined);
  if (known !== undefined) {
    const same = known.delivery === delivery && known.sinks.length === sinks.length;
    if (same && known.sinks.every((sink, index) => sink === sinks[index])) return known.pipeline;
    throw new ConfigError(
      'sinks',
      'a sink is in use by another audit log with other sinks or other delivery options; give each log sinks of its own',
    );
  }
  const pipeline = createPipeline(options);
  for (const sink of sinks) owners.set(sink, { pipeline, sinks, delivery });
  return pipeline;
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
