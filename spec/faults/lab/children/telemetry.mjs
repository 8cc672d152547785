// Set-ups of OpenTelemetry in which a log that leant on spans would lose records, or take others' word for its own.
import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const bug = () => {
  throw new Error("a neighbour's bug");
};
const quiet = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
const other = { 'mcp.method.name': 'rewritten', 'gen_ai.tool.name': 'rewritten', 'error.type': 'rewritten' };

const SAMPLERS = {
  none: () => new AlwaysOffSampler(),
  'ratio 0': () => new TraceIdRatioBasedSampler(0),
  parent: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  throwing: () => ({ shouldSample: bug, toString: () => 'throwing' }),
  rewriting: () => ({
    shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, attributes: other }),
    toString: () => 'rewriting',
  }),
};

const PROCESSORS = {
  'throws in onStart': { ...quiet, onStart: bug },
  'throws in onEnd': { ...quiet, onEnd: bug },
  'rejects at the end': {
    ...quiet,
    forceFlush: () => Promise.reject(new Error('no')),
    shutdown: () => Promise.reject(new Error('no')),
  },
  'rewrites at the start': {
    ...quiet,
    onStart: (span) => void span.updateName('rewritten').setAttributes(other),
  },
  'rewrites at the end': { ...quiet, onEnd: (span) => void Object.assign(span.attributes, other) },
  'deletes at the end': {
    ...quiet,
    onEnd: (span) => Object.keys(span.attributes).forEach((key) => delete span.attributes[key]),
  },
};

const remote = {
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: '0123456789abcdef',
  traceFlags: TraceFlags.NONE,
};
const CONTEXTS = {
  'unsampled remote parent': () => trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true }),
  'unsampled local parent': () => trace.setSpanContext(ROOT_CONTEXT, remote),
  'suppressed tracing': () => suppressTracing(ROOT_CONTEXT),
};

/** Registers a provider as a plan says, with what is to come after the processors that it names. */
export function register({ sampler, processors = [] }, last = []) {
  const named = processors.map((name) => PROCESSORS[name]);
  new NodeTracerProvider({
    ...(sampler && { sampler: SAMPLERS[sampler]() }),
    spanProcessors: [...named, ...last],
  }).register();
}

/** Runs work in the context that a plan names. */
export const inContext = (name, work) => (name === undefined ? work() : context.with(CONTEXTS[name](), work));
