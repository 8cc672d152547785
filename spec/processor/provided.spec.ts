import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { trace } from '@opentelemetry/api';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'chai';
import { McpInstrumentation, instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { audit } from '../../lib/decorators/audited.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { idleRecorders } from '../../lib/processor/recorders.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { runNode } from '../support/node.js';

type Processor = NonNullable<
  NonNullable<ConstructorParameters<typeof BasicTracerProvider>[0]>['spanProcessors']
>[number];

/** A processor of the user's own that hands on to ours, and shows it. */
class Showing implements Processor {
  readonly inner: AuditSpanProcessor;
  constructor(inner: AuditSpanProcessor) {
    this.inner = inner;
  }
  onStart = (span: object) => this.inner.onStart(span);
  onEnd = (span: Parameters<Processor['onEnd']>[0]) => this.inner.onEnd(span);
  forceFlush = () => this.inner.forceFlush();
  shutdown = () => this.inner.shutdown();
}

/** The same, and nobody can see what it holds. */
class Hiding implements Processor {
  readonly #inner: AuditSpanProcessor;
  constructor(inner: AuditSpanProcessor) {
    this.#inner = inner;
  }
  onStart = (span: object) => this.#inner.onStart(span);
  onEnd = (span: Parameters<Processor['onEnd']>[0]) => this.#inner.onEnd(span);
  forceFlush = () => this.#inner.forceFlush();
  shutdown = () => this.#inner.shutdown();
}

const CALLS = ['session/initialize', 'tools/echo'];

describe('a span processor and its provider', () => {
  let sink: MemorySink;
  let processor: AuditSpanProcessor;
  beforeEach(() => {
    sink = new MemorySink();
    processor = new AuditSpanProcessor({ environment: 'test', sink });
  });
  afterEach(async () => {
    trace.disable();
    disableSource(defaultSource);
    await processor.shutdown();
  });

  /** Calls an instrumented client of a class of its own, so that no patch outlives the test. */
  async function call(): Promise<string[]> {
    const { client, connect } = pair(
      () => new (instrumentClient(class extends Client {}))({ name: 'a', version: '1' }),
    );
    await connect();
    await client.callTool({ name: 'echo' });
    await processor.forceFlush();
    return sink.records.map(({ resource }) => resource);
  }

  const SETUPS: Record<string, (processor: AuditSpanProcessor) => BasicTracerProvider> = {
    'that has it': (own) => new BasicTracerProvider({ spanProcessors: [own] }),
    'that has it, and drops all spans': (own) =>
      new BasicTracerProvider({ spanProcessors: [own], sampler: new AlwaysOffSampler() }),
    'that has it inside another processor, and drops all spans': (own) =>
      new BasicTracerProvider({ spanProcessors: [new Showing(own)], sampler: new AlwaysOffSampler() }),
    'that has it inside a processor which hides it': (own) =>
      new BasicTracerProvider({ spanProcessors: [new Hiding(own)] }),
  };

  for (const [title, make] of Object.entries(SETUPS)) {
    it(`records from the first operation, with a registered provider ${title}`, async () => {
      trace.setGlobalTracerProvider(make(processor));
      expect(await call()).to.deep.equal(CALLS);
    });

    it(`records from the first operation, with an instrumentation's own provider ${title}`, async () => {
      const instrumentation = new McpInstrumentation({ servers: false });
      instrumentation.setTracerProvider(make(processor));
      try {
        expect(await call()).to.deep.equal(CALLS);
      } finally {
        instrumentation.disable();
      }
    });
  }

  it('records nothing while another processor has the provider', async () => {
    const other = new MemorySink();
    const theirs = new AuditSpanProcessor({ environment: 'other', sink: other });
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [theirs] }));
    try {
      expect(await call()).to.deep.equal([]);
      expect(other.records.map(({ resource }) => resource)).to.deep.equal(CALLS);
    } finally {
      await theirs.shutdown();
    }
  });

  it('records where its owner says so, and takes part once', async () => {
    expect(processor.enable().enable()).to.equal(processor);
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
    expect(await call()).to.deep.equal(CALLS);
  });

  it('waits no more once it is shut down', async () => {
    expect(idleRecorders()).to.have.length(1);
    await processor.shutdown();
    processor.enable();
    expect(idleRecorders()).to.have.length(0);
    expect(await call()).to.deep.equal([]);
  });

  it('takes the records of audited functions, which need no provider', async () => {
    audit({ eventType: 'EVENT_AGENT_DECISION', resource: 'plans/one' }, () => 1)();
    await processor.forceFlush();
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal(['plans/one']);
  });

  it('that never meet keep the log empty, and the process says so once @slow', async () => {
    const { code, stdout, stderr } = await runNode(['--import', 'tsx', './spec/processor/fixtures/idle.ts']);
    expect(code, stderr).to.equal(0);
    const { before, after, warnings } = JSON.parse(stdout) as Record<string, unknown>;
    expect(before).to.deep.equal({ counts: [0, 0], topics: ['processor-idle'] });
    expect(after).to.deep.equal([1, 0]);
    const told = stderr.split('\n').filter((line) => line.includes('NOT AUDITED'));
    expect(told).to.have.length(1);
    expect(told[0]).to.include('enable()');
    expect(warnings).to.deep.equal(told);
  });
});
