// An application that audits hundreds of clients for as long as it is let: mixed operations, rotations, a receiver that fails.
// Prints a sample a second as JSON, and at the end what it did. Run by spec/soak/run.ts.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import {
  AuditSpanProcessor,
  FileSink,
  HttpSink,
  auditLogOf,
  instrumentClient,
  SpoolSink,
  withLogging,
} from 'otel-mcp-log';
import { World } from './world.mjs';

const {
  folder,
  endpoint,
  seconds,
  operations = 0,
  clients,
  perSecond,
  seed,
  leak,
} = JSON.parse(process.argv[2]);
const rotate = { maxBytes: 4_000_000, compress: true };
const retry = { maxAttempts: 2, initialDelayMs: 50, maxDelayMs: 200 };
const remote = new HttpSink({ endpoint, batch: { maxRecords: 200 }, timeoutMs: 1_000, retry });
const spool = new SpoolSink(remote, { directory: join(folder, 'spool'), onError: () => undefined });
/** A leak for the test of the soak: several times each record, so that half a minute shows what three would. */
const kept = [];
const copies = (record) => Array.from({ length: 6 }, () => structuredClone(record));
const sinks = [
  new FileSink({ path: join(folder, 'instrumented.jsonl'), rotate }),
  { sink: spool, mode: 'batch', required: false },
  ...(leak ? [{ name: 'leak', emit: (records) => void kept.push(...records.flatMap(copies)) }] : []),
];
const processor = new AuditSpanProcessor({ environment: 'soak', sinks, onError: () => undefined });
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));

const wrappedSink = new FileSink({ path: join(folder, 'wrapped.jsonl'), rotate });
const wrap = (client) => withLogging(client, { environment: 'soak', sink: wrappedSink });
const world = new World(seed, { instrument: instrumentClient, wrap });
await world.open(clients);

const end = performance.now() + seconds * 1_000;
/** As many samples as the judge asks for: a loaded machine may take fewer than one a second. */
const SAMPLES = 20;
let samples = 0;
const isOver = () => performance.now() >= end && samples >= SAMPLES && sumDone() >= operations;
const sampling = setInterval(sample, 1_000);
const workers = Array.from({ length: 50 }, () => work());
await Promise.all(workers);
clearInterval(sampling);
const log = auditLogOf(world.someWrapped());
await world.close();
await log.shutdown();
const deadline = performance.now() + 60_000;
while (spool.backlogBytes > 0 && performance.now() < deadline) await sleep(50);
await processor.shutdown();
process.stdout.write(`${JSON.stringify({ done: world.done, backlog: spool.backlogBytes })}\n`);

/** One of many callers, who together make so many calls a second. */
async function work() {
  while (!isOver()) {
    const began = performance.now();
    await world.step();
    await sleep(Math.max(0, 50_000 / perSecond - (performance.now() - began)));
  }
}

function sumDone() {
  return world.done.instrumented + world.done.wrapped;
}

function sample() {
  samples++;
  globalThis.gc();
  const { heapUsed, rss, external } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout').length;
  const descriptors = readdirSync('/proc/self/fd').length;
  const second = Math.round(performance.now() / 1_000);
  const records = sumDone();
  const values = {
    second,
    heapUsed,
    rss,
    external,
    handles,
    descriptors,
    records,
    backlog: spool.backlogBytes,
  };
  process.stdout.write(`${JSON.stringify(values)}\n`);
}
