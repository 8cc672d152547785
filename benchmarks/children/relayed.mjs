// What a call takes that goes through something, in a process of its own, whose client is the SDK's version 1. Arguments: how the client
// reaches the server (a command as JSON, or a URL), batches, calls a batch. Prints the microseconds of one call: the fastest batch's.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [way, batches, calls] = process.argv.slice(2);
const transport = way.startsWith('http')
  ? new StreamableHTTPClientTransport(new URL(way))
  : new StdioClientTransport({
      command: process.execPath,
      args: JSON.parse(way),
      stderr: 'ignore',
      env: process.env,
    });
const client = new Client({ name: 'benchmark', version: '1.0.0' });
await client.connect(transport);
const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
let fastest = Infinity;
for (let batch = 0; batch < Number(batches); batch++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < Number(calls); i++) await client.callTool(params);
  fastest = Math.min(fastest, Number(process.hrtime.bigint() - start) / 1e3 / Number(calls));
}
process.stdout.write(JSON.stringify(fastest));
await client.close();
process.exit(0);
