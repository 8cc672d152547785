import { randomUUID } from 'node:crypto';
import type { AuditRecord, DraftRecord } from '../../lib/schema/record.js';

/** A draft as the capture side makes one. */
export function draft(over: Partial<DraftRecord> = {}): DraftRecord {
  return {
    record_id: randomUUID(),
    time: new Date().toISOString(),
    duration_ms: 1.25,
    event_type: 'EVENT_TOOL_INVOCATION',
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_INFO',
    sensitivity: 'SENSITIVITY_INTERNAL',
    actor_id: 'agent-7',
    actor_type: 'agent',
    component: 'mcp-client',
    environment: 'test',
    resource: 'tools/echo',
    message: 'Tool echo was called.',
    correlation_id: 'a'.repeat(32),
    trace_id: 'a'.repeat(32),
    span_id: 'b'.repeat(16),
    session_id: 'session-1',
    ocsf_class_uid: 6003,
    ocsf_activity_id: 1,
    metadata: { schema_version: '1', product_name: 'otel-mcp-log', product_version: '0', vendor_name: 'x' },
    ...over,
  };
}

/** The same with a place in the log. */
export function numbered(seq: number, over: Partial<DraftRecord> = {}): AuditRecord {
  return { ...draft(over), seq } as AuditRecord;
}
