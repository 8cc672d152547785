import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';
import { otlpTraces } from '../support/otlpTraces.js';
import { everythingOverHttp } from '../support/servers.js';

const SETUP = './spec/hooks/fixtures/setup.mjs';

describe('the built package in an application of its own', function () {
  this.timeout(60_000);
  let server: Awaited<ReturnType<typeof everythingOverHttp>>;

  before(async () => {
    server = await everythingOverHttp();
  });

  after(() => server.stop());

  for (const provider of ['BasicTracerProvider', 'NodeTracerProvider', 'NodeSDK']) {
    for (const app of ['app.cjs', 'app.mjs']) {
      const tag = provider === 'NodeTracerProvider' && app === 'app.mjs' ? '' : ' @slow';
      it(`records and traces ${app} with ${provider}, beside http, undici and an OTLP exporter${tag}`, async () => {
        const receiver = await otlpTraces();
        const env = { PROVIDER: provider, OTLP_URL: receiver.url, SERVER_URL: server.url.href };
        const { code, stdout, stderr } = await runNode(
          ['--import', SETUP, `spec/hooks/fixtures/${app}`],
          env,
        );
        await receiver.close();
        expect(code, stderr).to.equal(0);

        const records = JSON.parse(stdout) as AuditRecord[];
        expect(records.map(({ resource }) => resource)).to.deep.equal([
          'session/initialize',
          'tools/echo',
          'session/close',
        ]);
        for (const record of records) {
          const span = receiver.spans.find(({ spanId }) => spanId === record.span_id);
          expect(span, record.resource).to.have.property('traceId', record.correlation_id);
        }
        const call = records[1]!;
        expect(call.mcp).to.deep.include({ transport: 'streamable-http', server_address: server.url.href });
        expect(call.mcp?.session_id).to.be.a('string');
        const post = receiver.spans.find(
          ({ parentSpanId, name }) => parentSpanId === call.span_id && name === 'POST',
        );
        expect(post, 'the HTTP request as a child of the operation').to.have.property(
          'traceId',
          call.trace_id,
        );
        const roots = receiver.spans.filter(({ parentSpanId }) => !parentSpanId);
        expect(roots.map(({ name }) => name)).to.deep.equal(['initialize', 'tools/call echo', 'close']);
        for (const { name, traceId, parentSpanId } of receiver.spans) {
          if (!parentSpanId) continue;
          const parent = receiver.spans.find(({ spanId }) => spanId === parentSpanId);
          expect(parent, `the parent of ${name}`).to.have.property('traceId', traceId);
        }
        expect(JSON.stringify([records, receiver.spans])).not.to.include('canary');
      });
    }
  }
});
