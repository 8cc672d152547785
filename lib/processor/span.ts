import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';

/**
 * The members of an SDK's finished span that are read here. Structural, since `ReadableSpan` lives in packages that differ
 * between OpenTelemetry 2.x (`sdk-trace-base`) and 3.x (`sdk-trace`) while its members do not.
 */
export interface FinishedSpan {
  /** The name of the span. */
  readonly name: string;
  /** MCP operations of a client are `CLIENT`. */
  readonly kind: SpanKind;
  /** When it began, in seconds and nanoseconds since the epoch. */
  readonly startTime: HrTime;
  /** How long it took, in seconds and nanoseconds. */
  readonly duration: HrTime;
  /** Whether it failed. */
  readonly status: SpanStatus;
  /** Attributes, as far as no limit has dropped them. */
  readonly attributes: Attributes;
  /** Links to other spans. */
  readonly links: Link[];
  /** Absent for the root of a trace. */
  readonly parentSpanContext?: SpanContext;
  /** Which instrumentation made it. */
  readonly instrumentationScope: { readonly name: string };
  /** Its trace and span id. */
  spanContext(): SpanContext;
}
