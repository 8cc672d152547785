import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { ClientCredentialsProvider as ProviderV1 } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  Client as ClientV2,
  ClientCredentialsProvider as ProviderV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { expect } from 'chai';
import { audited, rejection } from '../support/audited.js';
import { startRawHttp, type HttpScript, type RawHttp, type RawHttpOptions } from '../support/rawHttp.js';
import { SDKS, type AnyClient, type Sdk } from '../support/rawServer.js';

const info = { name: 'agent', version: '1.2.3' };
const CREDENTIALS = { clientId: 'audit-client', clientSecret: 'canary-secret-of-the-client' };
const TOKEN = 'canary-token';

/** An authorization server beside the resource: grants what is asked for, and says so. */
function grants(refuse?: string): Pick<RawHttpOptions, 'others'> {
  let granted = 0;
  return {
    others(path, body, origin) {
      if (path.startsWith('/.well-known/oauth-protected-resource'))
        return { json: { resource: `${origin}/mcp`, authorization_servers: [origin] } };
      if (path.startsWith('/.well-known/'))
        return {
          json: {
            ...{
              issuer: origin,
              authorization_endpoint: `${origin}/authorize`,
              token_endpoint: `${origin}/token`,
            },
            ...{ response_types_supported: ['code'], grant_types_supported: ['client_credentials'] },
            token_endpoint_auth_methods_supported: ['client_secret_basic'],
          },
        };
      if (path !== '/token') return undefined;
      if (refuse !== undefined) return { status: 400, json: { error: refuse } };
      // v1 asks for no scopes with a client's own credentials, whatever the challenge said.
      const usual = granted++ === 0 ? 'tools.read' : 'tools.read tools.write';
      const scope = new URLSearchParams(body).get('scope') ?? usual;
      return {
        json: { access_token: `${TOKEN}-${scope.replaceAll(' ', '-')}`, token_type: 'Bearer', scope },
      };
    },
  };
}

/** Refuses what has no token, and calls whose token is not for writing. */
const guarded: HttpScript = ({ method }, { request, response }) => {
  const authorization = request.headers.authorization ?? '';
  const metadata = `resource_metadata="http://${request.headers.host ?? ''}/.well-known/oauth-protected-resource"`;
  if (!authorization.includes(TOKEN)) {
    response.writeHead(401, { 'www-authenticate': `Bearer ${metadata}, scope="tools.read"` }).end();
    return 'done';
  }
  if (method !== 'tools/call' || authorization.includes('tools.write')) return undefined;
  const challenge = `Bearer error="insufficient_scope", scope="tools.read tools.write", ${metadata}`;
  response.writeHead(403, { 'www-authenticate': challenge }).end();
  return 'done';
};

