import { isSpanContextValid, TraceFlags, type Span, type SpanContext } from '@opentelemetry/api';
import type { TraceIds } from '../processor/detail.js';
import { newSpanId, newTraceId } from '../schema/ids.js';

/**
 * Ids that are valid whatever the tracer gave: without an SDK it echoes the parent's ids or gives zeros, and under
 * suppressed tracing it gives zeros.
 */
export function traceIds(span: Span, parent: SpanContext | undefined): TraceIds {
  const own = span.spanContext();
  const hasParent = parent !== undefined && isSpanContextValid(parent);
  const isEcho = hasParent && own.spanId === parent.spanId;
  if (isSpanContextValid(own) && !isEcho) {
    const parentSpanId = hasParent && parent.traceId === own.traceId ? parent.spanId : undefined;
    return { context: own, parentSpanId };
  }
  const spanContext = {
    traceId: hasParent ? parent.traceId : newTraceId(),
    spanId: newSpanId(),
    // Who only passes a trace on passes its flags on (W3C Trace Context, section 3.4); under suppressed tracing nobody samples.
    traceFlags: isEcho ? parent.traceFlags : TraceFlags.NONE,
    ...(hasParent && parent.traceState && { traceState: parent.traceState }),
  };
  return { context: spanContext, parentSpanId: hasParent ? parent.spanId : undefined };
}
