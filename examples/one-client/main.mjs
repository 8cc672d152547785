// One client, wrapped: the shortest way to a record of everything it does.
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { auditLogOf, FileSink, StdoutSink, withLogging } from 'otel-mcp-log';

const client = withLogging(new Client({ name: 'one-client', version: '1.0.0' }), {
  sinks: [new StdoutSink({ pretty: true }), new FileSink(process.env.AUDIT_LOG ?? 'audit.jsonl')],
  environment: 'example',
  actorId: 'agent-7',
});

const server = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
await client.connect(
  new StdioClientTransport({ command: process.execPath, args: [server, 'stdio'], stderr: 'ignore' }),
);
await client.callTool({ name: 'echo', arguments: { message: 'hello', password: 'not on record' } });
await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 'not a number' } }).catch(() => {});
await client.close();
await auditLogOf(client).shutdown();
