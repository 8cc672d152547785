import Module from 'node:module';
import { trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { audited } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { SETUPS } from '../support/telemetry.js';

/** What an agent has under way: its trace, and the span that is active in it. */
interface State {
  traceId: string;
  spanId: string;
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const OUTER = 'b7ad6b7169203331';
const INNER = '00f067aa0ba902b7';

/** The parts of the agents' APIs that are asked, as dd-trace 5.132, newrelic 13.20 and @sentry/node 11.12 have them. */
const AGENTS: Readonly<Record<string, (state: State) => () => void>> = {
  datadog: (state) =>
    setGlobal('_ddtrace', {
      scope: () => ({
        active: () => ({
          context: () => ({ toTraceparent: () => `00-${state.traceId}-${state.spanId}-01` }),
        }),
      }),
    }),
  newrelic: (state) => {
    const cache = (Module as unknown as { _cache: Record<string, unknown> })._cache;
    cache['__NR_cache'] = {
      getTraceMetadata: () => ({ ...state }),
      getTransaction: () => ({ isSampled: () => true }),
    };
    return () => Reflect.deleteProperty(cache, '__NR_cache');
  },
  sentry: (state) => {
    const span = { spanContext: () => ({ ...state, traceFlags: 1 }) };
    const scope = { refs: { span: new WeakRef(span) }, getClient: () => ({}) };
    return setGlobal('__SENTRY__', {
      version: '11.12.0',
      '11.12.0': { acs: { getCurrentScope: () => scope, kept: span } },
    });
  },
};

function setGlobal(name: string, value: unknown): () => void {
  Object.defineProperty(globalThis, name, { value, configurable: true });
  return () => Reflect.deleteProperty(globalThis, name);
}

for (const [system, install] of Object.entries(AGENTS)) {
  describe(`beside an agent of another maker (${system})`, () => {
    let state: State;
    let uninstall: () => void;
    beforeEach(() => {
      disableSource(defaultSource);
      state = { traceId: TRACE, spanId: OUTER };
      uninstall = install(state);
    });
    afterEach(() => uninstall());

    it('records and the wire carry its trace, which the user can open', async () => {
      const { client, connect, received } = pair();
      const sink = audited(client);
      await connect();
      await client.callTool({ name: 'echo', arguments: {} });
      const record = sink.only('tools/call');
      expect(record).to.include({ trace_id: TRACE, correlation_id: TRACE, parent_span_id: OUTER });
      expect(record.span_id).not.to.equal(OUTER);
      expect(JSON.stringify(received.at(-1))).to.include(`00-${TRACE}-${record.span_id}-01`);
      expect(record.mcp).not.to.have.property('apm_trace_id');
    });

    it('take the span that it makes of the call itself, once there is one', async () => {
      const { client, connect, received } = pair();
      const sink = audited(client);
      await connect();
      const calling = client.callTool.bind(client);
      const { request } = client;
      client.request = function (this: typeof client, ...args: Parameters<typeof request>) {
        state.spanId = INNER;
        return request.apply(this, args);
      } as typeof request;
      await calling({ name: 'echo', arguments: {} });
      const record = sink.only('tools/call');
      expect(record).to.include({ trace_id: TRACE, span_id: INNER, parent_span_id: OUTER });
      expect(JSON.stringify(received.at(-1))).to.include(`00-${TRACE}-${INNER}-01`);
    });

    it("leave the ids of an OpenTelemetry SDK as they are, and have the agent's beside them", async () => {
      const tearDown = SETUPS.BasicTracerProvider({});
      try {
        const { client, connect } = pair();
        const sink = audited(client);
        await connect();
        await client.callTool({ name: 'echo', arguments: {} });
        const record = sink.only('tools/call');
        expect(record.trace_id).not.to.equal(TRACE);
        expect(record.mcp).to.include({ apm_system: system, apm_trace_id: TRACE, apm_span_id: OUTER });
      } finally {
        await tearDown();
      }
    });

    it('leave the trace that the caller names as it is', async () => {
      const { client, connect, received } = pair();
      const sink = audited(client);
      await connect();
      const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
      await client.callTool({ name: 'echo', arguments: {}, _meta: { traceparent } });
      const record = sink.only('tools/call');
      expect(record.trace_id).to.equal('0123456789abcdef0123456789abcdef');
      expect(record.mcp).to.include({ apm_system: system, apm_trace_id: TRACE });
      expect(JSON.stringify(received.at(-1))).to.include(traceparent);
      expect(trace.getActiveSpan()).to.equal(undefined);
    });
  });
}

describe('beside an agent that has no span under way', () => {
  let uninstall: () => void = () => undefined;
  beforeEach(() => disableSource(defaultSource));
  afterEach(() => uninstall());

  const recordOf = async () => {
    const { client, connect, received } = pair();
    const sink = audited(client);
    await connect();
    await client.callTool({ name: 'echo', arguments: {} });
    return { record: sink.only('tools/call'), sent: JSON.stringify(received.at(-1)) };
  };

  const sentryScope = (scope: object) =>
    setGlobal('__SENTRY__', { version: '11.12.0', '11.12.0': { acs: { getCurrentScope: () => scope } } });

  for (const sampled of [true, false]) {
    it(`takes the trace that Sentry reports errors under (sampled: ${sampled})`, async () => {
      const getPropagationContext = () => ({ traceId: TRACE, sampled });
      uninstall = sentryScope({ getClient: () => ({}), getPropagationContext });
      const { record, sent } = await recordOf();
      expect(record.trace_id).to.equal(TRACE);
      expect(record).not.to.have.property('parent_span_id');
      expect(sent).to.include(`00-${TRACE}-${record.span_id}-0${sampled ? 1 : 0}`);
    });
  }

  it('takes nothing from a Sentry that nobody has set up', async () => {
    const getPropagationContext = () => ({ traceId: TRACE });
    uninstall = sentryScope({ getClient: () => undefined, getPropagationContext });
    expect((await recordOf()).record.trace_id).not.to.equal(TRACE);
  });

  it('gives a trace id of New Relic that is half as long the length of W3C', async () => {
    const cache = (Module as unknown as { _cache: Record<string, unknown> })._cache;
    cache['__NR_cache'] = { getTraceMetadata: () => ({ traceId: TRACE.slice(16) }) };
    uninstall = () => Reflect.deleteProperty(cache, '__NR_cache');
    const { record, sent } = await recordOf();
    expect(record.trace_id).to.equal(TRACE.slice(16).padStart(32, '0'));
    expect(sent).to.include(`00-${record.trace_id}-${record.span_id}-00`);
  });
});
