// One case of the question "what does a call cost when nobody samples it?". Prints the microseconds of one call: the fastest of
// several batches.
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AlwaysOffSampler, AlwaysOnSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { AuditSpanProcessor, instrumentClient } from 'otel-mcp-log';
import { z } from 'zod';

const [name, batches, calls] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const processor = new AuditSpanProcessor({
  environment: 'benchmark',
  sink: { name: 'memory', emit: () => undefined },
});
if (name !== 'no SDK') {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const sampler = name === 'sampler on' ? new AlwaysOnSampler() : new AlwaysOffSampler();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler, spanProcessors: [processor] }));
}
instrumentClient(Client);

const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
server.registerTool('echo', { inputSchema: { message: z.string() } }, ({ message }) => ({
  content: [{ type: 'text', text: message }],
}));
const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
const client = new Client({ name: 'benchmark', version: '1.0.0' });
await server.connect(serverSide);
await client.connect(clientSide);

const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
let fastest = Infinity;
for (let batch = 0; batch < batches; batch++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) await client.callTool(params);
  fastest = Math.min(fastest, Number(process.hrtime.bigint() - start) / 1e3 / calls);
}
process.stdout.write(String(fastest));
process.exit(0);
