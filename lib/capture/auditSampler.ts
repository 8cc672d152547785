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
 * Has the spans of MCP operations recorded where a sampler would drop them, so that span processors see them, those of other
 * MCP instrumentations among them. They stay unsampled: exporters skip them, and servers and child spans see no other flag
 * than before. Audit records do not need this; it is for those who want the spans' attributes and durations as well, and for
 * records of foreign spans.
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
