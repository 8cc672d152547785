// A server behind OAuth, which calls another one: what it was asked, what it refused and what it asked for are in one log.
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { auditHttp, auditLogOf, FileSink, withLogging } from 'otel-mcp-log';
import { z } from 'zod';

// The express that the SDK is made with.
const express = createRequire(fileURLToPath(import.meta.resolve('@modelcontextprotocol/sdk/server/mcp.js')))(
  'express',
);
const { SHOP_LOG = '', ISSUER = '', CLIENT = '' } = process.env;
// Sealed, so that `verify` tells if a line is missing; a real shop keeps its key elsewhere.
const integrity = { origin: 'shop.example.com/audit', key: { generate: `${SHOP_LOG}.pem` } };
const options = { sink: new FileSink({ path: SHOP_LOG, integrity }), environment: 'example' };

const stock = withLogging(new Client({ name: 'shop', version: '1.0.0' }), {
  ...options,
  actorId: 'shop',
  propagateCommitments: true,
});
const args = [fileURLToPath(new URL('stock.mjs', import.meta.url))];
await stock.connect(new StdioClientTransport({ command: process.execPath, args, env: process.env }));

const server = withLogging(new McpServer({ name: 'shop', version: '1.0.0' }), options);
server.registerTool(
  'order',
  { inputSchema: { item: z.string(), price: z.number() }, annotations: { destructiveHint: true } },
  async ({ item }) => stock.callTool({ name: 'reserve', arguments: { item } }),
);
const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
await server.connect(transport);

/** Asks the authorization server whose a token is (RFC 7662). */
async function verifyAccessToken(token) {
  const body = new URLSearchParams({ token });
  const headers = { authorization: `Basic ${Buffer.from(CLIENT).toString('base64')}` };
  const answer = await fetch(`${ISSUER}/token/introspection`, { method: 'POST', headers, body });
  const { active, client_id: clientId, scope = '', exp: expiresAt, sub, iss } = await answer.json();
  if (!active) throw new InvalidTokenError('the token is not active');
  return { token, clientId, scopes: scope.split(' '), expiresAt, extra: { sub: sub ?? clientId, iss } };
}

const app = express();
app.use('/mcp', auditHttp(requireBearerAuth({ verifier: { verifyAccessToken } })));
app.use('/mcp', (request, response) => transport.handleRequest(request, response));
const http = app.listen(0, '127.0.0.1', () => process.send?.(http.address().port));

process.once('message', async () => {
  await server.close();
  await stock.close();
  http.close();
  http.closeAllConnections();
  await auditLogOf(server).shutdown();
  process.disconnect();
});
