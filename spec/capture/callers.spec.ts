import { trace } from '@opentelemetry/api';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer as ServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer as ServerV2, type AuthInfo } from '@modelcontextprotocol/server';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import express from 'express';
import { auditHttp } from '../../lib/capture/auditHttp.js';
import { continueTrace } from '../../lib/capture/propagation.js';
import type { AuditOptions } from '../../lib/config.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { withLogging } from '../../lib/withLogging.js';
import { audited, rejection, settled } from '../support/audited.js';
import { httpAudit } from '../support/httpAudit.js';
import { MemorySink } from '../support/memorySink.js';
import { SERVED } from '../support/servedPair.js';

const ISSUER = 'https://issuer.example.com';
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: object): string => `${part({ alg: 'RS256' })}.${part(claims)}.canary`;
const ACT = { sub: 'https://service16.example.com', act: { sub: 'https://service77.example.com' } };
const EXPIRES = 1_443_904_177;
const OPAQUE = { token: 'canary-token', clientId: 'app-7', scopes: ['read', 'write'], expiresAt: EXPIRES };
const verified = { identity: 'verified', issuer: ISSUER, source: 'token' };
const USER = { id: 'ada', type: 'user', ...verified };

/** What verifiers put into `AuthInfo`, and who that is. */
const FOUND: Record<string, { authInfo: object; actor: object; chain: object[] }> = {
  'a few claims in extra': {
    authInfo: { ...OPAQUE, extra: { sub: 'ada', iss: ISSUER, act: ACT } },
    actor: { actor_id: ACT.sub, actor_type: 'agent', on_behalf_of: 'ada' },
    chain: [{ id: ACT.sub, type: 'agent', ...verified }, { id: ACT.act.sub, ...verified }, USER],
  },
  'the claims in extra.claims': {
    authInfo: { ...OPAQUE, extra: { claims: { sub: 'ada', iss: ISSUER }, email: 'x@example.com' } },
    actor: { actor_id: 'ada', actor_type: 'user' },
    chain: [USER],
  },
  'the claims beside the others, as mcp-auth does': {
    authInfo: { ...OPAQUE, subject: 'ada', issuer: ISSUER, claims: { sub: 'ada', iss: ISSUER } },
    actor: { actor_id: 'ada', actor_type: 'user' },
    chain: [USER],
  },
  'nothing, of a token that is a JWT': {
    authInfo: { ...OPAQUE, token: tokenOf({ sub: 'ada', iss: ISSUER }) },
    actor: { actor_id: 'ada', actor_type: 'user' },
    chain: [USER],
  },
  "the user's id": {
    authInfo: { ...OPAQUE, extra: { userId: 'ada' } },
    actor: { actor_id: 'ada', actor_type: 'user' },
    chain: [{ id: 'ada', type: 'user', identity: 'verified', source: 'token' }],
  },
  'the client alone': {
    authInfo: OPAQUE,
    actor: { actor_id: 'app-7', actor_type: 'service' },
    chain: [{ id: 'app-7', type: 'service', identity: 'verified', source: 'token' }],
  },
};

/** Serves both SDKs over HTTP, each behind a middleware that has verified a token, and gives the record of a call. */
function serving(audit: ReturnType<typeof httpAudit>) {
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ok', arguments: {} } };
  const post = (headers: Record<string, string>) => ({
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(call),
  });
  const overHttp = async (options: Partial<AuditOptions>, authInfo?: object, headers = {}) => {
    const sink = new MemorySink();
    const app = express();
    app.use(
      '/mcp',
      auditHttp((request, _response, next) => {
        Object.assign(request, authInfo && { auth: authInfo });
        next();
      }) as express.RequestHandler,
    );
    app.post('/mcp', async (request, response) => {
      const server = new ServerV1({ name: 'guarded', version: '1' });
      server.registerTool('ok', {}, () => ({ content: [] }));
      withLogging(server, { sink, environment: 'test', ...options });
      const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
      await server.connect(transport as never);
      await transport.handleRequest(request, response);
    });
    const url = await audit.start(app);
    const response = await fetch(`${url}/mcp`, post(headers));
    return { record: sink.only('tools/call'), answer: (await response.json()) as object };
  };
  const byFetch = async (options: Partial<AuditOptions>, authInfo?: object, headers = {}) => {
    const sink = new MemorySink();
    const handler = createMcpHandler(() => {
      const server = new ServerV2({ name: 'guarded', version: '1' });
      server.registerTool('ok', {}, () => ({ content: [] }));
      return withLogging(server, { sink, environment: 'test', ...options });
    });
    const request = new Request('https://mcp.example.com/mcp', post(headers));
    const response = await handler.fetch(request, authInfo && { authInfo: authInfo as AuthInfo });
    const answer = await response.text();
    await settled();
    return { record: sink.only('tools/call'), answer: { answer } };
  };
  return { v1: overHttp, v2: byFetch };
}

