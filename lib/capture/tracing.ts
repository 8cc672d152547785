import { AsyncLocalStorage } from 'node:async_hooks';
import {
  diag,
  metrics,
  trace,
  context,
  createContextKey,
  type Meter,
  type MeterProvider,
  type ProxyTracerProvider,
  type Tracer,
  type TracerProvider,
  type Context,
} from '@opentelemetry/api';
import { shared } from '../internal/shared.js';
import { lookInto } from '../processor/recorders.js';
import { createRedactor, type Redactor } from '../redaction/createRedactor.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';

/** Makes the spans of operations: one per enabled instrumentation. */
export interface SpanSource {
  /** The loaded copy of this package that it belongs to. */
  readonly copy: object;
  /** Whether it stands for the global tracer provider: then any instrumentation comes before it. */
  readonly isDefault: boolean;
  tracer(): Tracer;
  meter(): Meter;
  readonly settings: SpanSettings;
}

/** What a span may carry beyond what the conventions ask for. */
interface SpanSettings {
  /** Adds the (redacted) arguments of tool calls and of prompts to their spans. */
  recordInputs(): boolean;
  /** Adds the (redacted) results of tool calls to their spans. */
  recordOutputs(): boolean;
  /** Whether the trace context goes to the server of this address. */
  propagatesTo(serverAddress: string | undefined): boolean;
  /** Whether baggage goes to the server of this address, beside the trace context. */
  allowBaggage(serverAddress: string | undefined): boolean;
  /** Whether a tool call inside another instrumentation's span of that call gets no second span. */
  joinToolSpans(): boolean;
  redactor(): Redactor;
}

const sources = shared('sources', () => new Set<SpanSource>());

/** This loaded copy of the package: its two builds (ES modules, CommonJS) are two copies, as are two installed versions. */
export const COPY: object = {};

let defaultRedactor: Redactor | undefined;

/** Spans from the globally registered tracer provider, for clients that were wrapped or patched by hand. */
export const defaultSource: SpanSource = {
  copy: COPY,
  isDefault: true,
  tracer: () => tracerOf(undefined),
  meter: () => globalMeter(),
  settings: {
    recordInputs: () => false,
    recordOutputs: () => false,
    propagatesTo: () => true,
    allowBaggage: () => false,
    joinToolSpans: () => false,
    redactor: () => (defaultRedactor ??= createRedactor()),
  },
};

/** One tracer per provider: to get a tracer costs more than to begin a span. */
const tracers = new WeakMap<TracerProvider, Tracer>();

/**
 * The tracer of a provider, or of the one that is registered globally now. The global one is looked up at each operation, also where
 * `given` is a proxy without a provider behind it: from 1.10 on, OpenTelemetry's API is loaded twice, for ES modules and for
 * CommonJS, and a proxy of one never learns of a provider that was registered with the other.
 *
 * @param given the provider that an instrumentation was given, if any.
 */
export function tracerOf(given: TracerProvider | undefined): Tracer {
  const provider = given === undefined || isEmptyProxy(given) ? trace.getTracerProvider() : given;
  lookInto(provider);
  let tracer = tracers.get(provider);
  if (tracer === undefined)
    tracers.set(provider, (tracer = provider.getTracer(PACKAGE_NAME, PACKAGE_VERSION)));
  return tracer;
}

function isEmptyProxy(provider: TracerProvider): boolean {
  const { getDelegateTracer } = provider as Partial<ProxyTracerProvider>;
  return (
    typeof getDelegateTracer === 'function' &&
    !tracers.has(provider) &&
    getDelegateTracer.call(provider, PACKAGE_NAME, PACKAGE_VERSION) === undefined
  );
}

/** The same for the meter. The no-op provider, which an instrumentation gets before there is another, does not count. */
export function meterOf(given: MeterProvider | undefined): Meter {
  if (given === undefined || given.constructor.name === 'NoopMeterProvider') return globalMeter();
  let own = meters.get(given);
  if (own === undefined) meters.set(given, (own = given.getMeter(PACKAGE_NAME, PACKAGE_VERSION)));
  return own;
}

const meters = new WeakMap<MeterProvider, Meter>();

let meter: Meter | undefined;
let meterProvider: ReturnType<typeof metrics.getMeterProvider> | undefined;

/**
 * The meter of the provider that is registered now. The API's global meter is no proxy: one from before the registration never
 * reports anything.
 */
export function globalMeter(): Meter {
  const registered = metrics.getMeterProvider();
  if (meter === undefined || meterProvider !== registered) {
    meterProvider = registered;
    meter = registered.getMeter(PACKAGE_NAME, PACKAGE_VERSION);
  }
  return meter;
}

/** How often a source or a patch has come or gone, in whichever copy of this package. */
export const changes = shared('instrumentation changes', () => ({ count: 0 }));

/** Starts making spans from this source. */
export function enableSource(source: SpanSource): void {
  sources.add(source);
  changes.count++;
}

