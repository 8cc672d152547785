// One variant of the question "what does a call cost the server?", in a process of its own. A bare client calls over the in-memory
// transport, so that what a variant adds is added to the server alone. Arguments: variant, batches, calls a batch, and a folder with
// the peers. Prints the microseconds of processor time of one call: the least of the batches.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { AuditSpanProcessor, FileSink, instrumentClient, withLogging } from 'otel-mcp-log';

const A_TURN = 50;
const OPENING_MS = 200;
const [variant, batches, calls, peers] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-bench-'));
const environment = 'benchmark';
const logs = [];

function provide(...spanProcessors) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
}

function audited(options) {
  const processor = new AuditSpanProcessor({ environment, ...options });
  logs.push(processor);
  provide(processor);
  for (const each of [Server, McpServer]) instrumentClient(each);
}

const sealed = () => {
  const integrity = { origin: 'bench.example/log', key: { generate: join(folder, 'key.pem') } };
  return new FileSink({ path: join(folder, 'audit.jsonl'), integrity });
};

const VARIANTS = {
  bare: () => undefined,
  'a span': () => provide(),
  'Sentry, spans': () => {
    const Sentry = createRequire(join(peers, 'bench.js'))('@sentry/node');
    const transport = () => ({ send: async () => ({}), flush: async () => true });
    Sentry.init({ dsn: 'https://key@bench.example/1', tracesSampleRate: 1, transport });
    return (server) => void Sentry.wrapMcpServerWithSentry(server);
  },
  'spans only': () => {
    provide();
    for (const each of [Server, McpServer]) instrumentClient(each);
  },
  'records in memory': () => audited({ sink: { name: 'memory', emit: () => undefined } }),
  'the whole thing, batch': () => audited({ sink: sealed(), mode: 'batch' }),
  'the whole thing, blocking': () => audited({ sink: sealed() }),
  'withLogging, no SDK, records in memory': () => (server) =>
    void withLogging(server, { sink: { name: 'memory', emit: () => undefined }, environment }),
};

const wrap = VARIANTS[variant]();
const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
wrap?.(server);
const answer = ({ message }) => ({ content: [{ type: 'text', text: message }] });
const tracer = trace.getTracer('plain');
const traced = (args) =>
  tracer.startActiveSpan('tools/call echo', { kind: SpanKind.SERVER }, (span) => {
    span.end();
    return answer(args);
  });
server.registerTool('echo', { inputSchema: { message: z.string() } }, variant === 'a span' ? traced : answer);
const client = new Client({ name: 'benchmark', version: '1.0.0' });
const [own, other] = InMemoryTransport.createLinkedPair();
await server.connect(other);
await client.connect(own);

const params = { name: 'echo', arguments: { message: 'the quick brown fox jumps over the lazy dog' } };
await client.callTool(params);
await setTimeout(OPENING_MS);
let least = Infinity;
for (let batch = 0; batch < Number(batches); batch++) {
  const start = process.cpuUsage();
  for (let i = 0; i < Number(calls); i++) {
    await client.callTool(params);
    if (i % A_TURN === 0) await setImmediate();
  }
  const { user, system } = process.cpuUsage(start);
  least = Math.min(least, (user + system) / Number(calls));
}
const lost = logs
  .flatMap((log) => log.stats().sinks)
  .reduce((sum, { dropped, failed }) => sum + dropped + failed, 0);
if (lost > 0) throw new Error(`${variant}: ${lost} records were lost`);
process.stdout.write(JSON.stringify(least));
rmSync(folder, { recursive: true, force: true });
process.exit(0);
