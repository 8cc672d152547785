import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { expect } from 'chai';
import { until } from '../support/builtCli.js';
import { startGateway } from './overHttp.js';
import { json, rpc, startRaw, type Got } from './rawHttpServer.js';

const HANDSHAKE = rpc(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'desk', version: '3' },
});
const READY = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

/** The SDK's server over the transport of revision 2024-11-05; one of its tools never answers. */
async function startOlderServer() {
  const open = new Map<string, SSEServerTransport>();
  const got: string[] = [];
  const http = createServer((request, response) => {
    const { method = '', url = '' } = request;
    got.push(`${method} ${url.split('?')[0]}`);
    if (method === 'GET') {
      const transport = new SSEServerTransport('/messages', response);
      open.set(transport.sessionId, transport);
      const server = new McpServer({ name: 'old', version: '1' });
      server.registerTool('add', {}, () => ({ content: [{ type: 'text', text: '5' }] }));
      server.registerTool('wait', {}, () => new Promise(() => undefined));
      void server.connect(transport);
    } else if (url.startsWith('/messages')) {
      const id = new URL(url, 'http://localhost').searchParams.get('sessionId') ?? '';
      void open.get(id)!.handlePostMessage(request, response);
    } else response.writeHead(405).end();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/sse`),
    got,
    endStreams: () => Promise.all([...open.values()].map((transport) => transport.close())),
    close: () =>
      new Promise((resolve) => {
        http.close(resolve);
        http.closeAllConnections();
      }),
  };
}

type Relay = ReturnType<typeof startGateway>;

const say = (relay: Relay, ...messages: string[]) => relay.say(messages.map((each) => `${each}\n`).join(''));
const answers = (relay: Relay) =>
  relay.heard().map((line) => JSON.parse(line) as { id?: number; error?: { code: number; data?: object } });
const answer = (relay: Relay, id: number) => answers(relay).find((said) => said.id === id);

describe('a relay to a server that speaks the transport of revision 2024-11-05', () => {
  let server: Awaited<ReturnType<typeof startOlderServer>>;
  let relay: Relay;
  beforeEach(async () => {
    server = await startOlderServer();
    relay = startGateway(server.url);
    say(relay, HANDSHAKE);
    await until(() => answer(relay, 0) !== undefined);
    say(relay, READY);
  });
  afterEach(async () => {
    await relay.end();
    await server.close();
  });

  it('finds it out, and passes calls and answers', async () => {
    say(relay, rpc(1, 'tools/call', { name: 'add', arguments: {} }));
    await until(() => answer(relay, 1) !== undefined);
    await relay.end();
    expect(answer(relay, 1)).to.have.nested.property('result.content[0].text', '5');
    expect(server.got).to.deep.equal([
      'POST /sse',
      'GET /sse',
      'POST /messages',
      'POST /messages',
      'POST /messages',
    ]);
    const { records } = relay.sink;
    expect(records.map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
      ['session/initialize', 'OUTCOME_SUCCESS'],
      ['tools/add', 'OUTCOME_SUCCESS'],
      ['session/close', 'OUTCOME_SUCCESS'],
    ]);
    expect(relay.sink.only('tools/call').mcp).to.include({ transport: 'sse' });
  });

  it('waits for no answer to a call that the client has taken back', async () => {
    say(relay, rpc(1, 'tools/call', { name: 'wait', arguments: {} }));
    say(relay, '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    await relay.end();
    expect(relay.sink.only('tools/call').error).to.include({ type: 'cancelled' });
  });

  it('ends with the stream, which is the session, once what waits has been told', async () => {
    say(relay, rpc(1, 'tools/call', { name: 'wait', arguments: {} }));
    await until(() => server.got.length === 5);
    await server.endStreams();
    await until(() => answer(relay, 1) !== undefined);
    expect(answer(relay, 1)!.error).to.deep.include({ code: -32012, data: { reason: 'stream_ended' } });
    await relay.over;
    const { records } = relay.sink;
    expect(records.at(-1)).to.include({ resource: 'session/close', outcome: 'OUTCOME_FAILURE_ERROR' });
    expect(records.at(-1)!.error).to.include({ message: 'the server ended the stream' });
  });
});

describe('a relay to a server that refuses a handshake', () => {
  const refused = async (answerTo: (got: Got, response: Parameters<typeof json>[0]) => void) => {
    const server = await startRaw((got, response) => {
      if (got.method === 'POST') json(response, '{}', 404);
      else answerTo(got, response);
    });
    const relay = startGateway(server.url);
    say(relay, HANDSHAKE);
    await until(() => answer(relay, 0) !== undefined);
    await relay.end();
    await server.close();
    expect(answer(relay, 0)!.error).to.deep.include({
      code: -32012,
      data: { reason: 'http_status', status: 404 },
    });
    return server.got.map(({ method, url }) => `${method} ${url}`);
  };

  it('tells its answer where it has no stream either', async () => {
    expect(await refused((_, response) => json(response, '{}', 405))).to.deep.equal([
      'POST /mcp',
      'GET /mcp',
    ]);
  });

  it('sends nothing to another origin that its stream names', async () => {
    const got = await refused((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: endpoint\ndata: http://other.example/messages\n\n');
    });
    expect(got).to.deep.equal(['POST /mcp', 'GET /mcp']);
  });
});
