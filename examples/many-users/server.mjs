// A web application whose users share one MCP client. Who acts is asked at each call, so that each user's calls are theirs on
// record. `node server.mjs PORT`
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import express from 'express';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { auditLogOf, FileSink, withLogging } from 'otel-mcp-log';

const users = new AsyncLocalStorage();

const client = withLogging(new Client({ name: 'portal', version: '1.0.0' }), {
  sink: new FileSink(process.env.AUDIT_LOG ?? 'audit.jsonl'),
  environment: 'example',
  // The application itself connects and closes.
  actorId: () => users.getStore() ?? { id: 'portal', type: 'service' },
});
const args = [
  createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js'),
];
await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));

const app = express();
app.use((request, response, next) => {
  // In earnest, from a session that was authenticated.
  const id = request.get('x-user');
  if (id === undefined) response.status(401).json({ error: 'who are you?' });
  else users.run({ id, type: 'user', tenantId: request.get('x-tenant') }, next);
});
app.get('/echo/:text', async (request, response) => {
  const { content } = await client.callTool({ name: 'echo', arguments: { message: request.params.text } });
  response.json(content);
});

const listening = app.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () =>
  console.log(`listening on ${listening.address().port}`),
);
process.once('SIGTERM', async () => {
  listening.close();
  await client.close();
  await auditLogOf(client).shutdown();
});
