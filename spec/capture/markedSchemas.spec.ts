import { expect } from 'chai';
import { audited, rejection } from '../support/audited.js';
import { httpClient, startHttpServer, type HttpServer } from '../support/httpServer.js';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { SETUPS } from '../support/telemetry.js';

const R = '[REDACTED]';
const PHRASE = 'open sesame now';
const TOOLS = [
  {
    name: 'unlock',
    inputSchema: {
      type: 'object',
      properties: { phrase: { type: 'string', format: 'password' }, door: { $ref: '#/$defs/door' } },
      $defs: {
        door: {
          type: 'object',
          properties: { code: { type: 'integer', writeOnly: true }, next: { $ref: '#/$defs/door' } },
        },
      },
    },
  },
  { name: 'ask', inputSchema: { type: 'object' } },
];
const FORM = {
  type: 'object',
  properties: { phrase: { type: 'string', writeOnly: true }, hint: { type: 'string' } },
};

for (const sdk of ['v1', 'v2'] as const)
  describe(`what a schema marks as secret, ${sdk}`, () => {
    let server: HttpServer;
    before(async () => {
      server = await startHttpServer(TOOLS, async (args, { server: mcp }) => {
        if (args['fail'] === true) throw new Error(`${PHRASE} is wrong`);
        if (args['ask'] !== true) return `you said ${PHRASE}`;
        const params = { message: 'Say it', requestedSchema: FORM as never };
        const { content } = await mcp.elicitInput(params);
        return `you said ${String(content?.['phrase'])}`;
      });
    });
    after(() => server.close());

    const connected = async () => {
      const answer = { action: 'accept', content: { phrase: PHRASE, hint: 'plain' } };
      const { client, connect } = httpClient(sdk, server.url, answer);
      const sink = audited(client as never, { includeOutputs: true });
      await connect();
      return { client, sink };
    };

    it('is hidden in the arguments of a tool that was listed, and where the result repeats it', async () => {
      const { client, sink } = await connected();
      await client.listTools();
      const door = { code: 4711, next: { code: 12, open: true } };
      await client.callTool({ name: 'unlock', arguments: { phrase: PHRASE, door, plain: 'x' } });
      await client.close();
      const { mcp } = sink.only('tools/call');
      expect(mcp?.tool_arguments).to.deep.equal({
        phrase: R,
        door: { code: R, next: { code: R, open: true } },
        plain: 'x',
      });
      expect(JSON.stringify(mcp?.tool_result)).to.include(`you said ${R}`);
    });

    it('is hidden in the error that quotes it, on the span too', async () => {
      const exporter = new InMemorySpanExporter();
      const teardown = SETUPS.BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      const { client, sink } = await connected();
      await client.listTools();
      await rejection(client.callTool({ name: 'unlock', arguments: { phrase: PHRASE, fail: true } }));
      await client.close();
      expect(sink.only('tools/call').error?.message).to.include(`${R} is wrong`);
      const spans = exporter.getFinishedSpans().map(({ attributes, status }) => ({ attributes, status }));
      await teardown();
      expect(JSON.stringify(spans)).to.include(`${R} is wrong`).and.not.include(PHRASE);
    });

    it('is not known of a tool that was never listed', async () => {
      const { client, sink } = await connected();
      await client.callTool({ name: 'unlock', arguments: { phrase: PHRASE } });
      await client.close();
      expect(sink.only('tools/call').mcp?.tool_arguments).to.deep.equal({ phrase: PHRASE });
    });

    it('is hidden in the answer to a form, and in the result of the call that asked', async () => {
      const { client, sink } = await connected();
      await client.callTool({ name: 'ask', arguments: { ask: true } });
      await client.close();
      const asked = sink.only('elicitation/create').mcp?.tool_result;
      expect(asked).to.deep.include({ content: { phrase: R, hint: 'plain' } });
      expect(JSON.stringify(sink.only('tools/call').mcp?.tool_result)).to.include(`you said ${R}`);
      expect(JSON.stringify(sink.records)).not.to.include(PHRASE);
    });
  });
