import { McpError } from '@modelcontextprotocol/sdk/types.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { MeterProvider, MetricReader, type Histogram } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { McpInstrumentation, instrumentClient } from '../../lib/capture/instrumentation.js';
import { ATTR, METRIC } from '../../lib/capture/telemetry.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import {
  BOUNDARIES,
  CONVENTIONS,
  NO_ERRORS_OF_THE_RECEIVER,
  NOT_REPORTED,
} from '../support/mcpConventions.js';
import { startRawHttp } from '../support/rawHttp.js';

class AskedReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const capabilities = { elicitation: {}, sampling: {}, roots: {} };
const QUESTION = { message: 'Well?', requestedSchema: { type: 'object' as const, properties: {} } };
const VARIABLE = `${ATTR.promptVariable}.`;

/** The name by which an attribute is defined: those of prompts have the variable's name in theirs. */
const defined = (key: string) => (key.startsWith(VARIABLE) ? ATTR.promptVariable : key);

describe('the conventions for MCP', () => {
  const exporter = new InMemorySpanExporter();
  const reader = new AskedReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let instrumentation: McpInstrumentation;
  let codes: number[] = [];

  before(async () => {
    instrumentation = new McpInstrumentation({ recordInputs: true, recordOutputs: true });
    instrumentation.setTracerProvider(tracerProvider);
    instrumentation.setMeterProvider(meterProvider);
    await overMemory();
    await overHttp();
  });
  after(async () => {
    instrumentation.disable();
    disableSource(defaultSource);
    trace.disable();
    metrics.disable();
    await tracerProvider.shutdown();
    await meterProvider.shutdown();
  });

  /** Everything that a client can do, and all that a server can ask of it, with every code that it can answer. */
  async function overMemory(): Promise<void> {
    class Patched extends Client {}
    const made = fullPairV1({ capabilities }, (options) => {
      return new (instrumentClient(Patched))({ name: 'agent', version: '1' }, options);
    });
    codes = [...NO_ERRORS_OF_THE_RECEIVER, -32603, -32000, -32001, -1, 42];
    const left = [...codes];
    made.client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: {} }));
    made.client.setRequestHandler(CreateMessageRequestSchema, () => {
      throw new McpError(left.shift() ?? 0, 'no');
    });
    made.client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [] }));
    await made.connect();
    await made.client.listTools();
    await made.client.callTool({ name: 'echo', arguments: { message: 'm' } });
    await made.client.getPrompt({ name: 'greet', arguments: { who: 'W', password: 'canary' } });
    await rejection(made.client.readResource({ uri: 'note://none' }));
    await rejection(made.client.request({ method: 'x/unheard' } as never, {} as never));
    await made.server.elicitInput(QUESTION);
    await made.server.listRoots();
    for (const _ of codes) await rejection(made.server.createMessage({ messages: [], maxTokens: 3 }));
    await settled();
    await made.client.close();
  }

  async function overHttp(): Promise<void> {
    const { url, close } = await startRawHttp(() => undefined);
    class Patched extends Client {}
    const client = new (instrumentClient(Patched))({ name: 'agent', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(url));
    await client.ping();
    await client.close();
    await close();
  }

  const spansOf = (kind: SpanKind) => exporter.getFinishedSpans().filter((span) => span.kind === kind);
  const keysOf = (kind: SpanKind) =>
    new Set(spansOf(kind).flatMap(({ attributes }) => Object.keys(attributes).map(defined)));

  for (const [list, kind] of [
    ['clientSpan', SpanKind.CLIENT],
    ['serverSpan', SpanKind.SERVER],
  ] as const)
    it(`have every attribute that a ${list} carries`, () => {
      const known: readonly string[] = CONVENTIONS[list];
      expect([...keysOf(kind)].filter((key) => !known.includes(key))).to.deep.equal([]);
    });

  it('have every name in our table, and we report every name of theirs but these', () => {
    const theirs = new Set<string>(Object.values(CONVENTIONS).flat());
    const ours = new Set<string>(Object.values(ATTR));
    expect([...ours].filter((name) => !theirs.has(name))).to.deep.equal([]);
    expect([...theirs].filter((name) => !ours.has(name))).to.have.members(Object.keys(NOT_REPORTED));
  });

  it('see an attribute of each name on a span of the client, those of their errors included', () => {
    const seen = keysOf(SpanKind.CLIENT);
    const missing = CONVENTIONS.clientSpan.filter((name) => !seen.has(name) && !(name in NOT_REPORTED));
    // This server gives no session ids.
    expect(missing).to.deep.equal(['mcp.session.id']);
  });

  it('see metrics with their attributes, their unit and their boundaries', async () => {
    const { resourceMetrics } = await reader.collect();
    const found = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const durations = found.filter(({ descriptor }) => descriptor.name in CONVENTIONS);
    expect(durations.map(({ descriptor }) => descriptor.name)).to.have.members(Object.values(METRIC));
    for (const { descriptor, dataPoints } of durations) {
      const allowed = CONVENTIONS[descriptor.name as keyof typeof CONVENTIONS] as readonly string[];
      expect(descriptor.unit).to.equal('s');
      for (const { attributes, value } of dataPoints) {
        expect(Object.keys(attributes).filter((key) => !allowed.includes(key))).to.deep.equal([]);
        expect((value as Histogram).buckets.boundaries).to.deep.equal(BOUNDARIES);
      }
    }
  });

  it('have the operation name on calls of tools alone', () => {
    for (const { attributes } of exporter.getFinishedSpans()) {
      const name = attributes[ATTR.mcpMethodName] === 'tools/call' ? 'execute_tool' : undefined;
      expect(attributes[ATTR.operationName]).to.equal(name);
    }
  });

  it("take the faults of the one who asks for no errors of the one who answers, and all others' codes for errors", () => {
    const answers = spansOf(SpanKind.SERVER).filter(
      ({ attributes }) => attributes[ATTR.mcpMethodName] === 'sampling/createMessage',
    );
    expect(answers.map(({ attributes }) => attributes[ATTR.rpcStatusCode])).to.deep.equal(codes.map(String));
    for (const { attributes, status } of answers) {
      const code = Number(attributes[ATTR.rpcStatusCode]);
      const isError = !NO_ERRORS_OF_THE_RECEIVER.includes(code);
      expect(attributes[ATTR.errorType] !== undefined, String(code)).to.equal(isError);
      expect(status.code, String(code)).to.equal(isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
    }
    for (const { attributes, status } of spansOf(SpanKind.CLIENT))
      if (attributes[ATTR.rpcStatusCode] !== undefined) {
        expect(attributes[ATTR.errorType]).to.equal(attributes[ATTR.rpcStatusCode]);
        expect(status.code).to.equal(SpanStatusCode.ERROR);
      }
  });

  it('have the arguments of prompts as variables, redacted as everything is', () => {
    const [span] = spansOf(SpanKind.CLIENT).filter(({ attributes }) => ATTR.promptName in attributes);
    expect(span?.attributes).to.include({
      [`${VARIABLE}who`]: 'W',
      [`${VARIABLE}password`]: '[REDACTED]',
    });
  });

  it('have the protocol that a connection goes over, and its version where it cannot be another', () => {
    const overHttp = spansOf(SpanKind.CLIENT).filter(({ attributes }) => ATTR.serverAddress in attributes);
    expect(overHttp).not.to.have.length(0);
    for (const { attributes } of overHttp)
      expect(attributes).to.include({
        [ATTR.networkTransport]: 'tcp',
        [ATTR.networkProtocolName]: 'http',
        [ATTR.networkProtocolVersion]: '1.1',
      });
  });
});
