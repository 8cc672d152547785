import { context, ROOT_CONTEXT, trace, TraceFlags, type Context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SamplingDecision,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { audited } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { SETUPS, type ProviderConfig } from '../support/telemetry.js';

const REMOTE = {
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: '0123456789abcdef',
  traceFlags: TraceFlags.NONE,
  isRemote: true,
};

const quiet: SpanProcessor = {
  onStart: () => undefined,
  onEnd: () => undefined,
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

function bug(): never {
  throw new Error("a neighbour's bug");
}

/** Says of every span that it is something else. */
const rewriting: Sampler = {
  shouldSample: () => ({
    decision: SamplingDecision.RECORD_AND_SAMPLED,
    attributes: { 'mcp.method.name': 'rewritten', 'gen_ai.tool.name': 'rewritten' },
  }),
  toString: () => 'rewriting',
};

interface Case {
  readonly config: ProviderConfig;
  readonly within?: Context;
  /** How many spans of the call an exporter beside us gets. */
  readonly exported: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'a sampler that takes all': { config: { sampler: new AlwaysOnSampler() }, exported: 1 },
  'a sampler that takes none': { config: { sampler: new AlwaysOffSampler() }, exported: 0 },
  'the ratio 0': { config: { sampler: new TraceIdRatioBasedSampler(0) }, exported: 0 },
  'an unsampled remote parent': {
    config: { sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }) },
    within: trace.setSpanContext(ROOT_CONTEXT, REMOTE),
    exported: 0,
  },
  'an unsampled local parent': {
    config: { sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }) },
    within: trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, isRemote: false }),
    exported: 0,
  },
  'suppressed tracing': { config: {}, within: suppressTracing(ROOT_CONTEXT), exported: 0 },
  'suppressed tracing in a sampled trace': {
    config: {},
    within: suppressTracing(
      trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags: TraceFlags.SAMPLED }),
    ),
    exported: 0,
  },
  'limits on attributes': {
    config: { spanLimits: { attributeCountLimit: 1, attributeValueLengthLimit: 1 } },
    exported: 1,
  },
  'a sampler that throws': { config: { sampler: { shouldSample: bug, toString: () => 'bug' } }, exported: 0 },
  'a sampler that rewrites attributes': { config: { sampler: rewriting }, exported: 1 },
  'a processor that throws in onStart': {
    config: { spanProcessors: [{ ...quiet, onStart: bug }] },
    exported: 0,
  },
  'a processor that throws in onEnd': { config: { spanProcessors: [{ ...quiet, onEnd: bug }] }, exported: 0 },
  'a span that never ends': {
    config: {
      spanProcessors: [{ ...quiet, onStart: (span) => void Object.assign(span, { end: () => undefined }) }],
    },
    exported: 0,
  },
  'a processor that rewrites spans': {
    config: {
      spanProcessors: [
        {
          ...quiet,
          onStart: (span) => void span.updateName('rewritten').setAttribute('mcp.method.name', 'rewritten'),
        },
      ],
    },
    exported: 1,
  },
};

async function callUnder(within: Context) {
  const { client, connect, received } = pair();
  const sink = audited(client);
  await connect();
  const result = await context.with(within, () =>
    client.callTool({ name: 'echo', arguments: { message: 'hello' } }),
  );
  const sent = received.at(-1) as { params?: { _meta?: { traceparent?: string } } };
  return { record: sink.only('tools/call'), traceparent: sent.params?._meta?.traceparent, result };
}

for (const [kind, setUp] of Object.entries(SETUPS)) {
  describe(`records under ${kind}`, () => {
    let tearDown: (() => Promise<void>) | undefined;

    afterEach(() => tearDown?.());

    for (const [name, { config, within = ROOT_CONTEXT, exported }] of Object.entries(CASES)) {
      it(`are whole under ${name}, with the ids that are on the wire`, async () => {
        const exporter = new InMemorySpanExporter();
        const beside = new SimpleSpanProcessor(exporter);
        tearDown = setUp({ ...config, spanProcessors: [...(config.spanProcessors ?? []), beside] });
        const { record, traceparent, result } = await callUnder(within);
        expect(result).to.deep.include({ content: [{ type: 'text', text: 'said hello' }] });
        expect(record).to.include({ resource: 'tools/echo', outcome: 'OUTCOME_SUCCESS' });
        expect(record.mcp).to.deep.include({
          method: 'tools/call',
          tool_name: 'echo',
          tool_arguments: { message: 'hello' },
          request_id: '1',
        });
        expect(traceparent).to.match(new RegExp(`^00-${record.trace_id}-${record.span_id}-0[01]$`));
        expect(record.correlation_id).to.equal(record.trace_id);
        const parent = trace.getSpanContext(within);
        expect(record.parent_span_id).to.equal(parent?.spanId);
        if (parent !== undefined) expect(record.trace_id).to.equal(parent.traceId);
        const spans = exporter
          .getFinishedSpans()
          .filter((span) => span.spanContext().spanId === record.span_id);
        expect(spans).to.have.length(exported);
        if (exported === 0 && config.spanProcessors === undefined) expect(traceparent).to.match(/-00$/);
      });
    }
  });
}

describe('records without any SDK', () => {
  it('are whole, with ids that are on the wire', async () => {
    const { record, traceparent } = await callUnder(ROOT_CONTEXT);
    expect(record).to.include({ resource: 'tools/echo', outcome: 'OUTCOME_SUCCESS' });
    expect(traceparent).to.equal(`00-${record.trace_id}-${record.span_id}-00`);
  });
});