describe('who calls a server', () => {
  const audit = httpAudit();
  for (const [sdk, ask] of Object.entries(serving(audit))) {
    for (const [what, { authInfo, actor, chain }] of Object.entries(FOUND))
      it(`is whom the verified token names, where the verifier gives ${what}, ${sdk}`, async () => {
        const { record } = await ask({}, authInfo);
        expect(record).to.include(actor);
        expect(record.actor_chain).to.deep.equal(chain);
        expect(record.mcp?.oauth).to.include({
          client_id: 'app-7',
          expires_at: new Date(EXPIRES * 1000).toISOString(),
          subject_identity: 'verified',
        });
        expect(record.mcp?.oauth?.scopes).to.deep.equal(['read', 'write']);
        expect(JSON.stringify(record)).not.to.include('canary');
      });

    it(`is nobody by a token that nobody has verified, ${sdk}`, async () => {
      const authorization = `Bearer ${tokenOf({ sub: 'ada', iss: ISSUER, act: ACT })}`;
      const { record } = await ask({}, undefined, { authorization });
      expect(record.actor_id).to.equal(record.session_id);
      expect(record).not.to.have.any.keys('actor_chain', 'on_behalf_of', 'authority');
      expect(record.mcp?.oauth).to.include({ subject: 'ada', subject_identity: 'self-reported' });
      expect(JSON.stringify(record)).not.to.include('canary');
    });

    it(`is whom a function names, then the token, then the name of the options, ${sdk}`, async () => {
      const { authInfo } = FOUND['the claims in extra.claims']!;
      const named = await ask({ actorId: () => 'account-9' }, authInfo);
      expect(named.record).to.include({ actor_id: 'account-9', on_behalf_of: 'ada' });
      expect(named.record.actor_chain?.map(({ id, source }) => [id, source])).to.deep.equal([
        ['account-9', 'program'],
        ['ada', 'token'],
      ]);
      expect((await ask({ actorId: () => undefined }, authInfo)).record.actor_id).to.equal('ada');
      expect((await ask({ actorId: 'operator' }, authInfo)).record.actor_id).to.equal('ada');
      expect((await ask({ actorId: 'operator' })).record.actor_id).to.equal('operator');
    });

    it(`must be known where the log requires it, ${sdk}`, async () => {
      const options = { requireActor: true, actorId: () => undefined };
      const { authInfo } = FOUND['the client alone']!;
      expect((await ask(options, authInfo)).record).to.include({ outcome: 'OUTCOME_SUCCESS' });
      const { record, answer } = await ask(options);
      expect(record).to.include({ outcome: 'OUTCOME_FAILURE_DENIED' });
      expect(JSON.stringify(answer)).to.include('error');
    });

    it(`sends headers, of which those go on record that the log names, ${sdk}`, async () => {
      const headers = { 'user-agent': 'agent/1', 'x-request-id': 'r-1', cookie: 'canary' };
      const { record } = await ask(
        { recordHeaders: ['X-Request-Id', 'user-agent', 'absent'] },
        undefined,
        headers,
      );
      expect(record.mcp?.http_headers).to.deep.equal({ 'x-request-id': 'r-1', 'user-agent': 'agent/1' });
      expect((await ask({}, undefined, headers)).record.mcp).not.to.have.property('http_headers');
      expect(JSON.stringify(record)).not.to.include('canary');
    });
  }

  it('has an address: that of the socket, or of who is behind trusted proxies', async () => {
    const ask = serving(audit).v1;
    const headers = { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' };
    const { record } = await ask({}, undefined, headers);
    expect(record.mcp).to.include({ client_address: '127.0.0.1', peer_address: '127.0.0.1' });
    expect(record.mcp?.peer_port).to.be.greaterThan(0);
    const behind = await ask({ trustedProxies: ['loopback'] }, undefined, headers);
    expect(behind.record.mcp).to.include({ client_address: '203.0.113.9', peer_address: '127.0.0.1' });
  });

  it('has an address on the span of its request', async () => {
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    trace.setGlobalTracerProvider(provider);
    try {
      const { record } = await serving(audit).v1({ trustedProxies: ['loopback'] });
      const span = exporter.getFinishedSpans().find((each) => each.spanContext().spanId === record.span_id);
      expect(span?.attributes).to.include({
        'client.address': '127.0.0.1',
        'client.port': record.mcp?.peer_port,
      });
    } finally {
      trace.disable();
      await provider.shutdown();
    }
  });

  it('has an address without auditHttp, and in each request of a session its own', async () => {
    const sink = new MemorySink();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'one' });
    const server = withLogging(new ServerV1({ name: 's', version: '1' }), { sink, environment: 'test' });
    server.registerTool('ok', {}, () => ({ content: [] }));
    await server.connect(transport as never);
    const url = await audit.start((request, response) => {
      const user = request.headers['x-user'];
      Object.assign(request, { auth: { ...OPAQUE, extra: { sub: user } } });
      void transport.handleRequest(request, response);
    });
    let user = 'ada';
    const client = new Client({ name: 'c', version: '1' });
    const requestInit = { headers: {} as Record<string, string> };
    const asUser: typeof fetch = (input, init) => {
      const given = new Headers(init?.headers);
      given.set('x-user', user);
      return fetch(input, { ...init, headers: given });
    };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(url), { requestInit, fetch: asUser }) as never,
    );
    for (user of ['ada', 'eve']) await client.callTool({ name: 'ok' });
    await client.close();
    await server.close();
    const calls = sink.of('tools/call');
    expect(calls.map(({ actor_id: id }) => id)).to.deep.equal(['ada', 'eve']);
    for (const { mcp } of calls) expect(mcp).to.include({ client_address: '127.0.0.1' });
  });
});

