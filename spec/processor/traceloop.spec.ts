import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { McpInstrumentation as Traceloop } from '@traceloop/instrumentation-mcp';
import { expect } from 'chai';
import { McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { MemorySink } from '../support/memorySink.js';
import { copyOfSdk, EXERCISED, exercise } from '../support/sdkCopy.js';

describe("traceloop's MCP instrumentation", () => {
  const sdk = copyOfSdk('v1');
  const manager = new AsyncLocalStorageContextManager();
  let sink: MemorySink;
  let processor: AuditSpanProcessor;
  let provider: BasicTracerProvider;
  let traceloop: Traceloop;

  beforeEach(() => {
    context.disable();
    trace.disable();
    context.setGlobalContextManager(manager.enable());
    sink = new MemorySink();
    processor = new AuditSpanProcessor({ environment: 'test', sink, foreignSpans: true });
    provider = new BasicTracerProvider({ spanProcessors: [processor] });
    traceloop = new Traceloop();
    traceloop.setTracerProvider(provider);
    traceloop.manuallyInstrument({ Client: sdk.Client });
  });

  afterEach(async () => {
    traceloop.disable();
    await processor.shutdown();
    context.disable();
    manager.disable();
  });

  after(() => sdk.remove());

  const resources = async () => {
    await processor.forceFlush();
    return sink.records.map(({ resource }) => resource).filter((name) => !name.startsWith('audit/'));
  };

  it('alone puts its operations on record, with the tool and its arguments', async () => {
    await exercise(sdk);
    expect(await resources()).to.deep.equal(EXERCISED);
  });

  it('beside ours puts nothing on record twice', async () => {
    const instrumentation = new McpInstrumentation({ servers: false });
    instrumentation.setTracerProvider(provider);
    try {
      await exercise(sdk);
      expect(await resources()).to.deep.equal(EXERCISED);
    } finally {
      instrumentation.disable();
    }
  });
});
