import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { z } from 'zod';
import { SinkError } from '../../lib/errors.js';
import { auditLogOf } from '../../lib/withLogging.js';
import { audited, rejection, settled } from '../support/audited.js';
import { SERVED } from '../support/servedPair.js';
import { SETUPS } from '../support/telemetry.js';

for (const [sdk, pairOf] of Object.entries(SERVED)) {
  const served = async (hook = (): unknown => undefined, options = {}) => {
    const { client, server, connect, hangUp } = pairOf(hook);
    const sink = audited(server, options);
    await connect();
    return { client, server, sink, hangUp };
  };

  describe(`a server on record, SDK ${sdk}`, () => {
    it('records each request of its client, with both parties, as the side that was asked', async () => {
      const { client, sink } = await served();
      await client.listTools();
      await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
      await client.readResource({ uri: 'note://one' });
      await client.getPrompt({ name: 'greet' });
      await client.ping();
      await settled();
      const methods = sink.records.map((record) => record.mcp?.method).filter(Boolean);
      expect(methods).to.deep.equal([
        ...['initialize', 'tools/list', 'tools/call', 'resources/read', 'prompts/get', 'ping'],
      ]);
      for (const record of sink.records.filter(({ mcp }) => mcp !== undefined)) {
        expect(record).to.include({ component: 'mcp-server', outcome: 'OUTCOME_SUCCESS' });
        expect(record).to.include({ client_id: 'agent', server_id: 'fixture', server_version: '4.5.6' });
        expect(record.mcp).to.include({ side: 'server', transport: 'in-memory', answer: 'result' });
        expect(record.mcp).not.to.have.any.keys('requested_by', 'served_from', 'caller_saw');
      }
      const call = sink.only('tools/call');
      expect(call).to.include({ resource: 'tools/echo', message: 'A client called tool echo.' });
      expect(call.mcp).to.include({ tool_name: 'echo', handler: 'returned' });
      expect(call.mcp?.tool_arguments).to.deep.equal({ message: 'hello' });
      const login = sink.only('initialize');
      expect(login.event_type).to.equal('EVENT_LOGIN');
      expect(login.mcp?.client_capabilities).to.have.property('elicitation');
      expect(login.mcp?.server_capabilities).to.have.property('tools');
      expect(call.mcp?.protocol_version).to.equal(login.mcp?.protocol_version).and.match(/^20/);
    });

    for (const [what, name, type, expected] of [
      ['refuses the arguments', 'echo', 'invalid_arguments', { handler: 'not_run' }],
      ['has no such tool', 'nothing', 'unknown_tool', {}],
      ['catches what a tool throws', 'throws', 'TypeError', { handler: 'threw' }],
      ['passes on a tool error', 'broken', 'tool_error', { handler: 'returned', answer: 'tool_error' }],
      [
        'refuses the result',
        'misshapen',
        'invalid_result',
        { handler: 'returned', answer_refused: 'output_schema' },
      ],
    ] as const) {
      it(`${what}: error.type ${type}, and no word of the tool`, async () => {
        const { client, sink } = await served();
        await rejection(client.callTool({ name, arguments: { other: 1 } }));
        await settled();
        const record = sink.only('tools/call');
        expect(record.outcome).to.equal('OUTCOME_FAILURE_ERROR');
        expect(record.error?.type).to.equal(type);
        expect(record.mcp).to.include(expected);
        expect(JSON.stringify(record)).not.to.include('canary');
      });
    }

    it('shows the result of a failed call where outputs are on', async () => {
      const { client, sink } = await served(undefined, { includeOutputs: true });
      await client.callTool({ name: 'throws' });
      await settled();
      expect(JSON.stringify(sink.only('tools/call').mcp?.tool_result)).to.include('a fault of the tool');
    });

    it('records a method that it does not know, by the code of its answer', async () => {
      const { client, sink } = await served();
      expect(await rejection(client.request({ method: 'acme/none' }, z.object({})))).not.to.equal(undefined);
      await settled();
      expect(sink.only('acme/none')).to.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
      expect(sink.only('acme/none').error).to.include({ type: '-32601', code: '-32601' });
    });

    it('records a call that its client cancels, and tells one that took too long', async () => {
      const { client, sink } = await served();
      const stop = new AbortController();
      const options = (given: object) => (sdk === 'v1' ? [undefined, given] : [given]);
      const cancelled = rejection(client.callTool({ name: 'hang' }, ...options({ signal: stop.signal })));
      await settled();
      stop.abort(new Error('enough'));
      await cancelled;
      await rejection(client.callTool({ name: 'hang' }, ...options({ timeout: 5 })));
      await settled();
      const [first, second] = sink.of('tools/call');
      expect(first?.error?.type).to.equal('cancelled');
      expect(second?.error?.type).to.equal('timeout');
      for (const record of [first, second]) expect(record?.mcp?.handler).to.equal('running');
    });

    it('records what is under way when the connection is gone, and the end of the session', async () => {
      const { client, sink, hangUp } = await served();
      void rejection(client.callTool({ name: 'hang' }));
      await settled();
      await hangUp();
      await settled();
      expect(sink.only('tools/call').error?.type).to.equal('connection_closed');
      expect(sink.only('close')).to.include({ event_type: 'EVENT_LOGOUT' });
      expect(sink.only('close').mcp?.side).to.equal('server');
    });

    it('takes it for the end of the session that its client closes, with nothing left to answer', async () => {
      const { client, sink } = await served();
      await client.close();
      await settled();
      expect(sink.only('close')).to.include({ outcome: 'OUTCOME_SUCCESS' });
      expect(sink.only('close').mcp).to.include({ side: 'server', ended_by: 'remote' });
    });

    it('counts the requests of a session for its last record', async () => {
      const { client, server, sink } = await served();
      await client.listTools();
      await client.ping();
      await server.close();
      await settled();
      const { outcome, mcp } = sink.only('close');
      expect(outcome).to.equal('OUTCOME_SUCCESS');
      expect(sink.only('close').message).to.equal('The session ended.');
      expect(mcp?.ended_by).to.equal('server');
      expect(mcp?.requests).to.include({ sent: 3, recorded: 3 });
      expect(mcp?.requests).not.to.have.any.keys('missing', 'pending');
    });

    it('records notifications in both directions, where the option says so', async () => {
      const { client, server, sink } = await served(undefined, { notifications: true });
      await server.server.sendLoggingMessage({ level: 'warning', data: 'a word' });
      void rejection(client.callTool({ name: 'hang' }, ...(sdk === 'v1' ? [undefined] : []), { timeout: 5 }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      await settled();
      const names = ['notifications/initialized', 'notifications/message', 'notifications/cancelled'];
      const [initialized, message, cancelled] = names.map((name) => sink.only(name));
      expect(initialized?.message).to.equal('A client sent notifications/initialized.');
      expect(message?.message).to.equal('Sent notifications/message.');
      expect(message?.mcp).to.include({ side: 'server', requested_by: 'server' });
      expect(message?.mcp?.tool_arguments).to.include({ level: 'warning' });
      expect(cancelled?.mcp?.tool_arguments).to.have.property('requestId');
      for (const each of [initialized, message, cancelled])
        expect(each).to.include({ outcome: 'OUTCOME_SUCCESS', component: 'mcp-server' });
      expect(sink.only('tools/call').error?.type).to.equal('timeout');
    });

    it('records what it asks of its client, inside the call that it asks for', async () => {
      const { client, sink } = await served();
      await client.callTool({ name: 'consent' });
      await settled();
      const asked = sink.only('elicitation/create');
      const call = sink.only('tools/call');
      expect(asked).to.include({ outcome: 'OUTCOME_SUCCESS', parent_span_id: call.span_id });
      expect(asked).to.include({ trace_id: call.trace_id, component: 'mcp-server' });
      expect(asked.mcp).to.include({ side: 'server', requested_by: 'server', served_from: 'wire' });
    });

    it('knows what its tools were listed with on any connection: hints, and secrets that a schema marks', async () => {
      const first = await served();
      await first.client.listTools();
      const { client, sink } = await served();
      await client.callTool({ name: 'echo', arguments: { message: 'x' } });
      await client.callTool({ name: 'login', arguments: { colour: 'canary' } });
      await settled();
      const [echo, login] = sink.of('tools/call');
      expect(echo?.mcp?.tool_annotations).to.deep.equal({ readOnlyHint: true });
      expect(login?.outcome).to.equal('OUTCOME_SUCCESS');
      expect(JSON.stringify(login)).not.to.include('canary');
    });

    it('continues the trace that the request names', async () => {
      const { client, sink } = await served();
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
      await client.callTool({ name: 'echo', arguments: { message: 'x' }, _meta: { traceparent } });
      await settled();
      const call = sink.only('tools/call');
      expect(call).to.include({ trace_id: traceId, parent_span_id: 'b7ad6b7169203331' });
    });

    it('answers once the record is safe, and with an error where it cannot be', async () => {
      let isFull = false;
      const { client, server, connect } = pairOf(() => undefined);
      const sink = audited(server);
      const emit = sink.emit.bind(sink);
      sink.emit = (records) => {
        if (isFull) throw new SinkError('memory', 'no space left');
        emit(records);
      };
      await connect();
      expect(await client.callTool({ name: 'echo', arguments: { message: 'x' } })).to.have.property(
        'content',
      );
      expect(sink.of('tools/call')).to.have.length(1);
      isFull = true;
      const reason = await rejection(client.callTool({ name: 'echo', arguments: { message: 'x' } }));
      expect(String(reason)).to.include('could not be put on record');
      isFull = false;
      await auditLogOf(server)
        ?.shutdown()
        .catch(() => undefined);
    });

    it('makes the spans of a handler children of the span of its request', async () => {
      const exporter = new InMemorySpanExporter();
      const teardown = SETUPS.BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
      try {
        const inner = async (): Promise<void> => {
          await new Promise((resolve) => setImmediate(resolve));
          trace.getTracer('app').startSpan('work', {}, context.active()).end();
        };
        const { client, sink } = await served(inner);
        await client.callTool({ name: 'echo', arguments: { message: 'x' } });
        await settled();
        const spans = exporter.getFinishedSpans();
        const [own, work] = ['tools/call echo', 'work'].map((name) =>
          spans.find((span) => span.name === name),
        );
        expect(own?.kind).to.equal(1);
        expect(own?.attributes).to.include({ 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'echo' });
        expect(work?.parentSpanContext?.spanId).to.equal(own?.spanContext().spanId);
        expect(sink.only('tools/call').span_id).to.equal(own?.spanContext().spanId);
      } finally {
        await teardown();
      }
    });
  });
}