for (const [sdk, pairOf] of Object.entries(SERVED)) {
  describe(`what a client says of itself, SDK ${sdk}`, () => {
    const ACTORS = 'otel-mcp-log/actors';
    async function called(
      options: Partial<AuditOptions>,
      _meta?: Record<string, unknown>,
    ): Promise<AuditRecord[]> {
      const { client, server, connect } = pairOf(() => undefined);
      const sinks = [
        audited(client as never, {
          actorId: () => ({ id: 'sub-agent', type: 'agent', chain: [{ id: 'ada' }] }),
          ...options,
        }),
        audited(server),
      ];
      await connect();
      await rejection(
        client.callTool({ name: 'echo', arguments: { message: 'm' }, ...(_meta && { _meta }) }),
      );
      await settled();
      await client.close();
      return sinks.map((sink) => sink.only('tools/call'));
    }

    it('is on record at the server as its own word, and names no actor', async () => {
      const [ours, theirs] = await called({ propagateActors: true });
      expect(ours?.actor_id).to.equal('sub-agent');
      expect(theirs?.actor_id).to.equal(theirs?.session_id);
      expect(theirs).not.to.have.property('on_behalf_of');
      expect(theirs?.actor_chain).to.deep.equal([
        { id: 'sub-agent', type: 'agent', identity: 'self-reported', source: 'caller' },
        { id: 'ada', identity: 'self-reported', source: 'caller' },
      ]);
    });

    it('is nothing unless it is asked for', async () => {
      expect((await called({}))[1]).not.to.have.property('actor_chain');
    });

    it('goes on with what the server asks of others meanwhile, server by server', async () => {
      const stock = pairOf(() => undefined);
      const ofStock = audited(stock.server);
      const toStock = audited(stock.client as never, { actorId: 'shop', propagateActors: true });
      await stock.connect();
      const reserve = () => stock.client.callTool({ name: 'echo', arguments: { message: 'm' } });
      const shop = pairOf(reserve);
      audited(shop.server);
      audited(shop.client as never, {
        actorId: () => ({ id: 'agent', type: 'agent', onBehalfOf: 'ada' }),
        propagateActors: true,
      });
      await shop.connect();
      await shop.client.callTool({ name: 'echo', arguments: { message: 'm' } });
      await settled();
      const named = (record: AuditRecord) => record.actor_chain?.map(({ id, source }) => `${id} ${source}`);
      expect(named(toStock.only('tools/call'))).to.deep.equal(['shop program', 'agent caller', 'ada caller']);
      expect(toStock.only('tools/call')).not.to.have.property('on_behalf_of');
      expect(named(ofStock.only('tools/call'))).to.deep.equal(['shop caller', 'agent caller', 'ada caller']);
      // What is asked outside of the request is asked for nobody.
      await reserve();
      await settled();
      expect(toStock.of('tools/call')[1]).not.to.have.property('actor_chain');
    });

    it('goes on by continueTrace, of a server that is not audited', async () => {
      const { client, connect } = pairOf(() => undefined);
      const sink = audited(client as never, { actorId: 'shop' });
      await connect();
      const authInfo = { ...OPAQUE, extra: { sub: 'ada', iss: ISSUER } };
      const _meta = { [ACTORS]: [{ id: 'agent' }] };
      const call = () => client.callTool({ name: 'echo', arguments: { message: 'm' } });
      for (const extra of [
        { authInfo, _meta },
        { http: { authInfo }, mcpReq: { _meta } },
      ])
        await continueTrace(extra, call);
      for (const record of sink.of('tools/call'))
        expect(record.actor_chain).to.deep.equal([
          { id: 'shop', identity: 'self-reported', source: 'program' },
          { id: 'agent', identity: 'self-reported', source: 'caller' },
          USER,
        ]);
    });

    it('may be anything, and breaks nothing', async () => {
      let deep: unknown = 'x';
      for (let depth = 0; depth < 500; depth++) deep = [deep];
      for (const odd of [
        deep,
        { id: 'x' },
        [{ id: 'x'.repeat(100_000), type: {} }],
        Array(5_000).fill({ id: 'y' }),
      ]) {
        const [, theirs] = await called({}, { [ACTORS]: odd });
        expect(theirs?.outcome).to.equal('OUTCOME_SUCCESS');
        expect(theirs?.actor_id).to.equal(theirs?.session_id);
        expect(JSON.stringify(theirs?.actor_chain ?? []).length).to.be.lessThan(4_000);
      }
    });
  });
}
