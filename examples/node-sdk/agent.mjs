// An application that knows nothing of auditing. `node --import ./instrumentation.mjs agent.mjs URL`
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const client = new Client({ name: 'agent', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
await client.listTools();
await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
await client.close();
