import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth as requireBearerAuthV1 } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth as requireBearerAuthV2,
} from '@modelcontextprotocol/server';
import { expect } from 'chai';
import express from 'express';
import { Hono } from 'hono';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { auditHttp } from '../../lib/capture/auditHttp.js';
import { settled } from '../support/audited.js';
import { httpAudit } from '../support/httpAudit.js';
import { startOAuthServer, type OAuthServer } from '../support/oauthServer.js';
import { sha256 } from '../support/sha256.js';

describe('auditHttp before the SDK, with tokens of a real authorization server', () => {
  const audit = httpAudit();
  const { start, recorded } = audit;
  const RESOURCE = 'https://mcp.example.com/mcp';
  let oauth: OAuthServer;
  before(async () => {
    oauth = await startOAuthServer(3600, [RESOURCE]);
  });
  after(() => oauth.close());

  async function token(): Promise<string> {
    const response = await fetch(oauth.tokenEndpoint, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${oauth.clientId}:${encodeURIComponent(oauth.clientSecret)}`).toString('base64')}`,
      },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'fieldnotes.ingest',
        resource: RESOURCE,
      }),
    });
    return ((await response.json()) as { access_token: string }).access_token;
  }

  /** What most servers do with JWTs (RFC 9068). */
  async function claimsOf(given: string) {
    const keys = createRemoteJWKSet(new URL(`${oauth.issuer}/jwks`));
    const { payload } = await jwtVerify(given, keys, { issuer: oauth.issuer, audience: RESOURCE });
    return {
      token: given,
      clientId: String(payload['client_id']),
      scopes: String(payload['scope']).split(' '),
      expiresAt: Number(payload.exp),
      extra: { sub: payload.sub, iss: payload.iss },
    };
  }

  const v1 = (requiredScopes: string[] = []): RequestListener => {
    const app = express();
    const verifier = {
      verifyAccessToken: (given: string) =>
        claimsOf(given).catch(() => {
          throw new InvalidTokenError('the token is not valid');
        }),
    };
    app.use(
      '/mcp',
      auditHttp(requireBearerAuthV1({ verifier, requiredScopes })),
      async (request, response) => {
        const server = new McpServer({ name: 'guarded', version: '1' });
        server.registerTool('ok', {}, () => ({ content: [] }));
        const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
        await server.connect(transport);
        await transport.handleRequest(request, response);
      },
    );
    return app;
  };
  const v2 = (requiredScopes: string[] = []): RequestListener => {
    const verifier = {
      verifyAccessToken: (given: string) =>
        claimsOf(given).catch(() => {
          throw new OAuthError(OAuthErrorCode.InvalidToken, 'the token is not valid');
        }),
    };
    const gate = requireBearerAuthV2({ verifier, requiredScopes });
    const app = new Hono();
    const handle = auditHttp(async (request: Request): Promise<Response> => {
      const auth = await gate(request);
      return auth instanceof Response ? auth : Response.json({ passed: await request.text() });
    });
    app.all('/mcp', (context) => handle(context.req.raw));
    return getRequestListener(app.fetch);
  };

  for (const [name, make] of Object.entries({ v1, v2 })) {
    const post = (url: string, authorization?: string) =>
      fetch(`${url}/mcp?token=canary-query`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-session-id': 'canary-session',
          cookie: 'sid=canary-cookie',
          ...(authorization !== undefined && { authorization }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      });

    it(`puts on record who asks without a token, and with one that is not good (${name})`, async () => {
      const url = await start(make());
      const good = await token();
      const [head = '', payload = ''] = good.split('.');
      const forged = `${head}.${payload}.${Buffer.from('canary-signature').toString('base64url')}`;
      for (const authorization of [undefined, 'Basic Y2FuYXJ5', `Bearer ${forged}`])
        expect((await post(url, authorization)).status).to.equal(401);
      const records = await recorded(3);
      for (const record of records) {
        expect(record).to.include({
          event_type: 'EVENT_LOGIN',
          outcome: 'OUTCOME_FAILURE_UNAUTHORIZED',
          severity: 'SEVERITY_WARNING',
          component: 'mcp-server',
          resource: 'http/mcp',
          session_id: `sha256:${sha256('canary-session')}`,
        });
        expect(record.actor_id).to.equal(record.session_id);
        expect(record.error).to.include({ type: 'invalid_token', code: '401' });
        expect(record.mcp).to.include({
          http_method: 'POST',
          http_path: '/mcp',
          http_status: 401,
          transport: 'streamable-http',
        });
        expect(record).not.to.have.any.keys('actor_chain', 'on_behalf_of');
      }
      // What a token that nobody has accepted says of itself is a claim, and names no actor.
      expect(records[2]?.mcp?.oauth).to.include({ client_id: oauth.clientId, issuer: oauth.issuer });
      if (records[2]?.mcp?.oauth?.subject !== undefined)
        expect(records[2].mcp.oauth).to.include({ subject_identity: 'self-reported' });
      expect(JSON.stringify(records))
        .not.to.match(/canary|Y2FuYXJ5/)
        .and.not.to.include(forged);
    });

    it(`puts on record a token that does not reach (${name})`, async () => {
      const url = await start(make(['tools:write']));
      const response = await post(url, `Bearer ${await token()}`);
      expect(response.status).to.equal(403);
      expect(response.headers.get('www-authenticate')).to.include('insufficient_scope');
      const [record] = await recorded(1);
      expect(record).to.include({ event_type: 'EVENT_RESOURCE_ACCESS', outcome: 'OUTCOME_FAILURE_DENIED' });
      expect(record?.error).to.include({ type: 'insufficient_scope', code: '403' });
    });

    it(`leaves alone what passes (${name})`, async () => {
      const url = await start(make());
      const response = await post(url, `Bearer ${await token()}`);
      expect([response.status, await response.text()])
        .to.have.nested.property('[1]')
        .that.includes(name === 'v1' ? '"name":"ok"' : 'tools/list');
      expect(response.status).to.equal(200);
      await settled();
      expect(audit.sink.records.filter(({ resource }) => resource.startsWith('http'))).to.deep.equal([]);
    });
  }
});
