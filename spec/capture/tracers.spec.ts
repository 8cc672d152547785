import { context, metrics, propagation, ProxyTracerProvider, trace, type Context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { meterOf, tracerOf } from '../../lib/capture/tracing.js';
import { withTraceFields } from '../../lib/capture/propagation.js';
import type { RunningOperation } from '../../lib/capture/operation.js';
import { createRedactor } from '../../lib/redaction/createRedactor.js';

const isRecording = (given?: Parameters<typeof tracerOf>[0]) => {
  const span = tracerOf(given).startSpan('x');
  span.end();
  return trace.isSpanContextValid(span.spanContext());
};

describe('the tracer of an instrumentation', () => {
  beforeEach(() => trace.disable());
  afterEach(() => trace.disable());

  /** What another instance of the API does that is loaded beside this one: its own proxy becomes the global. */
  function registerElsewhere(provider: BasicTracerProvider): void {
    const proxy = new ProxyTracerProvider();
    proxy.setDelegate(provider);
    trace.setGlobalTracerProvider(provider);
    const globals = Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1')) as Record<string, unknown>;
    globals['trace'] = proxy;
  }

  it('follows a provider that another instance of the API registers later', () => {
    expect(isRecording()).to.equal(false);
    registerElsewhere(new BasicTracerProvider());
    expect(isRecording()).to.equal(true);
  });

  it('does not stay with the proxy that it was set to before there was a provider', () => {
    const early = new ProxyTracerProvider();
    expect(isRecording(early)).to.equal(false);
    registerElsewhere(new BasicTracerProvider());
    expect(isRecording(early)).to.equal(true);
  });

  it("is its own provider's where it was set to one", () => {
    const names: string[] = [];
    const collector = {
      onStart: () => undefined,
      onEnd: ({ name }: { name: string }) => void names.push(name),
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    };
    const own = new BasicTracerProvider({ spanProcessors: [collector] });
    registerElsewhere(new BasicTracerProvider());
    const behindProxy = new ProxyTracerProvider();
    behindProxy.setDelegate(own);
    expect([isRecording(own), isRecording(behindProxy)]).to.deep.equal([true, true]);
    expect(names).to.deep.equal(['x', 'x']);
  });

  it('has a meter that follows as well, unless it was set to one that counts', () => {
    const noop = metrics.getMeterProvider();
    const own = { getMeter: () => ({ own: true }) } as unknown as typeof noop;
    const registered = { getMeter: () => ({ registered: true }) } as unknown as typeof noop;
    metrics.setGlobalMeterProvider(registered);
    try {
      expect([meterOf(undefined), meterOf(noop), meterOf(own)]).to.deep.equal([
        { registered: true },
        { registered: true },
        { own: true },
      ]);
    } finally {
      metrics.disable();
    }
  });
});

describe('a propagator', () => {
  const IDS = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
  let manager: AsyncLocalStorageContextManager;
  beforeEach(() => {
    context.disable();
    propagation.disable();
    manager = new AsyncLocalStorageContextManager().enable();
    context.setGlobalContextManager(manager);
  });
  afterEach(() => {
    context.disable();
    propagation.disable();
    manager.disable();
  });

  /** What a request carries where this is written for it, and baggage may go out or not. */
  function carried(
    fields: (given: Context) => Record<string, string>,
    { allowBaggage = false, minted = false } = {},
  ): unknown {
    propagation.disable();
    propagation.setGlobalPropagator({
      inject: (given: Context, carrier: object) => void Object.assign(carrier, fields(given)),
      extract: (given) => given,
      fields: () => [],
    });
    const entries = propagation.createBaggage({ k: { value: 'v' } });
    const settings = {
      allowBaggage: () => allowBaggage,
      propagatesTo: () => true,
      redactor: () => createRedactor(),
    };
    const operation = {
      context: propagation.setBaggage(context.active(), entries),
      connection: {},
      source: { settings },
      recorders: [],
      minted,
      trace: { context: IDS },
    };
    return withTraceFields(operation as unknown as RunningOperation, { method: 'ping' });
  }

  it('is given the context that is active while it injects', () => {
    const seen: boolean[] = [];
    const request = carried((given) => {
      seen.push(given === context.active());
      return { traceparent: 'given' };
    });
    expect(seen).to.deep.equal([true]);
    expect(request).to.deep.equal({ method: 'ping', params: { _meta: { traceparent: 'given' } } });
  });

  it('that writes fields of its own alone has traceparent beside them', () => {
    const traceparent = `00-${IDS.traceId}-${IDS.spanId}-01`;
    expect(carried(() => ({ b3: 'given' }))).to.deep.equal({
      method: 'ping',
      params: { _meta: { b3: 'given', traceparent } },
    });
  });

  it('that writes nothing, or baggage alone, has nothing beside it', () => {
    expect(carried(() => ({}))).to.deep.equal({ method: 'ping' });
    expect(carried(() => ({ baggage: 'k=v' }), { allowBaggage: true })).to.deep.equal({
      method: 'ping',
      params: { _meta: { baggage: 'k=v' } },
    });
  });

  it('writes no baggage, not even of its own making, unless it is allowed', () => {
    const fields = { traceparent: 'given', baggage: 'made=up' };
    expect(carried(() => fields)).to.deep.equal({
      method: 'ping',
      params: { _meta: { traceparent: 'given' } },
    });
    expect(carried(() => fields, { allowBaggage: true })).to.deep.equal({
      method: 'ping',
      params: { _meta: fields },
    });
  });
});
