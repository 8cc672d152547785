import Module from 'node:module';
import type { SpanContext } from '@opentelemetry/api';
import { peek, peekCall, peekText } from './client.js';
import { parseTraceparent } from './traceparent.js';

/** Where an agent of another maker is in one of its traces. */
export interface ApmTrace {
  readonly system: 'datadog' | 'newrelic' | 'sentry';
  readonly traceId: string;
  /** Of the span that is active there; absent where there is a trace, and no span yet. */
  readonly spanId?: string | undefined;
  /** The flags of W3C Trace Context. */
  readonly traceFlags: number;
}

/**
 * The trace that Datadog's, New Relic's or Sentry's agent has under way here. These have tracers of their own, which the API
 * of OpenTelemetry does not know. They are found where they put themselves, and never loaded by us.
 */
export function apmTrace(): ApmTrace | undefined {
  return datadog() ?? newRelic() ?? sentry();
}

/** The tracer is a global, `_ddtrace`, so that all copies of the package are one. */
function datadog(): ApmTrace | undefined {
  const span = peekCall(peekCall(peek(globalThis, '_ddtrace'), 'scope'), 'active');
  const context = parseTraceparent(peekCall(peekCall(span, 'context'), 'toTraceparent'));
  return context && { system: 'datadog', ...context };
}

/** The agent keeps itself in the cache of CommonJS modules, for the same reason. */
function newRelic(): ApmTrace | undefined {
  const agent = peek(peek(Module, '_cache'), '__NR_cache');
  if (agent === undefined) return undefined;
  const metadata = peekCall(agent, 'getTraceMetadata');
  const traceId = peekText(metadata, 'traceId');
  if (traceId === undefined) return undefined;
  const traceFlags = peekCall(peekCall(agent, 'getTransaction'), 'isSampled') === true ? 1 : 0;
  return {
    system: 'newrelic',
    traceId: traceId.padStart(32, '0'),
    spanId: peekText(metadata, 'spanId'),
    traceFlags,
  };
}

/**
 * What Sentry keeps, it keeps by its version in the global `__SENTRY__`. Up to version 10 its spans are OpenTelemetry's, and
 * known as such. A scope has a trace also where there is no span: errors are reported under it.
 */
function sentry(): ApmTrace | undefined {
  const carrier = peek(globalThis, '__SENTRY__');
  const strategy = peek(peek(carrier, String(peek(carrier, 'version'))), 'acs');
  const scope = peekCall(strategy, 'getCurrentScope');
  if (peekCall(scope, 'getClient') === undefined) return undefined;
  const reference = peek(scope, '_sentrySpan') ?? peek(peek(scope, 'refs'), 'span');
  const span = peekCall(strategy, 'getActiveSpan') ?? peekCall(reference, 'deref') ?? reference;
  const context = peekCall(span, 'spanContext') as Partial<SpanContext> | undefined;
  if (typeof context?.traceId === 'string') {
    const { traceId, spanId, traceFlags = 0 } = context;
    return { system: 'sentry', traceId, spanId, traceFlags };
  }
  const propagated = peekCall(scope, 'getPropagationContext');
  const traceId = peekText(propagated, 'traceId');
  if (traceId === undefined) return undefined;
  return { system: 'sentry', traceId, traceFlags: peek(propagated, 'sampled') === true ? 1 : 0 };
}
