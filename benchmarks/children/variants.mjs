// What stands between a program and its calls: nothing, a span, a peer, or this library in one of its forms.
import { createHash, hash, randomUUID } from 'node:crypto';
import { mkdtempSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { context, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { AlwaysOffSampler, BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
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
export const LINE = Object.fromEntries(
  Array.from({ length: 28 }, (_, index) => [`some_field_${index}`, `value of ${index} here`]),
);

export function provide({ spanProcessors = [], ...options } = {}) {
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

/** The audit logs of this process. */
const logs = [];

/** How many records they have lost: then what was measured was not what the variant's name says. */
export const lost = () =>
  logs.flatMap((log) => log.stats().sinks).reduce((sum, { dropped, failed }) => sum + dropped + failed, 0);

function log(options) {
  const processor = new AuditSpanProcessor({ environment, ...options });
  logs.push(processor);
  return processor;
}

/** Audits every client of the class; `options` are those of the audit log. */
const audited =
  (options, provider = {}) =>
  (_, Client) => {
    provide({ spanProcessors: [log(options())], ...provider });
    instrumentClient(Client);
    return plainCall;
  };

async function traceByPeer(Client) {
  provide();
  const { McpInstrumentation: Peer } = await import('@traceloop/instrumentation-mcp');
  new Peer().manuallyInstrument({ Client });
}

/** The one-shot form is the faster; it came with Node 20.12. */
const sha256 =
  typeof hash === 'function'
    ? (text) => hash('sha256', text, 'hex')
    : (text) => createHash('sha256').update(text).digest('hex');

/**
 * What a program would have instead of an audit log: pino, told where the secrets are, with the fields that a record has; its lines
 * go to the file as pino's own documentation advises for speed, and one hash of each is kept.
 */
function homeMadeLog() {
  const destination = pino.destination({ dest: join(folder, 'own.jsonl'), sync: false, minLength: 4096 });
  const hashes = [];
  const write = (text) => {
    hashes.push(sha256(text));
    if (hashes.length === 1_000) hashes.length = 0;
    destination.write(text);
  };
  const redact = ['params.arguments.password', 'params.arguments.token'];
  const logger = pino({ redact, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return (params, outcome, start) => {
    logger.info(
      {
        record_id: randomUUID(),
        duration_ms: performance.now() - start,
        event_type: 'EVENT_TOOL_INVOCATION',
        outcome,
        sensitivity: 'SENSITIVITY_INTERNAL',
        actor_id: 'benchmark',
        actor_type: 'agent',
        component: 'benchmark',
        environment,
        resource: `tools/${params.name}`,
        session_id: SESSION,
        client_id: 'benchmark',
        client_version: '1.0.0',
        server_id: 'benchmark',
        server_version: '1.0.0',
        protocol_version: '2025-11-25',
        transport: 'in-memory',
        method: 'tools/call',
        params,
      },
      `Called tool ${params.name}.`,
    );
  };
}

const SESSION = randomUUID();

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
    await traceByPeer(Client);
    return plainCall;
  },
  'build it yourself': async (_, Client) => {
    await traceByPeer(Client);
    const write = homeMadeLog();
    return async (client, params) => {
      const start = performance.now();
      try {
        const result = await client.callTool(params);
        write(params, 'OUTCOME_SUCCESS', start);
        return result;
      } catch (error) {
        write(params, 'OUTCOME_FAILURE_ERROR', start);
        throw error;
      }
    };
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
    log({ sink: memory() }).enable();
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
