import { context, createTraceState, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ProtocolError } from '@modelcontextprotocol/client';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { watchTransport } from '../../lib/capture/outgoing.js';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { pair } from '../support/inMemory.js';
import { SETUPS } from '../support/telemetry.js';

const INFO = { name: 'agent', version: '1.2.3' };
const echo = (message: string) => ({ name: 'echo', arguments: { message } });

/** v2's code for headers that do not match the tool's definition (SEP-2243). */
const HEADER_MISMATCH = -32020;

describe('calls', () => {
  it('keep apart from each other, however many are under way', async () => {
    const { client, connect, received } = pair();
    const sink = audited(client);
    await connect();
    const names = Array.from({ length: 50 }, (_, index) => `m${index}`);
    await Promise.all(names.map((name) => client.callTool(echo(name))));
    const calls = sink.of('tools/call');
    expect(calls.map(({ mcp }) => (mcp?.tool_arguments as { message: string }).message)).to.have.members(
      names,
    );
    expect(new Set(calls.map(({ trace_id }) => trace_id)).size).to.equal(50);
    for (const { mcp, trace_id } of calls) {
      expect(mcp).not.to.have.property('legs');
      const sent = received.find((message) => 'id' in message && String(message.id) === mcp?.request_id);
      const params = sent as { params?: { _meta?: { traceparent?: string } } };
      expect(params.params?._meta?.traceparent?.split('-')[1]).to.equal(trace_id);
    }
  });

  it('that time out, are aborted or lose their connection say so, and claim no answer', async () => {
    const { client, connect, transport } = pair();
    const sink = audited(client);
    await connect();
    const slow = { name: 'slow' };
    await rejection(client.callTool(slow, undefined, { timeout: 5 }));
    const abort = new AbortController();
    const aborted = rejection(client.callTool(slow, undefined, { signal: abort.signal }));
    abort.abort();
    await aborted;
    const lost = rejection(client.callTool(slow));
    await settled();
    await transport.close();
    await lost;
    const calls = sink.of('tools/call');
    expect(calls.map(({ error }) => error?.type)).to.deep.equal([
      'timeout',
      'cancelled',
      'connection_closed',
    ]);
    for (const { mcp } of calls) expect(mcp).to.have.property('request_id').and.not.to.equal(undefined);
    for (const { mcp } of calls) expect(mcp).not.to.have.property('served_from');
  });

  it("are one record for each call of the SDK's methods where a class overrides them, patched by itself or not", async () => {
    class Retrying extends Client {
      override async callTool(...args: Parameters<Client['callTool']>) {
        await super.callTool({ ...args[0], name: 'broken' });
        return super.callTool(...args);
      }
      override async connect(...args: Parameters<Client['connect']>) {
        await super.connect(...args);
        await this.listTools();
      }
    }
    for (const make of [
      () => new Retrying(INFO),
      () => new (instrumentClient(class extends Retrying {}))(INFO),
    ]) {
      const { client, connect } = pair(make);
      const sink = audited(client);
      await connect();
      await client.callTool(echo('x'));
      expect(sink.records.map(({ resource }) => resource)).to.deep.equal([
        'session/initialize',
        'tools/list',
        'tools/broken',
        'tools/echo',
      ]);
    }
  });

  it('of the same kind that are made inside one are records of their own', async () => {
    const { client, connect, transport } = pair();
    const sink = audited(client);
    await connect();
    const send = transport.send.bind(transport);
    // A transport may need a tool of the same client before it can send, a token say.
    transport.send = async (message, options) => {
      const isOuter = JSON.stringify(message).includes('"outer"');
      if (isOuter) await client.callTool(echo('inner'));
      await send(message, options);
    };
    await client.callTool(echo('outer'));
    expect(sink.of('tools/call').map(({ mcp }) => mcp?.tool_arguments)).to.deep.equal([
      { message: 'inner' },
      { message: 'outer' },
    ]);
    for (const { mcp } of sink.of('tools/call')) expect(mcp).not.to.have.property('legs');
  });

  it('of v2 whose headers did not match are one record with both tries as legs', async () => {
    const { client, server, connect } = fullPairV2('modern');
    let tries = 0;
    server.server.setRequestHandler('tools/call', () => {
      if (++tries === 1) throw new ProtocolError(HEADER_MISMATCH, 'the header does not match');
      return { content: [] };
    });
    const sink = audited(client);
    await connect();
    await client.callTool({ name: 'echo' });
    const record = sink.only('tools/call');
    expect(record.outcome).to.equal('OUTCOME_SUCCESS');
    expect(record.mcp?.legs?.map(({ method }) => method)).to.deep.equal(['tools/call', 'tools/call']);
    // The client looks the definition up again: that is a listing, inside the call.
    expect(sink.only('tools/list')).to.include({ trace_id: record.trace_id });
  });

  it('leave the objects of the caller alone, frozen ones too', async () => {
    const { client, connect, received } = pair();
    const sink = audited(client);
    await connect();
    const params = Object.freeze({
      name: 'echo',
      arguments: Object.freeze({ message: 'm' }),
      _meta: Object.freeze({ mine: 1 }),
    });
    await client.callTool(params);
    expect(params).to.deep.equal({ name: 'echo', arguments: { message: 'm' }, _meta: { mine: 1 } });
    expect(JSON.stringify(received.at(-1)))
      .to.include('"mine":1')
      .and.to.include('traceparent');
    expect(sink.only('tools/call').outcome).to.equal('OUTCOME_SUCCESS');
  });

  it('respect a traceparent that the caller has set, and are on record under that trace', async () => {
    const { client, connect, received } = pair();
    const sink = audited(client);
    await connect();
    const traceId = '0123456789abcdef0123456789abcdef';
    const traceparent = `00-${traceId}-0123456789abcdef-01`;
    await client.callTool({ ...echo('m'), _meta: { traceparent } });
    const sent = received.at(-1) as { params?: { _meta?: object } };
    expect(sent.params?._meta).to.deep.equal({ traceparent });
    expect(sink.only('tools/call')).to.include({ trace_id: traceId, parent_span_id: '0123456789abcdef' });
  });

  it('do not mix a traceparent of the caller with a tracestate of ours', async () => {
    const tearDown = SETUPS.BasicTracerProvider({});
    try {
      const { client, connect, received } = pair();
      audited(client);
      await connect();
      const traceId = '0123456789abcdef0123456789abcdef';
      const spanContext = { traceId, spanId: '0123456789abcdef', traceFlags: 1 };
      const within = trace.setSpanContext(ROOT_CONTEXT, {
        ...spanContext,
        traceState: createTraceState('a=1'),
      });
      const call = (meta: object) =>
        context.with(within, () => client.callTool({ ...echo('m'), _meta: { ...meta } }));
      const sentMeta = () => (received.at(-1) as { params?: { _meta?: object } }).params?._meta;
      await call({});
      expect(sentMeta()).to.have.property('tracestate', 'a=1');
      const traceparent = `00-${traceId}-fedcba9876543210-01`;
      await call({ traceparent });
      expect(sentMeta()).to.deep.equal({ traceparent });
    } finally {
      await tearDown();
    }
  });

  it('do not take the requests of another client for theirs', async () => {
    disableSource(defaultSource);
    const [outer, other] = [pair(), pair()];
    const sink = audited(outer.client);
    await outer.connect();
    await other.connect();
    // As after an instrumentation that was disabled: its transport stays watched, its calls are nobody's.
    watchTransport(other.transport);
    const send = outer.transport.send.bind(outer.transport);
    outer.transport.send = async (message, options) => {
      await other.client.callTool(echo('other'));
      await send(message, options);
    };
    await outer.client.callTool(echo('outer'));
    expect(sink.only('tools/call').mcp).not.to.have.property('legs');
    expect(JSON.stringify(other.received.at(-1))).not.to.include('traceparent');
  });

  for (const sdk of ['v1', 'v2'] as const) {
    it(`over a transport that nobody can watch (${sdk}) have their ids and their trace all the same`, async () => {
      const { client, connect, transport, received } = sdk === 'v1' ? fullPairV1() : fullPairV2('legacy');
      const sink = audited(client);
      Object.defineProperty(transport, 'send', {
        value: transport.send,
        configurable: false,
        writable: false,
      });
      await connect();
      await client.callTool({ name: 'echo', arguments: {} });
      const record = sink.only('tools/call');
      expect(record.mcp).to.include({ request_id: '1' }).and.not.have.property('legs');
      expect(JSON.stringify(received.at(-1))).to.include(`00-${record.trace_id}-${record.span_id}`);
    });
  }
});
