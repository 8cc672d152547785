import { context, createContextKey } from '@opentelemetry/api';

/**
 * The key under which `suppressTracing` of `@opentelemetry/core` leaves its mark. `createContextKey` is `Symbol.for`, so the
 * same words give the same key; that spares the dependency on the package, of which we need nothing else.
 */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Runs a function whose own requests make no spans: a sink must not fill the traces that it reports on. */
export function untraced<T>(run: () => T): T {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), run);
}
