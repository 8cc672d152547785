import type { DraftRecord, McpDetail } from '../../lib/schema/record.js';

/** A record as the mapping hands it to redaction, with the given details. */
export function draftRecord(mcp: Partial<McpDetail> = {}, record: Partial<DraftRecord> = {}): DraftRecord {
  return {
    record_id: '01990000-0000-7000-8000-000000000001',
    time: '2026-01-31T12:00:00.000Z',
    duration_ms: 1.5,
    event_type: 'EVENT_TOOL_INVOCATION',
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_INFO',
    sensitivity: 'SENSITIVITY_INTERNAL',
    actor_id: 'user-1',
    actor_type: 'user',
    component: 'mcp-client',
    environment: 'test',
    resource: 'tools/pay',
    message: 'Called the tool pay.',
    correlation_id: '0af7651916cd43dd8448eb211c80319c',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
    session_id: 'session-1',
    ocsf_class_uid: 6003,
    ocsf_activity_id: 1,
    otel_operation_name: 'execute_tool',
    mcp: { method: 'tools/call', tool_name: 'pay', ...mcp },
    metadata: { schema_version: '1.0', product_name: 'p', product_version: '1', vendor_name: 'v' },
    ...record,
  };
}
