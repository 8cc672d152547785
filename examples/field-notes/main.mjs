// Records to Field Notes with OAuth 2.0 client credentials, through a spool on disk. With an account, leave out
// `services.mjs` and the two addresses: they are the service's unless given.
import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { auditLogOf, FieldNotesSink, SpoolSink, withLogging } from 'otel-mcp-log';
import { startServices } from './services.mjs';

const services = await startServices();

const client = withLogging(new Client({ name: 'field-notes', version: '1.0.0' }), {
  // Field Notes takes ten requests a second; what comes faster waits on disk.
  sink: new SpoolSink(new FieldNotesSink(services.options), { directory: process.argv[2] ?? 'spool' }),
  environment: 'example',
  actorId: 'agent-7',
});

const server = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
);
await client.connect(
  new StdioClientTransport({ command: process.execPath, args: [server, 'stdio'], stderr: 'ignore' }),
);
await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
await client.close();
await auditLogOf(client).shutdown();
console.log(`${services.received.length} events received, with a token`);
services.stop();
