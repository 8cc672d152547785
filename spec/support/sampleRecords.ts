import type { AuditRecord } from '../../lib/schema/record.js';

/** Where these records are from. */
const RESOURCE = Object.freeze({
  'service.name': 'agent',
  'service.instance.id': '627cc493-f310-47de-96bd-71410b7dec09',
  'host.name': 'app-1.example',
  'process.pid': 4711,
});

/** A whole record, each optional field present; `index` makes ids and order its own. */
export function sampleRecord(index = 0, changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    record_id: `01932c5e-7a00-7000-8000-${index.toString(16).padStart(12, '0')}`,
    seq: index,
    time: '2026-01-15T09:30:00.125Z',
    duration_ms: 12.345,
    event_type: 'EVENT_TOOL_INVOCATION',
    outcome: 'OUTCOME_SUCCESS',
    severity: 'SEVERITY_INFO',
    sensitivity: 'SENSITIVITY_INTERNAL',
    actor_id: 'agent-7',
    actor_type: 'agent',
    component: 'mcp-client',
    environment: 'test',
    resource: 'tools/echo',
    message: 'Called tool echo',
    correlation_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    span_id: '00f067aa0ba902b7',
    parent_span_id: '53995c3f42cd8ad8',
    session_id: 'session-1',
    tenant_id: 'tenant-a',
    client_id: 'example-client',
    client_version: '1.0.0',
    server_id: 'everything',
    server_version: '2.0.0',
    policy_tags: ['soc2', 'pci'],
    ocsf_class_uid: 6003,
    ocsf_activity_id: 1,
    otel_operation_name: 'execute_tool',
    mcp: {
      method: 'tools/call',
      protocol_version: '2025-06-18',
      request_id: '3',
      tool_name: 'echo',
      tool_arguments: { message: 'hello', nested: { list: [1, 2.5, true, null] } },
      transport: 'stdio',
      legs: [{ request_id: '3', method: 'tools/call' }],
    },
    metadata: {
      schema_version: '1.0.0',
      product_name: 'otel-mcp-log',
      product_version: '0.1.0',
      vendor_name: 'otel-mcp-log',
    },
    otel_resource: RESOURCE,
    log_id: '01932c5e-7a00-7000-8000-00000000000f',
    log_epoch: 0,
    ...changes,
  };
}

/** The least that a record may hold: what is absent must come back absent. */
export function bareRecord(index = 0): AuditRecord {
  const {
    parent_span_id: _parent,
    tenant_id: _tenant,
    client_id: _client,
    client_version: _clientVersion,
    server_id: _server,
    server_version: _serverVersion,
    policy_tags: _tags,
    otel_operation_name: _operation,
    mcp: _mcp,
    otel_resource: _resource,
    log_id: _log,
    log_epoch: _epoch,
    ...bare
  } = sampleRecord(index);
  return bare;
}

/** One of every kind that a sink or a codec must carry: whole, bare, failed, hostile. */
export function sampleRecords(): AuditRecord[] {
  return [
    sampleRecord(0),
    bareRecord(1),
    sampleRecord(2, {
      outcome: 'OUTCOME_FAILURE_ERROR',
      severity: 'SEVERITY_ERROR',
      error: { type: '-32602', code: '-32602', message: 'Unknown tool' },
    }),
    hostileRecord(3),
    sampleRecord(4, { outcome: 'OUTCOME_UNSPECIFIED', sensitivity: 'SENSITIVITY_UNSPECIFIED' }),
  ];
}

/** What would break a line, drive a terminal or turn a text around, were it written raw. */
export const HOSTILE_TEXT =
  'a\r\nb\u0000\u0007\u001b[31m\u007f\u0085\u009b\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069z';

/** Hostile text in every place where a caller's text can stand. */
export function hostileRecord(index = 0): AuditRecord {
  return sampleRecord(index, {
    actor_id: HOSTILE_TEXT,
    resource: `tools/${HOSTILE_TEXT}`,
    message: HOSTILE_TEXT,
    policy_tags: [HOSTILE_TEXT, '\\ud800 in so many words', '"quoted"'],
    error: { type: 'tool_error', message: HOSTILE_TEXT },
    mcp: {
      method: 'tools/call',
      tool_name: HOSTILE_TEXT,
      tool_arguments: JSON.parse(
        `{"__proto__":{"a":1},"constructor":2,"${'\\u2028'}key":"\\\\ud83d"}`,
      ) as unknown,
    },
  });
}
