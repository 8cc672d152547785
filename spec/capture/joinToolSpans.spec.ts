import { context, SpanKind, trace, type Span } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { audited, settled } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { SETUPS } from '../support/telemetry.js';

describe('joinToolSpans', () => {
  const exporter = new InMemorySpanExporter();
  const everyone = new MemorySink();
  let instrumentation: McpInstrumentation;
  let tearDown: () => Promise<void>;

  before(() => {
    disableSource(defaultSource);
    const audit = new AuditSpanProcessor({ sink: everyone, environment: 'test' });
    tearDown = SETUPS.BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter), audit] });
    instrumentation = new McpInstrumentation({ joinToolSpans: true, servers: false });
    instrumentation.setTracerProvider(trace.getTracerProvider());
  });

  after(async () => {
    instrumentation.disable();
    await tearDown();
  });

  beforeEach(() => {
    exporter.reset();
    everyone.records.length = 0;
  });

  /** What an agent framework does: its own span around the tool that it runs. */
  async function agentRuns(tool: string, run: (span: Span) => Promise<unknown>): Promise<Span> {
    const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool };
    const span = trace.getTracer('agent').startSpan(`execute_tool ${tool}`, { attributes });
    await context.with(trace.setSpan(context.active(), span), () => run(span));
    span.end();
    return span;
  }

  const start = async () => {
    const { client, connect, received } = pair();
    const sink = audited(client);
    await connect();
    exporter.reset();
    return { client, sink, received };
  };

  const names = () => exporter.getFinishedSpans().map(({ name }) => name);

  it('puts the attributes on the span that is there, and its ids on the record', async () => {
    const { client, sink, received } = await start();
    const span = await agentRuns('server__echo', () => client.callTool({ name: 'echo', arguments: {} }));
    expect(names()).to.deep.equal(['execute_tool server__echo']);
    const [theirs] = exporter.getFinishedSpans();
    expect(theirs?.attributes).to.include({
      'mcp.method.name': 'tools/call',
      'jsonrpc.request.id': '1',
      'gen_ai.tool.name': 'server__echo',
    });
    const { traceId, spanId } = span.spanContext();
    expect(sink.only('tools/call')).to.include({ trace_id: traceId, span_id: spanId });
    expect(JSON.stringify(received.at(-1))).to.include(`00-${traceId}-${spanId}`);
    await settled();
    expect(everyone.records).to.have.length(0);
  });

  it('says of a failed tool on that span that it failed, and leaves the status to its owner', async () => {
    const { client } = await start();
    await agentRuns('broken', () => client.callTool({ name: 'broken' }));
    const [theirs] = exporter.getFinishedSpans();
    expect(theirs?.attributes).to.include({ 'error.type': 'tool_error' });
    expect(theirs?.status.code).to.equal(0);
  });

  it('makes spans of its own for a second call, for another tool, and for what is no tool call', async () => {
    const { client } = await start();
    await agentRuns('echo', async () => {
      await client.callTool({ name: 'echo', arguments: {} });
      await client.callTool({ name: 'echo', arguments: {} });
    });
    await agentRuns('research', () => client.callTool({ name: 'echo', arguments: {} }));
    await agentRuns('list', () => client.listTools());
    expect(names()).to.deep.equal([
      'tools/call echo',
      'execute_tool echo',
      'tools/call echo',
      'execute_tool research',
      'tools/list',
      'execute_tool list',
    ]);
  });

  it('is off by default', async () => {
    instrumentation.setConfig({});
    try {
      const { client } = await start();
      await agentRuns('echo', () => client.callTool({ name: 'echo', arguments: {} }));
      expect(names()).to.deep.equal(['tools/call echo', 'execute_tool echo']);
      expect(exporter.getFinishedSpans()[0]?.kind).to.equal(SpanKind.CLIENT);
    } finally {
      instrumentation.setConfig({ joinToolSpans: true });
    }
  });
});
