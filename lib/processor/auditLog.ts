import type { ResolvedOptions } from '../config.js';
import { ConfigError } from '../errors.js';
import type { PipelineOptions } from '../pipeline/options.js';
import { createPipeline, type Pipeline } from '../pipeline/pipeline.js';
import { createRedactor } from '../redaction/createRedactor.js';
import { shared } from '../shared.js';
import type { GapInfo } from '../sinks/gap.js';
import type { Sink } from '../sinks/sink.js';
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
    sinks: options.sinks.map((entry) => ({ ...entry, sink: undefined })),
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
    message: `Lost ${gap.count} records.`,
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
