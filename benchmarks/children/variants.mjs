// What stands between a program and its calls: nothing, a span, a peer, or this library in one of its forms.
import { mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import {
  AuditSpanProcessor,
  FileSink,
  McpInstrumentation,
  instrumentClient,
  withLogging,
} from 'otel-mcp-log';

export const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-bench-'));
const environment = 'benchmark';
/** As many fields and bytes as a record of this call has. */
const LINE = Object.fromEntries(
  Array.from({ length: 28 }, (_, index) => [`some_field_${index}`, `value of ${index} here`]),
);

function provide({ spanProcessors = [], ...options } = {}) {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({ spanProcessors, ...options });
  trace.setGlobalTracerProvider(provider);
  return provider;
}

const memory = () => ({ name: 'memory', emit: () => undefined });
const sealed = () => ({
  integrity: { origin: 'bench.example/log', key: { generate: join(folder, 'key.pem') } },
});
const file = (options = {}) => new FileSink({ path: join(folder, 'audit.jsonl'), ...options });
const plainCall = (client, params) => client.callTool(params);

/** Audits every client of the class; `options` are those of the audit log. */
const audited =
  (options, provider = {}) =>
  (_, Client) => {
    provide({ spanProcessors: [new AuditSpanProcessor({ environment, ...options() })], ...provider });
    instrumentClient(Client);
    return plainCall;
  };

function spanned(after) {
  const tracer = provide().getTracer('plain');
  return (client, params) =>
    tracer.startActiveSpan(`tools/call ${params.name}`, { kind: SpanKind.CLIENT }, async (span) => {
      const result = await client.callTool(params);
      span.end();
      after?.(params);
      return result;
    });
}

/** Each sets up what its name says, and gives back how a call is made. */
export const variants = {
  bare: () => plainCall,
  'a span': () => spanned(),
  peer: async (_, Client) => {
    provide();
    const { McpInstrumentation: Peer } = await import('@traceloop/instrumentation-mcp');
    new Peer().manuallyInstrument({ Client });
    return plainCall;
  },
  // What any blocking audit pays at least: the span, one line of JSON as long as a record, one write into the page cache.
  'a span, and a line written': () => {
    const fd = openSync(join(folder, 'floor.jsonl'), 'a');
    return spanned((params) => writeSync(fd, `${JSON.stringify({ ...LINE, time: Date.now(), params })}\n`));
  },
  'spans only': (_, Client) => {
    provide();
    new McpInstrumentation().enable();
    instrumentClient(Client);
    return plainCall;
  },
  'records in memory': audited(() => ({ sink: memory() })),
  'records in memory, sampler off': audited(() => ({ sink: memory() }), { sampler: new AlwaysOffSampler() }),
  'records in memory, no SDK': (_, Client) => {
    new AuditSpanProcessor({ environment, sink: memory() }).enable();
    instrumentClient(Client);
    return plainCall;
  },
  'records in a file, batch': audited(() => ({ sink: file(), mode: 'batch' })),
  'records in a file, blocking': audited(() => ({ sink: file() })),
  'the whole thing, batch': audited(() => ({ sink: file(sealed()), mode: 'batch' })),
  'the whole thing, blocking': audited(() => ({ sink: file(sealed()) })),
  'withLogging, no SDK, records in memory': (client) => {
    withLogging(client, { environment, sink: memory() });
    return plainCall;
  },
};
