import { ClientCredentialsProvider as ProviderV2 } from '@modelcontextprotocol/client';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { ClientCredentialsProvider as ProviderV1 } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { startOAuthServer } from '../support/oauthServer.js';
import { until } from '../support/builtCli.js';
import { startProxy } from './overHttp.js';
import { json, result, rpc, send, startRaw, type Got } from './rawHttpServer.js';

type Raw = Awaited<ReturnType<typeof startRaw>>;
type Relay = Awaited<ReturnType<typeof startProxy>>;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: object): string => `Bearer ${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;
const idOf = ({ body }: Got): unknown => (JSON.parse(body.toString()) as { id?: unknown }).id;
const AGREED = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 's', version: '1' },
};
const HANDSHAKE = rpc(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'c', version: '1' },
});

describe('callers behind a relay between HTTP and HTTP', () => {
  let server: Raw;
  let relay: Relay;
  const start = async (script: Parameters<typeof startRaw>[0]): Promise<void> => {
    server = await startRaw(script);
    relay = await startProxy(server.url);
  };
  afterEach(async () => {
    await relay.close();
    await server.close();
  });

  it('are told apart by the subject of their token, which nobody has verified here', async () => {
    await start((got, response) => json(response, result(idOf(got))));
    const tokens = [
      tokenOf({ sub: 'ada', iss: 'https://login.example', scope: 'read' }),
      tokenOf({ sub: 'robot', client_id: 'robot' }),
      'Bearer opaque',
    ];
    await Promise.all(
      tokens.map((authorization) =>
        send(relay.url, { body: rpc(1, 'tools/list'), headers: { authorization } }),
      ),
    );
    expect(server.got.map(({ headers }) => headers.authorization)).to.have.members(tokens);
    const records = relay.sink.of('tools/list');
    const of = (id: string) => records.find(({ actor_id: actor }) => actor === id)!;
    expect(of('ada')).to.include({ actor_type: 'user' });
    expect(of('ada').mcp!.oauth).to.deep.equal({
      issuer: 'https://login.example',
      scopes: ['read'],
      subject: 'ada',
      subject_identity: 'self-reported',
    });
    expect(of('robot')).to.include({ actor_type: 'service' });
    const other = records.find(({ actor_id: actor }) => !['ada', 'robot'].includes(actor))!;
    expect(other.actor_id).to.equal(other.session_id);
    expect(JSON.stringify(relay.sink.records)).not.to.include('opaque').and.not.to.include('c2ln');
  });

  // RFC 8693, section 4.1: `sub` is who the token is for, `act` who acts, and an `act` within it who did before.
  it('act for the subject of their token where its `act` names who acts', async () => {
    await start((got, response) => json(response, result(idOf(got))));
    const act = { sub: 'support-agent', act: { sub: 'dispatcher' } };
    const authorization = tokenOf({ sub: 'ada', iss: 'https://login.example', act });
    await send(relay.url, { body: rpc(1, 'tools/list'), headers: { authorization } });
    const [record] = relay.sink.of('tools/list');
    expect(record).to.deep.include({
      actor_id: 'support-agent',
      actor_type: 'agent',
      on_behalf_of: 'ada',
      authority: { type: 'token', issuer: 'https://login.example' },
    });
    expect(record!.mcp!.oauth).to.deep.include({ subject: 'ada', actors: ['support-agent', 'dispatcher'] });
    const byToken = { identity: 'self-reported', issuer: 'https://login.example', source: 'token' };
    expect(record!.actor_chain).to.deep.equal([
      { id: 'support-agent', type: 'agent', ...byToken },
      { id: 'dispatcher', ...byToken },
      { id: 'ada', type: 'user', ...byToken },
    ]);
  });

  it('have their sessions by the id that the server gave them, whoever uses them', async () => {
    let sessions = 0;
    await start((got, response) => {
      if (got.method === 'DELETE') response.writeHead(200).end();
      else if (idOf(got) === 0)
        json(response, result(0, AGREED), 200, { 'Mcp-Session-Id': `s${++sessions}` });
      else if (got.headers['mcp-session-id'] === 's9') response.writeHead(404).end();
      else json(response, result(idOf(got)));
    });
    for (const _ of [1, 2]) await send(relay.url, { body: HANDSHAKE });
    const list = (id: string) =>
      send(relay.url, { body: rpc(1, 'tools/list'), headers: { 'mcp-session-id': id } });
    // One of before this relay, and one that the server does not know.
    for (const id of ['s1', 's2', 's0', 's9']) await list(id);
    await send(relay.url, { method: 'DELETE', headers: { 'mcp-session-id': 's1' } });
    await relay.close();
    const ends = relay.sink.of('close');
    expect(ends.map(({ outcome, mcp }) => [outcome, mcp!.requests!.sent])).to.deep.equal([
      ['OUTCOME_SUCCESS', 2],
      ['OUTCOME_FAILURE_ERROR', 2],
      ['OUTCOME_FAILURE_ERROR', 1],
    ]);
    const listed = relay.sink.of('tools/list');
    expect(new Set(listed.map(({ session_id: id }) => id)).size).to.equal(4);
    expect(listed.map(({ client_id: id }) => id)).to.deep.equal(['c', 'c', undefined, undefined]);
  });

  it('stand alone where the server keeps no sessions, and share their ids', async () => {
    const waiting: (() => void)[] = [];
    await start((got, response) => {
      if (idOf(got) === 0) return json(response, result(0, AGREED));
      waiting.push(() => json(response, result(idOf(got), { of: got.headers['x-of'] })));
      if (waiting.length === 2) for (const answer of waiting.reverse()) answer();
    });
    await send(relay.url, { body: HANDSHAKE });
    const answers = await Promise.all(
      ['a', 'b'].map((of) =>
        send(relay.url, { body: rpc(1, 'tools/call', { name: of }), headers: { 'x-of': of } }),
      ),
    );
    expect(answers.map(({ body }) => body.toString())).to.deep.equal([
      result(1, { of: 'a' }),
      result(1, { of: 'b' }),
    ]);
    await relay.close();
    expect(relay.sink.records.map(({ resource }) => resource)).to.have.members([
      'session/initialize',
      'tools/a',
      'tools/b',
    ]);
  });

  it('go on with a stream by Last-Event-ID, and each request is on record once', async () => {
    const question = rpc('q', 'roots/list');
    await start((got, response) => {
      if (idOfAny(got) === 0) return json(response, result(0, AGREED), 200, { 'Mcp-Session-Id': 's' });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`id: 1\ndata: ${question}\n\n`);
      if (got.method === 'POST') response.end();
      else response.end(`id: 2\ndata: ${result(1, { done: true })}\n\n`);
    });
    const headers = { 'mcp-session-id': 's' };
    await send(relay.url, { body: HANDSHAKE });
    await send(relay.url, { body: rpc(1, 'tools/call', { name: 'slow' }), headers });
    const resumed = await send(relay.url, { method: 'GET', headers: { ...headers, 'last-event-id': '1' } });
    expect(resumed.body.toString()).to.include('"done":true');
    expect(server.got[2]!.headers).to.include({ 'last-event-id': '1' });
    await relay.close();
    expect(relay.sink.only('tools/call')).to.include({ outcome: 'OUTCOME_SUCCESS' });
    expect(relay.sink.of('roots/list')).to.have.length(1);
  });

  it('may use the older transport with two addresses', async () => {
    const transports = new Map<string, SSEServerTransport>();
    await start((got, response, request) => {
      const url = new URL(got.url, 'http://localhost');
      if (got.method === 'POST') {
        const transport = transports.get(url.searchParams.get('sessionId') ?? '');
        return void transport?.handlePostMessage(request, response, JSON.parse(got.body.toString()));
      }
      const transport = new SSEServerTransport('/messages', response);
      transports.set(transport.sessionId, transport);
      const own = new Server({ name: 'old', version: '1' }, { capabilities: { tools: {} } });
      own.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
      void own.connect(transport);
    });
    const client = new ClientV1({ name: 'older', version: '1' });
    await client.connect(new SSEClientTransport(new URL('/sse', relay.url)));
    expect(await client.listTools()).to.deep.equal({ tools: [] });
    await client.close();
    await until(() => relay.sink.of('close').length === 1);
    expect(
      relay.sink.records.map(({ resource, client_id: id, mcp }) => [resource, id, mcp!.transport]),
    ).to.deep.equal([
      ['session/initialize', 'older', 'sse'],
      ['tools/list', 'older', 'sse'],
      ['session/close', 'older', 'sse'],
    ]);
  });
});

function idOfAny(got: Got): unknown {
  return got.body.length === 0 ? undefined : idOf(got);
}

describe('OAuth through a relay', () => {
  it('has metadata name its own address wherever a challenge says that they are', async () => {
    const server = await startRaw((got, response) => {
      const origin = `http://${got.headers.host ?? ''}`;
      const challenge = `Bearer resource_metadata="${origin}/about/this"`;
      if (got.method === 'POST') json(response, '{}', 401, { 'WWW-Authenticate': challenge });
      else json(response, JSON.stringify({ resource: `${origin}/mcp` }));
    });
    const relay = await startProxy(server.url);
    const of = async (path: string) =>
      JSON.parse((await send(relay.url, { method: 'GET', path })).body.toString()) as object;
    await send(relay.url, { body: HANDSHAKE });
    expect(await of('/about/this')).to.deep.equal({ resource: relay.url.href });
    expect(await of('/about/that')).to.deep.equal({ resource: server.url.href });
    await relay.close();
    await server.close();
  });

  it('names its own address with the scheme of the server before it that ends TLS', async () => {
    const server = await startRaw((got, response) => {
      const origin = `http://${got.headers.host ?? ''}`;
      const challenge = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
      json(response, JSON.stringify({ resource: `${origin}/mcp` }), 401, { 'WWW-Authenticate': challenge });
    });
    const relay = await startProxy(server.url);
    const path = '/.well-known/oauth-protected-resource/mcp';
    const of = async (headers: Record<string, string>) => {
      const answer = await send(relay.url, { method: 'GET', path, headers });
      const { resource } = JSON.parse(answer.body.toString()) as { resource: string };
      return [resource, answer.headers['www-authenticate']];
    };
    for (const [scheme, headers] of [
      ['http', {}],
      ['https', { 'x-forwarded-proto': 'https, http' }],
    ] as const) {
      const own = `${scheme}://${relay.url.host}`;
      expect(await of(headers)).to.deep.equal([`${own}/mcp`, `Bearer resource_metadata="${own}${path}"`]);
    }
    await relay.close();
    await server.close();
  });

  for (const sdk of ['version 1', 'version 2'])
    it(`lets the SDK's client log in at the server's authorization server (${sdk})`, async () => {
      const resources: string[] = [];
      const oauth = await startOAuthServer(3600, resources);
      const server = await startRaw((got, response) => {
        const origin = `http://${got.headers.host ?? ''}`;
        if (got.url === '/.well-known/oauth-protected-resource/mcp')
          return json(
            response,
            JSON.stringify({ resource: `${origin}/mcp`, authorization_servers: [oauth.issuer] }),
          );
        const token = /^Bearer (.+)$/.exec(got.headers.authorization ?? '')?.[1];
        if (got.url === '/mcp' && oauth.issued.includes(token ?? '')) {
          if (got.method === 'GET') return void response.writeHead(405).end();
          const id = idOf(got);
          return id === undefined
            ? void response.writeHead(202).end()
            : json(response, result(id, id === 0 ? AGREED : { tools: [] }));
        }
        const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
        response.setHeader('WWW-Authenticate', `Bearer realm="x", resource_metadata="${metadata}"`);
        response.writeHead(got.url === '/mcp' ? 401 : 404).end();
      });
      const relay = await startProxy(server.url);
      resources.push(relay.url.href);
      try {
        const { clientId, clientSecret } = oauth;
        const given = { clientId, clientSecret, scope: 'fieldnotes.ingest', expectedIssuer: oauth.issuer };
        if (sdk === 'version 1') {
          const client = new ClientV1({ name: 'one', version: '1' });
          await client.connect(new TransportV1(relay.url, { authProvider: new ProviderV1(given) }));
          expect(await client.listTools()).to.deep.equal({ tools: [] });
          await client.close();
        } else {
          const client = new ClientV2({ name: 'two', version: '1' });
          await client.connect(new TransportV2(relay.url, { authProvider: new ProviderV2(given) }));
          expect((await client.listTools()).tools).to.deep.equal([]);
          await client.close();
        }
        expect(oauth.requests.map((body) => body.get('resource'))).to.deep.equal([relay.url.href]);
        const challenged = await send(relay.url, { body: HANDSHAKE });
        expect(challenged.headers['www-authenticate']).to.equal(
          `Bearer realm="x", resource_metadata="${relay.url.origin}/.well-known/oauth-protected-resource/mcp"`,
        );
        const records = relay.sink.of('tools/list');
        expect(records.map(({ actor_id: id }) => id)).to.deep.equal([clientId]);
        const kept = JSON.stringify(relay.sink.records);
        for (const token of [...oauth.issued, clientSecret]) expect(kept).not.to.include(token);
        expect(relay.sink.records[0]).to.include({ outcome: 'OUTCOME_FAILURE_UNAUTHORIZED' });
      } finally {
        await relay.close();
        await server.close();
        await oauth.close();
      }
    });
});