/** Stops making spans from this source. */
export function disableSource(source: SpanSource): void {
  sources.delete(source);
  changes.count++;
}

/**
 * The source that makes spans now, if any: an instrumentation before a default source, and among instrumentations one that `isNear`
 * prefers. The default source of another copy of this package is a default source too.
 */
export function currentSource(
  isNear: (source: SpanSource) => boolean = ({ copy }) => copy === COPY,
): SpanSource | undefined {
  const rank = (source: SpanSource) => (source.isDefault ? 0 : 2) + (isNear(source) ? 1 : 0);
  let best: SpanSource | undefined;
  for (const source of sources) if (best === undefined || rank(source) > rank(best)) best = source;
  return best;
}

/**
 * Runs a part of OpenTelemetry that calls other people's code (samplers, span processors, propagators, hooks). A throw there must
 * neither reach the caller of an MCP operation nor cost the record: it goes to `diag`, and the result is undefined.
 */
export function guarded<T>(what: string, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    diag.error(`otel-mcp-log: ${what} threw ${error instanceof Error ? error.name : typeof error}`);
    return undefined;
  }
}

/** The key under which a context keeps its scene: the operation that its code runs for. All copies of this package share it. */
const SCENE = createContextKey('otel-mcp-log scene');

/** The key of the active span. The API does not export it, but tells it to any context. */
const SPAN = ((): symbol => {
  let span = createContextKey('OpenTelemetry Context Key SPAN');
  const learns: Context = {
    getValue: () => undefined,
    setValue(key) {
      span = key;
      return learns;
    },
    deleteValue: () => learns,
  };
  trace.deleteSpan(trace.setSpan(learns, trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 })));
  return span;
})();

/**
 * A context that adds a span and a scene to another. The API's own contexts copy a map for each value, which costs more than the
 * span. It never adds to one of its kind: where calls are made out of calls, without end, they would pile up.
 */
class CallContext implements Context {
  readonly #base: Context;
  readonly #span: unknown;
  readonly #scene: unknown;

  constructor(given: Context, span: unknown, scene: unknown) {
    this.#base = CallContext.baseOf(given);
    this.#span = span;
    this.#scene = scene;
  }

  /** The context that another adds a span to, or the other itself. */
  static baseOf(given: Context): Context {
    return given instanceof CallContext ? given.#base : given;
  }

  getValue(key: symbol): unknown {
    if (key === SPAN) return this.#span;
    return key === SCENE ? this.#scene : this.#base.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    if (key === SPAN) return new CallContext(this.#base, value, this.#scene);
    if (key === SCENE) return new CallContext(this.#base, this.#span, value);
    return new CallContext(this.#base.setValue(key, value), this.#span, this.#scene);
  }

  deleteValue(key: symbol): Context {
    if (key === SPAN || key === SCENE) return this.setValue(key, undefined);
    return new CallContext(this.#base.deleteValue(key), this.#span, this.#scene);
  }
}

/** A context with a span. It has no scene, so that an operation does not keep the one in which it began. */
export function withSpan(parent: Context, span: unknown): Context {
  return new CallContext(parent, span, undefined);
}

/** Carries the context where no context manager is registered, so that calls inside audited user code are its children. */
const scope = shared('scope', () => new AsyncLocalStorage<Context>());

/** The scene of the code that runs now, until it first waits for something; then its context has it. */
const stage = shared('stage', (): { scene: object | undefined } => ({ scene: undefined }));

/** The context that an operation begins in. */
export function callerContext(): Context {
  return scope.getStore() ?? context.active();
}

/** The scene that {@link play} has set for the code that runs now. */
export function currentScene(): unknown {
  return stage.scene ?? callerContext().getValue(SCENE);
}

/**
 * Runs a function in a context and a scene, with or without a context manager. OpenTelemetry's manager carries both where there is
 * one, because before Node.js 24 each further `AsyncLocalStorage` slows down every promise of the program.
 */
export function play<T>(scene: object | undefined, given: Context, run: () => T): T {
  const inner = new CallContext(given, trace.getSpan(given), scene);
  const outer = stage.scene;
  stage.scene = scene;
  try {
    return context.with(inner, () => (isCarried(inner) ? run() : scope.run(inner, run)));
  } finally {
    stage.scene = outer;
  }
}

/** Whether the manager carries a context, and nothing around it had to be carried here. */
function isCarried(inner: Context): boolean {
  return context.active() === inner && scope.getStore() === undefined;
}

/** Whether a context is the active one, whatever the scene. */
export function isActive(given: Context): boolean {
  const active = context.active();
  return (
    active === given ||
    (CallContext.baseOf(active) === CallContext.baseOf(given) &&
      trace.getSpan(active) === trace.getSpan(given))
  );
}

/** Runs a function in a context, and leaves the scene as it is. */
export function within<T>(inner: Context, run: () => T): T {
  return play(currentScene() as object | undefined, inner, run);
}
