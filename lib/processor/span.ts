import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api';

/**
 * The members of an SDK's finished span that are read here. Structural, since `ReadableSpan` lives in packages that differ
 * between OpenTelemetry 2.x (`sdk-trace-base`) and 3.x (`sdk-trace`) while its members do not.
 */
export interface FinishedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly startTime: HrTime;
  readonly duration: HrTime;
  readonly status: SpanStatus;
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly parentSpanContext?: SpanContext;
  readonly instrumentationScope: { readonly name: string };
  spanContext(): SpanContext;
}
