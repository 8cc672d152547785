// The v2 client of the MCP SDK, wrapped as a v1 client is.
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { auditLogOf, FileSink, StdoutSink, withLogging } from 'otel-mcp-log';

const client = withLogging(new Client({ name: 'sdk-v2', version: '1.0.0' }), {
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
await client.callTool({ name: 'echo', arguments: { message: 'hello from v2' } });
await client.close();
await auditLogOf(client).shutdown();
