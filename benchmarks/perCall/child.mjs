// One variant of the question "what does a callTool cost?", in a process of its own, since peers patch the class itself.
// Prints the microseconds of one call: the fastest of several batches, which is what the machine's noise touches least.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  AuditSpanProcessor,
  FileSink,
  McpInstrumentation,
  instrumentClient,
  withLogging,
} from 'otel-mcp-log';
import { z } from 'zod';

const [variant, batches, calls] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-bench-'));

function provide(...spanProcessors) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({ spanProcessors });
  trace.setGlobalTracerProvider(provider);
  return provider;
}

const environment = 'benchmark';
const memory = () => ({ name: 'memory', emit: () => undefined });
const file = () => new FileSink(join(folder, 'audit.jsonl'));
const plainCall = (client, params) => client.callTool(params);

/** Each sets up what its name says, and gives back how a call is made. */
const variants = {
  bare: () => plainCall,
  span: () => {
    const tracer = provide().getTracer('plain');
    return (client, params) =>
      tracer.startActiveSpan(`tools/call ${params.name}`, { kind: SpanKind.CLIENT }, async (span) => {
        const result = await client.callTool(params);
        span.end();
        return result;
      });
  },
  peer: async () => {
    provide();
    const { McpInstrumentation: Peer } = await import('@traceloop/instrumentation-mcp');
    new Peer().manuallyInstrument({ Client });
    return plainCall;
  },
  'ours: spans only': () => {
    provide();
    new McpInstrumentation().enable();
    instrumentClient(Client);
    return plainCall;
  },
  'ours: spans, records in memory': () => {
    provide(new AuditSpanProcessor({ environment, sink: memory() }));
    instrumentClient(Client);
    return plainCall;
  },
  'ours: spans, records in a file': () => {
    provide(new AuditSpanProcessor({ environment, sink: file() }));
    instrumentClient(Client);
    return plainCall;
  },
  'ours: withLogging, no SDK, records in memory': (client) => {
    withLogging(client, { environment, sink: memory() });
    return plainCall;
  },
};

const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
server.registerTool('echo', { inputSchema: { message: z.string() } }, ({ message }) => ({
  content: [{ type: 'text', text: message }],
}));
const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
const client = new Client({ name: 'benchmark', version: '1.0.0' });
const call = await variants[variant](client);
await server.connect(serverSide);
await client.connect(clientSide);

const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
let fastest = Infinity;
for (let batch = 0; batch < batches; batch++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) await call(client, params);
  fastest = Math.min(fastest, Number(process.hrtime.bigint() - start) / 1e3 / calls);
}
process.stdout.write(JSON.stringify({ microseconds: fastest }));
rmSync(folder, { recursive: true, force: true });
process.exit(0);
