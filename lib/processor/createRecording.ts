import type { ResolvedOptions } from '../config.js';
import { createPipeline, type Pipeline } from '../pipeline/pipeline.js';
import { createRedactor } from '../redaction/createRedactor.js';
import { Recording } from './recording.js';

/** Wires one audit log: redaction, then the pipeline to its sinks. */
export function createRecording(options: ResolvedOptions): { recording: Recording; pipeline: Pipeline } {
  const redactor = createRedactor(options.redaction);
  const pipeline = createPipeline({ sinks: options.sinks, onError: (error) => recording.report(error) });
  const recording = new Recording(options, redactor, pipeline);
  return { recording, pipeline };
}
