import { createHmac } from 'node:crypto';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import type { RedactionOptions } from '../../lib/redaction/policy/options.js';
import { toLogFacts } from '../../lib/sinks/otlpLogSink.js';
import { audited, rejection } from '../support/audited.js';
import { httpClient, startHttpServer, type HttpServer } from '../support/httpServer.js';
import { sha256 } from '../support/sha256.js';
import { SETUPS } from '../support/telemetry.js';

const TOOLS = [{ name: 'quote', inputSchema: { type: 'object' } }];

for (const sdk of ['v1', 'v2'] as const)
  describe(`the id of an MCP session over HTTP, ${sdk}`, () => {
    let exporter: InMemorySpanExporter;
    let server: HttpServer;
    let teardown: () => Promise<void>;

    before(async () => {
      server = await startHttpServer(TOOLS, (_args, { id }) => {
        throw new Error(`session ${id} may not do that`);
      });
    });
    beforeEach(() => {
      exporter = new InMemorySpanExporter();
      teardown = SETUPS.BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    });
    afterEach(() => teardown());
    after(() => server.close());

    const session = async (redaction: RedactionOptions = {}) => {
      const { client, connect } = httpClient(sdk, server.url);
      const options = { includeOutputs: true, recordMeta: ['note'], redaction };
      const sink = audited(client as never, options);
      await connect();
      const id = server.sessions.at(-1) ?? '';
      const params = { name: 'quote', arguments: { said: `it is ${id}` }, _meta: { note: `of ${id}` } };
      await rejection(client.callTool(params));
      await client.close();
      const spans = exporter
        .getFinishedSpans()
        .map(({ attributes, status, events }) => ({ attributes, status, events }));
      return { id, sink, spans };
    };

    it('is hashed on record, on spans and in logs, and nowhere in clear', async () => {
      const { id, sink, spans } = await session();
      const shown = `sha256:${sha256(id)}`;
      expect(new Set(sink.records.map(({ session_id }) => session_id)).size).to.be.at.most(2);
      const call = sink.only('tools/call');
      expect(call).to.deep.include({ session_id: shown, actor_id: shown });
      expect(call.mcp).to.include({ session_id: shown });
      expect(sink.only('close').session_id).to.equal(shown);
      expect(call.error?.message).to.include('may not do that');
      expect(toLogFacts(call, 'documented').attributes).to.include({ 'session.id': shown });
      expect(spans.map(({ attributes }) => attributes['mcp.session.id'])).to.include(shown);
      expect(JSON.stringify(sink.records)).not.to.include(id);
      expect(JSON.stringify(spans)).not.to.include(id);
    });

    it('is another in another session', async () => {
      const [one, other] = [await session(), await session()];
      expect(one.sink.only('tools/call').session_id).not.to.equal(other.sink.only('tools/call').session_id);
    });

    it('is keyed where the policy has a key', async () => {
      const hmacKey = 'k'.repeat(32);
      const { id, sink } = await session({ hmacKey });
      const digest = createHmac('sha256', hmacKey).update(id).digest('hex');
      expect(sink.only('tools/call').session_id).to.equal(`hmac-sha256:${digest}`);
    });

    it('is kept where the policy says so', async () => {
      const { id, sink, spans } = await session({ sessionId: 'keep' });
      const call = sink.only('tools/call');
      expect(call.session_id).to.equal(id);
      expect(call.mcp).to.include({ session_id: id });
      expect(call.error?.message).to.include(id);
      // Spans go by the policy of the instrumentation, which is the default one here.
      expect(JSON.stringify(spans)).not.to.include(id);
    });
  });
