import { context, propagation, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { expect } from 'chai';
import { McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { audited } from '../support/audited.js';
import { otlpTraces } from '../support/otlpTraces.js';
import { SETUPS } from '../support/telemetry.js';
import { tracedOverHttp, tracedOverStdio } from '../support/tracedServer.js';

const INFO = { name: 'agent', version: '1.0.0' };

interface AnyClient {
  connect(transport: unknown): Promise<void>;
  callTool(params: { name: string }): Promise<{ content: unknown }>;
  close(): Promise<void>;
}

describe('the trace across processes', function () {
  this.timeout(60_000);
  let receiver: Awaited<ReturnType<typeof otlpTraces>>;
  let server: Awaited<ReturnType<typeof tracedOverHttp>>;
  let instrumentation: McpInstrumentation;
  let tearDown: () => Promise<void>;

  before(async () => {
    receiver = await otlpTraces();
    server = await tracedOverHttp(receiver.url);
    const exporter = new OTLPTraceExporter({ url: receiver.url });
    tearDown = SETUPS.NodeSDK({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    disableSource(defaultSource);
    const allowBaggage = (address?: string) => address === server.url.href;
    instrumentation = new McpInstrumentation({ allowBaggage });
    instrumentation.setTracerProvider(trace.getTracerProvider());
  });

  after(async () => {
    instrumentation.disable();
    await tearDown();
    await server.stop();
    await receiver.close();
  });

  const ROUTES: Readonly<Record<string, () => [client: unknown, transport: unknown, baggage: string]>> = {
    'v1 over stdio': () => [new ClientV1(INFO), new StdioV1(tracedOverStdio(receiver.url)), ''],
    'v1 over HTTP': () => [new ClientV1(INFO), new HttpV1(server.url), 'tenant=seven'],
    'v2 over stdio': () => [new ClientV2(INFO), new StdioV2(tracedOverStdio(receiver.url)), ''],
    'v2 over HTTP': () => [new ClientV2(INFO), new HttpV2(server.url), 'tenant=seven'],
  };

  for (const [route, open] of Object.entries(ROUTES)) {
    it(`is one for the client's span, the server's span and the record, ${route}`, async () => {
      const [opened, transport, baggage] = open();
      const client = opened as AnyClient;
      const sink = audited(client as never);
      await client.connect(transport);
      const entries = propagation.createBaggage({ tenant: { value: 'seven' } });
      const agent = trace.getTracer('agent').startSpan('agent');
      const within = propagation.setBaggage(trace.setSpan(context.active(), agent), entries);
      const { content } = await context.with(within, () => client.callTool({ name: route }));
      agent.end();
      await client.close();
      expect(content).to.deep.equal([{ type: 'text', text: baggage }]);

      const record = sink.only('tools/call');
      const find = (name: string) => receiver.spans.find((span) => span.name === name);
      await until(() => find(`serve ${route}`) !== undefined && find(`tools/call ${route}`) !== undefined);
      const { traceId, spanId } = agent.spanContext();
      expect(record).to.include({ trace_id: traceId, parent_span_id: spanId });
      expect(find(`tools/call ${route}`)).to.include({
        traceId,
        spanId: record.span_id,
        parentSpanId: spanId,
      });
      expect(find(`serve ${route}`)).to.include({ traceId, parentSpanId: record.span_id });
    });

    it(`reaches only servers whose address \`propagate\` says yes to, ${route}`, async () => {
      const [opened, transport] = open();
      const client = opened as AnyClient;
      const addresses = new Set<string | undefined>();
      const sink = audited(client as never, { propagate: (address) => addresses.add(address) === undefined });
      await client.connect(transport);
      await client.callTool({ name: `alone ${route}` });
      await client.close();
      const record = sink.only('tools/call');
      expect([...addresses]).to.deep.equal([route.endsWith('HTTP') ? server.url.href : process.execPath]);
      const find = () => receiver.spans.find(({ name }) => name === `serve alone ${route}`);
      await until(() => find() !== undefined);
      expect(find()?.traceId).not.to.equal(record.trace_id);
    });
  }
});

/** Waits for something that comes over the network; the test's own timeout is the limit. */
async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 20));
}
