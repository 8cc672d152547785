import {
  SamplingDecision,
  type Attributes,
  type Context,
  type Link,
  type SpanKind,
} from '@opentelemetry/api';
import type { SamplingResult } from '@opentelemetry/api';
import { ATTR } from './telemetry.js';

/** A sampler of OpenTelemetry's SDK, 2.x or 3.x: the members of its interface. */
export interface AnySampler {
  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult;
  toString(): string;
}

/**
 * Records the spans of MCP operations that a sampler would drop, so that span processors see them, also those of other MCP
 * instrumentations. They stay unsampled: exporters skip them, and the flags that servers and child spans see do not change. Audit
 * records of the SDK's clients do not need this. Use it to have the attributes and durations of all spans, and records of spans that
 * other instrumentations make.
 *
 * @example
 * ```ts
 * new NodeSDK({ sampler: auditSampler(new TraceIdRatioBasedSampler(0.01)), … });
 * ```
 */
export function auditSampler(sampler: AnySampler): AnySampler {
  return {
    shouldSample(context, traceId, spanName, spanKind, attributes, links) {
      const result = sampler.shouldSample(context, traceId, spanName, spanKind, attributes, links);
      const isDroppedOperation =
        result.decision === SamplingDecision.NOT_RECORD && attributes[ATTR.mcpMethodName] !== undefined;
      return isDroppedOperation ? { ...result, decision: SamplingDecision.RECORD } : result;
    },
    toString: () => `AuditSampler{${sampler.toString()}}`,
  };
}
