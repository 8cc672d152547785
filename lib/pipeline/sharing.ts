import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors.js';
import { shared } from '../internal/shared.js';
import type { Sink } from '../sinks/sink.js';
import { termsOf, type PipelineOptions } from './options.js';
import { createPipeline, type Pipeline } from './pipeline.js';

/** A pipeline in use, and what those who share it have agreed on. */
interface Shared {
  readonly pipeline: Pipeline;
  readonly sinks: readonly Sink[];
  readonly terms: ReadonlyMap<string, unknown>;
}

/** By sink: a sink has one order, and two pipelines would number its records twice. */
const inUse = shared('pipelines', () => new WeakMap<Sink, Shared>());

/**
 * The pipeline to these sinks: the one that they have, where another client's log brought them before with the same options
 * of delivery, else a new one. Whatever differs and would be ignored is refused.
 *
 * @throws ConfigError naming the first option that differs.
 */
export function pipelineFor(options: PipelineOptions): { pipeline: Pipeline; isNew: boolean } {
  const sinks = options.sinks.map((entry) => ('emit' in entry ? entry : entry.sink));
  const known = sinks.map((sink) => inUse.get(sink)).find((each) => each !== undefined);
  if (known !== undefined) {
    requireSame(known, sinks, termsOf(options));
    return { pipeline: known.pipeline, isNew: false };
  }
  const pipeline = createPipeline(options);
  const entry = { pipeline, sinks, terms: termsOf(options) };
  for (const sink of sinks) inUse.set(sink, entry);
  return { pipeline, isNew: true };
}

/** Lets go of the sinks of a pipeline that is being shut down. */
export function releasePipeline(pipeline: Pipeline): void {
  for (const sink of pipeline.sinks) if (inUse.get(sink)?.pipeline === pipeline) inUse.delete(sink);
}

function requireSame(known: Shared, sinks: readonly Sink[], terms: ReadonlyMap<string, unknown>): void {
  const sameSinks =
    known.sinks.length === sinks.length && known.sinks.every((sink, index) => sink === sinks[index]);
  if (!sameSinks) refuse('sinks', 'other sinks');
  for (const [option, value] of terms)
    // Functions are the same where they are one and the same.
    if (!isDeepStrictEqual(value, known.terms.get(option))) refuse(option, `another ${option}`);
}

function refuse(option: string, difference: string): never {
  throw new ConfigError(
    option,
    `a sink is in use by another audit log with ${difference}, and has one way of delivery; give both logs the same, or each a sink of its own`,
  );
}
