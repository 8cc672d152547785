import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import { expect } from 'chai';
import { continueTrace, extractTrace } from '../../lib/capture/propagation.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { withLogging } from '../../lib/withLogging.js';
import { runCli } from '../support/builtCli.js';
import { MemorySink } from '../support/memorySink.js';
import { runNode } from '../support/node.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { ToolServer } from '../support/toolServer.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const _meta = { traceparent: `00-${TRACE}-${SPAN}-01` };
const traceIn = (request: unknown) => trace.getSpanContext(extractTrace(request));

describe('extractTrace', () => {
  for (const [name, request] of [
    ['the request', { method: 'tools/call', params: { name: 'order', _meta } }],
    ['its parameters', { name: 'order', _meta }],
    ["v1's extra", { signal: AbortSignal.abort(), _meta, requestId: 1 }],
    ["v2's ctx", { mcpReq: { id: 1, method: 'tools/call', _meta } }],
  ] as const)
    it(`finds the trace in ${name}`, () => {
      expect(traceIn(request)).to.include({ traceId: TRACE, spanId: SPAN, isRemote: true });
    });

  it('gives the active context where there is none, or none that is valid', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    );
    for (const request of [undefined, null, 'text', {}, hostile, { _meta: hostile }, { _meta: 'x' }])
      expect(extractTrace(request)).to.equal(context.active());
    for (const traceparent of ['', 1, `00-${'0'.repeat(32)}-${SPAN}-01`, `${_meta.traceparent}x`])
      expect(traceIn({ _meta: { traceparent } })).to.equal(undefined);
  });

  it('reads traceparent also where the propagator of the application reads something else', () => {
    propagation.setGlobalPropagator(new W3CBaggagePropagator());
    try {
      const found = extractTrace({ _meta: { ..._meta, baggage: 'user=ada' } });
      expect(trace.getSpanContext(found)?.traceId).to.equal(TRACE);
      expect(propagation.getBaggage(found)?.getEntry('user')?.value).to.equal('ada');
    } finally {
      propagation.disable();
    }
  });

  it('needs no OpenTelemetry for calls to be on record in the trace of the caller: continueTrace', async () => {
    const sink = new MemorySink();
    const server = new ToolServer(['reserve', 'Reserves']);
    const client = await server.connect((bare) => withLogging(bare, { sink, environment: 'test' }));
    await continueTrace({ _meta }, async () => {
      await new Promise(setImmediate);
      return client.callTool({ name: 'reserve' });
    });
    await client.callTool({ name: 'reserve' });
    await client.close();
    const [within, after] = sink.of('tools/call');
    expect(within).to.include({ trace_id: TRACE, parent_span_id: SPAN });
    expect(after!.trace_id).not.to.equal(TRACE);
    expect(context.active()).to.equal(ROOT_CONTEXT);
  });
});

describe('a trace over three processes', function () {
  this.timeout(30_000);
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  async function chain(SDKS: string, HOW: string) {
    const env = { SDKS, HOW, LOGS: folder.path, OTEL_MCP_LOG_QUIET: '1' };
    const { code, stderr } = await runNode(['spec/capture/fixtures/chain.mjs', 'agent'], env);
    expect([code, stderr]).to.deep.equal([0, '']);
    const call = (name: string) =>
      readFileSync(join(folder.path, `${name}.jsonl`), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditRecord)
        .find(({ resource }) => resource.startsWith('tools/'))!;
    const [agent, shop] = [call('agent'), call('shop')];
    const stock = JSON.parse(readFileSync(join(folder.path, 'stock.json'), 'utf8')) as object;
    const follow = (...names: string[]) =>
      runCli(['query', '--follow-trace', agent.trace_id, ...names.map((name) => join(folder.path, name))]);
    return { agent, shop, stock, follow };
  }

  for (const [sdks, how] of [
    ['v2,v1,v2', 'continueTrace'],
    ['v1,v2,v1', 'extractTrace'],
  ] as const)
    it(`is one with ${how} (${sdks})`, async () => {
      const { agent, shop, stock, follow } = await chain(sdks, how);
      expect([shop.trace_id, shop.parent_span_id]).to.deep.equal([agent.trace_id, agent.span_id]);
      expect(stock).to.deep.equal({ traceId: agent.trace_id, spanId: shop.span_id });
      const { stdout } = await follow('agent.jsonl', 'shop.jsonl');
      expect(stdout)
        .to.include('2 records in 2 files')
        .and.match(/└─ .*tools\/order.*\n {3}└─ .*tools\/reserve/);
      expect(stdout).not.to.include('Only this record');
    });

  it('has only one record where a server does not go on with it, and query says so', async () => {
    const { agent, shop, follow } = await chain('v2,v2,v2', 'not');
    expect(shop.trace_id).not.to.equal(agent.trace_id);
    const { stdout, code } = await follow('agent.jsonl', 'shop.jsonl');
    expect(code).to.equal(0);
    expect(stdout.split('\n').at(-2)).to.equal(
      'Only this record: shop made no audited call in this trace, or its log is not among the 2 logs given, or it does not continue the trace that requests bring (docs/capture.md#traces-across-servers).',
    );
  });
});
