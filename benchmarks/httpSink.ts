// How many records a second does HttpSink deliver in batches, and how many spans OpenTelemetry's own OTLP exporters, to the
// same receiver, in the same run? Alternating rounds, one sender at a time, each waiting for the answer to its batch.
// `node --import tsx benchmarks/httpSink.ts`, or with `-- --quick` for a first impression.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import type { AuditRecord } from '../lib/schema/record.js';
import { HttpSink, type HttpSinkOptions } from '../lib/sinks/http.js';
import { sampleRecord } from '../spec/support/sampleRecords.js';

const BATCH = 512;
const quick = process.argv.includes('--quick');
const rounds = quick ? 2 : 7;
const batches = quick ? 20 : 60;

const receiver = fork(fileURLToPath(new URL('./httpSink/receiver.mjs', import.meta.url)), { execArgv: [] });
const [port] = (await once(receiver, 'message')) as [number];
const url = `http://127.0.0.1:${port}/`;

const records: AuditRecord[] = Array.from({ length: BATCH }, (_, index) => sampleRecord(index));
const spans = makeSpans();
/** With what a record says besides, so that as many bytes are sent. */
const fullSpans = makeSpans({
  'gen_ai.tool.call.arguments': JSON.stringify(records[1]?.mcp?.tool_arguments ?? {}),
  'audit.record': 'x'.repeat(500),
});

const senders = new Map<string, () => Promise<void>>();
const formats: [string, Partial<HttpSinkOptions>][] = [
  ['HttpSink, NDJSON', { format: 'json' }],
  ['HttpSink, NDJSON, signed', { format: 'json', hmacKey: 'a key' }],
  ['HttpSink, protobuf', { format: 'protobuf' }],
];
for (const [name, options] of formats) {
  const sink = new HttpSink({ endpoint: url, batch: { maxRecords: BATCH }, ...options });
  senders.set(name, async () => {
    const { status } = await sink.emit(records);
    if (status !== 'delivered') throw new Error(`${name}: ${status}`);
  });
}
const exporter = new JsonExporter({ url });
senders.set('OTLP trace exporter, JSON, spans as an instrumented client makes them', () =>
  exportSpans(spans),
);
senders.set('OTLP trace exporter, JSON, spans as long as the records', () => exportSpans(fullSpans));

const samples = new Map<string, number[]>([...senders.keys()].map((name) => [name, []]));
for (const send of senders.values()) for (let i = 0; i < 5; i++) await send();
for (let round = 0; round < rounds; round++) {
  for (const [name, send] of senders) {
    const began = performance.now();
    for (let batch = 0; batch < batches; batch++) await send();
    samples.get(name)?.push((BATCH * batches * 1000) / (performance.now() - began));
  }
}
await exporter.shutdown();
receiver.disconnect();

const rounded = (value: number): string => String(Math.round(value / 100) * 100);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
console.log(`Node ${process.version}, ${rounds} rounds of ${batches} batches of ${BATCH}\n`);
console.log('| sender | a second (median) | spread |');
console.log('|---|---:|---:|');
for (const [name, values] of samples) {
  const spread = `${rounded(Math.min(...values))}–${rounded(Math.max(...values))}`;
  console.log(`| ${name} | ${rounded(median(values))} | ${spread} |`);
}

function exportSpans(some: ReadableSpan[]): Promise<void> {
  return new Promise((resolve, reject) =>
    exporter.export(some, ({ code, error }) =>
      code === 0 ? resolve() : reject(error ?? new Error('export failed')),
    ),
  );
}

/** Spans that say what an instrumented client's say: in OTLP's JSON two thirds of a record's bytes. */
function makeSpans(more: Record<string, string> = {}): ReadableSpan[] {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] });
  const tracer = provider.getTracer('benchmark');
  for (let index = 0; index < BATCH; index++) {
    const attributes = {
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2025-06-18',
      'mcp.session.id': 'session-1',
      'gen_ai.tool.name': 'echo',
      'gen_ai.operation.name': 'execute_tool',
      'jsonrpc.request.id': String(index),
      'network.transport': 'pipe',
      ...more,
    };
    tracer.startSpan('tools/call echo', { attributes }).end();
  }
  return memory.getFinishedSpans();
}
