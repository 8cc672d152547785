import { AsyncLocalStorage } from 'node:async_hooks';
import { context, createContextKey, trace, type Context } from '@opentelemetry/api';
import { shared } from '../internal/shared.js';

/** By this key a context has what its code runs for. It is the same for all copies of this package. */
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

/** What the code runs for, as {@link play} was told. */
export function currentScene(): unknown {
  return stage.scene ?? callerContext().getValue(SCENE);
}

/**
 * Runs a function in a context, with or without a context manager, and for something. OpenTelemetry's manager carries both, where there
 * is one: before Node.js 24, each storage of one's own costs every promise of the program something.
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

/** Whether code runs in a context, whatever it runs for. */
export function isActive(given: Context): boolean {
  const active = context.active();
  return (
    active === given ||
    (CallContext.baseOf(active) === CallContext.baseOf(given) &&
      trace.getSpan(active) === trace.getSpan(given))
  );
}

/** Runs a function in a context, for what the code runs for already. */
export function within<T>(inner: Context, run: () => T): T {
  return play(currentScene() as object | undefined, inner, run);
}
