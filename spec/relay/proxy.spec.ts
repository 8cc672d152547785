import { expect } from 'chai';
import { httpClient, startHttpServer, type HttpServer } from '../support/httpServer.js';
import { startProxy } from './overHttp.js';

type Relay = Awaited<ReturnType<typeof startProxy>>;

const TOOLS = [{ name: 'ask', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } }];

describe('a relay between HTTP and HTTP', () => {
  let server: HttpServer;
  let relay: Relay;
  beforeEach(async () => {
    server = await startHttpServer(TOOLS, async ({ message }, { server: own }) => {
      if (message !== 'elicit') return message;
      const { action } = await own.elicitInput({
        message: 'May I?',
        requestedSchema: { type: 'object', properties: {} },
      });
      return action;
    });
    relay = await startProxy(server.url);
  });
  afterEach(async () => {
    await relay.close();
    await server.close();
  });

  for (const sdk of ['v1', 'v2'] as const)
    it(`serves the SDK's client, on record (${sdk})`, async () => {
      const { client, connect } = httpClient(sdk, relay.url, { action: 'decline' });
      await connect();
      await client.listTools();
      const answer = await client.callTool({ name: 'ask', arguments: { message: 'hello', token: 'x' } });
      expect(answer.content).to.deep.equal([{ type: 'text', text: 'hello' }]);
      const asked = await client.callTool({ name: 'ask', arguments: { message: 'elicit' } });
      expect(asked.content).to.deep.equal([{ type: 'text', text: 'decline' }]);
      await (client.transport as unknown as { terminateSession(): Promise<void> }).terminateSession();
      await client.close();
      await relay.close();
      const { records } = relay.sink;
      expect(records.map(({ resource }) => resource)).to.deep.equal([
        'session/initialize',
        'tools/list',
        'tools/ask',
        'elicitation/create',
        'tools/ask',
        'session/close',
      ]);
      const [login, , call, question, , logout] = records;
      expect(login!).to.include({ client_id: 'agent', client_version: '1.2.3', server_id: 'fixture' });
      expect(login!.mcp).to.include({ transport: 'streamable-http', server_address: server.url.href });
      expect(call!.mcp).to.deep.include({
        tool_arguments: { message: 'hello', token: '[REDACTED]' },
        tool_annotations: { readOnlyHint: true },
        http_status: 200,
      });
      expect(question).to.include({ outcome: 'OUTCOME_FAILURE_DENIED' });
      expect(logout!.mcp!.requests).to.include({ sent: 4, recorded: 4 });
      expect(new Set(records.map(({ session_id: id }) => id)).size).to.equal(1);
    });
});