describe('exchanges over HTTP', () => {
  let server: RawHttp | undefined;
  afterEach(() => server?.close());

  const start = async (
    sdk: Sdk,
    script: HttpScript,
    { provider = false, ...options }: RawHttpOptions & { provider?: boolean } = {},
  ) => {
    server = await startRawHttp(script, options);
    const modern = sdk === 'v2 modern' && { versionNegotiation: { mode: 'auto' as const } };
    const client = sdk === 'v1' ? new ClientV1(info) : new ClientV2(info, { ...modern });
    const sink = audited(client);
    const given = { ...CREDENTIALS, expectedIssuer: server.url.origin };
    const transport =
      sdk === 'v1'
        ? new TransportV1(server.url, provider ? { authProvider: new ProviderV1(given as never) } : {})
        : new TransportV2(server.url, provider ? { authProvider: new ProviderV2(given as never) } : {});
    return {
      client: client as unknown as AnyClient,
      sink,
      transport,
      connect: () => client.connect(transport as never),
    };
  };

  for (const sdk of SDKS) {
    it(`put their status on record, ${sdk}`, async () => {
      const { client, sink, connect } = await start(sdk, ({ method }, { response }) => {
        if (method !== 'tools/call') return undefined;
        response.writeHead(503).end('later');
        return 'done';
      });
      await connect();
      await client.listTools();
      await rejection(client.callTool({ name: 'plain' }));
      expect(sink.only('tools/list').mcp).to.include({ http_status: 200, answer: 'result' });
      expect(sink.only('tools/call').mcp).to.include({ http_status: 503, served_from: 'wire' });
      expect(sink.only('tools/call').mcp).not.to.have.property('answer');
      await client.close();
    });

    it(`leave the legs of what was refused and then allowed, with the scopes asked for, ${sdk}`, async () => {
      const { client, sink, connect } = await start(sdk, guarded, { provider: true, ...grants() });
      await connect();
      await client.callTool({ name: 'plain' });
      const [login] = sink.records;
      expect(login?.outcome).to.equal('OUTCOME_SUCCESS');
      expect(login?.mcp?.legs?.map((leg) => [leg.http_status, leg.required_scopes])).to.deep.equal([
        [401, ['tools.read']],
        [200, undefined],
      ]);
      const call = sink.only('tools/call');
      expect(call).to.include({ outcome: 'OUTCOME_SUCCESS' });
      expect(call.mcp?.legs?.map((leg) => [leg.http_status, leg.required_scopes])).to.deep.equal([
        [403, ['tools.read', 'tools.write']],
        [200, undefined],
      ]);
      expect(new Set(call.mcp?.legs?.map(({ request_id }) => request_id)).size).to.equal(1);
      const issuer = server?.url.origin;
      expect(call.mcp?.oauth).to.deep.equal({
        ...{ issuer, client_id: 'audit-client', scopes: ['tools.read', 'tools.write'] },
      });
      expect(JSON.stringify(sink.records)).not.to.include('canary');
      await client.close();
    });

    it(`that end at an authorization server's refusal are no success, ${sdk}`, async () => {
      const { sink, connect } = await start(sdk, guarded, { provider: true, ...grants('invalid_client') });
      await rejection(connect());
      const [login] = sink.records;
      expect(login?.outcome).to.equal('OUTCOME_FAILURE_UNAUTHORIZED');
      expect(login?.mcp?.http_status).to.equal(401);
    });

    it(`say what a token says of itself, and never the token, ${sdk}`, async () => {
      const payload = { iss: 'https://issuer.example', azp: 'app-7', scp: ['a', 'b'] };
      const token = ['e30', Buffer.from(JSON.stringify(payload)).toString('base64url'), 'canary'].join('.');
      server = await startRawHttp(() => undefined);
      const requestInit = { headers: { Authorization: `Bearer ${token}` } };
      const client = sdk === 'v1' ? new ClientV1(info) : new ClientV2(info);
      const sink = audited(client);
      const transport =
        sdk === 'v1'
          ? new TransportV1(server.url, { requestInit })
          : new TransportV2(server.url, { requestInit });
      await client.connect(transport as never);
      await client.callTool({ name: 'plain' });
      expect(sink.only('tools/call').mcp?.oauth).to.deep.equal({
        ...{ issuer: 'https://issuer.example', client_id: 'app-7', scopes: ['a', 'b'] },
      });
      expect(JSON.stringify(sink.records)).not.to.include('canary').and.not.to.include(token);
      await client.close();
    });

    it(`name on whose behalf the token is used, and by whom, and the address that was reached, ${sdk}`, async () => {
      const claims = { iss: 'https://issuer.example', client_id: 'app-7', sub: 'ada' };
      // RFC 8693, section 4.1: the example of a chain of delegation.
      const act = { sub: 'https://service16.example.com', act: { sub: 'https://service77.example.com' } };
      for (const [payload, wanted] of [
        [
          { ...claims, act },
          { on_behalf_of: 'ada', authority: { type: 'token', issuer: claims.iss } },
        ],
        [claims, { on_behalf_of: 'ada', authority: { type: 'token', issuer: claims.iss } }],
        // RFC 9068, section 2.2: the client's own token, where no resource owner is involved.
        [{ ...claims, sub: 'app-7' }, undefined],
      ] as const) {
        const token = ['e30', Buffer.from(JSON.stringify(payload)).toString('base64url'), 'canary'].join('.');
        server = await startRawHttp(() => undefined);
        const requestInit = { headers: { Authorization: `Bearer ${token}` } };
        const client = sdk === 'v1' ? new ClientV1(info) : new ClientV2(info);
        const sink = audited(client, { actorId: 'robot' });
        const Transport = sdk === 'v1' ? TransportV1 : TransportV2;
        await client.connect(new Transport(server.url, { requestInit }) as never);
        await client.callTool({ name: 'plain' });
        const call = sink.only('tools/call');
        if (wanted === undefined) expect(call).not.to.have.any.keys('on_behalf_of', 'authority');
        else expect(call).to.deep.include(wanted);
        expect(call.mcp?.oauth?.subject).to.equal(payload.sub);
        if ('act' in payload) expect(call.mcp?.oauth?.actors).to.deep.equal([act.sub, act.act.sub]);
        const acting = 'act' in payload ? [act.sub, act.act.sub] : [];
        const chain = wanted === undefined ? undefined : ['robot', ...acting, 'ada'];
        expect(call.actor_chain?.map(({ id }) => id)).to.deep.equal(chain);
        const [own, ...others] = call.actor_chain ?? [];
        for (const link of others) expect(link).to.include({ issuer: claims.iss, source: 'token' });
        if (own !== undefined) expect(own).to.include({ identity: 'self-reported', source: 'program' });
        expect(call.mcp).to.include({ peer_address: '127.0.0.1', peer_port: Number(server.url.port) });
        expect(JSON.stringify(sink.records)).not.to.include('canary');
        await client.close();
        await server.close();
        server = undefined;
      }
    });

    it(`go through the caller's own fetch as they did, ${sdk}`, async () => {
      server = await startRawHttp(() => undefined);
      const seen: unknown[] = [];
      const own = function (this: unknown, ...args: Parameters<typeof fetch>) {
        seen.push(args.length);
        return fetch(...args);
      };
      const client = sdk === 'v1' ? new ClientV1(info) : new ClientV2(info);
      const sink = audited(client);
      const transport =
        sdk === 'v1'
          ? new TransportV1(server.url, { fetch: own })
          : new TransportV2(server.url, { fetch: own });
      await client.connect(transport as never);
      await client.callTool({ name: 'plain' });
      expect(seen.length).to.be.greaterThan(1);
      expect(sink.only('tools/call').mcp?.http_status).to.equal(200);
      await client.close();
    });
  }
});
