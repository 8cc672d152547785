import {
  ROOT_CONTEXT,
  TraceFlags,
  trace,
  type Context,
  type HrTime,
  type SpanContext,
} from '@opentelemetry/api';
import { encodeLine } from '../../codecs/json.js';
import type { Profile } from '../../codecs/profile.js';
import type { AuditRecord, Severity } from '../../schema/record.js';

/**
 * The severities of the schema are those of syslog; the numbers are what OpenTelemetry's log data model gives for those
 * (appendix "Example mappings").
 */
export const SEVERITY_NUMBERS: Readonly<Record<Severity, number>> = {
  SEVERITY_UNSPECIFIED: 0,
  SEVERITY_DEBUG: 5,
  SEVERITY_INFO: 9,
  SEVERITY_NOTICE: 10,
  SEVERITY_WARNING: 13,
  SEVERITY_ERROR: 17,
  SEVERITY_CRITICAL: 18,
  SEVERITY_ALERT: 19,
  SEVERITY_EMERGENCY: 21,
};

/** What a record is as an OpenTelemetry log record, whichever way it then goes. */
export interface LogFacts {
  eventName: string;
  severityNumber: number;
  severityText: string;
  /** The record's JSON line, byte for byte as a file would hold it, so that its hash can be checked anywhere. */
  body: string;
  attributes: Record<string, string | number>;
}

/**
 * The facts of a record: the whole of it as the body, and beside it flat attributes to filter and route by, named as in the
 * schema's `otel_genai` table and the semantic conventions; what these do not name is under `audit.`.
 */
export function toLogFacts(record: AuditRecord, profile: Profile): LogFacts {
  const { mcp, error } = record;
  const attributes: Record<string, string | number | undefined> = {
    'log.record.uid': record.record_id,
    'service.name': record.component,
    'deployment.environment': record.environment,
    'user.id': record.actor_id,
    'session.id': record.session_id,
    'gen_ai.operation.name': toolOperation(record),
    'mcp.method.name': mcp?.method,
    'gen_ai.tool.name': mcp?.tool_name,
    'error.type': error?.type,
    'audit.seq': record.seq,
    'audit.outcome': record.outcome,
    'audit.sensitivity': record.sensitivity,
    'audit.resource': record.resource,
    'audit.tenant_id': record.tenant_id,
  };
  for (const [key, value] of Object.entries(attributes)) if (value === undefined) delete attributes[key];
  return {
    eventName: record.event_type,
    severityNumber: SEVERITY_NUMBERS[record.severity] ?? 0,
    severityText: record.severity,
    body: encodeLine(record, profile),
    attributes: attributes as Record<string, string | number>,
  };
}

/**
 * The conventions for MCP have an operation name for calls of tools, and for nothing else of the protocol; the schema's table,
 * which goes by event types, has more. The record in the body keeps that.
 */
function toolOperation({ mcp, otel_operation_name: name }: AuditRecord): string | undefined {
  return name === 'execute_tool' && (mcp === undefined || mcp.method === 'tools/call') ? name : undefined;
}

/** The span that a record belongs to. Whether it was sampled is not known here, so it is not claimed. */
export function spanContextOf({ trace_id: traceId, span_id: spanId }: AuditRecord): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.NONE };
}

/** A context in which that span is the current one. */
export function contextOf(record: AuditRecord): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(record));
}

/** A time in milliseconds since the epoch, as OpenTelemetry's SDK has it. */
export function toHrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}
