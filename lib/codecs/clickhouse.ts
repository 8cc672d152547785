import type { AuditRecord } from '../schema/record.js';
import { toJsonLine } from './codec.js';

/** The fields of a record that are columns of their own, under their names. */
const COLUMNS: readonly (keyof AuditRecord)[] = [
  ...(['record_id', 'log_id', 'log_epoch', 'seq', 'time', 'duration_ms', 'event_type', 'outcome'] as const),
  ...(['severity', 'sensitivity', 'actor_id', 'actor_type', 'component', 'environment', 'resource'] as const),
  ...(['message', 'correlation_id', 'trace_id', 'span_id', 'parent_span_id', 'session_id'] as const),
  ...(['tenant_id', 'client_id', 'client_version', 'server_id', 'server_version', 'policy_tags'] as const),
  ...(['ocsf_class_uid', 'ocsf_activity_id', 'otel_operation_name', 'stage', 'operation_id'] as const),
];

/** The parts of nested fields that are columns of their own: by the field, the part, and the column. */
const PARTS: readonly (readonly [field: string, part: string, column: string])[] = [
  ...['method', 'tool_name', 'tool_fingerprint', 'resource_uri', 'server_address', 'transport'].map(
    (part) => ['mcp', part, `mcp_${part}`] as const,
  ),
  ...['request_id', 'http_status'].map((part) => ['mcp', part, `mcp_${part}`] as const),
  ...['type', 'code', 'message'].map((part) => ['error', part, `error_${part}`] as const),
  ...['service.name', 'service.instance.id', 'host.name', 'process.pid'].map(
    (part) => ['otel_resource', part, part.replaceAll('.', '_')] as const,
  ),
];

/** The parts of `data` of records about the log itself that are columns, by the resource of the record. */
const ABOUT_LOG: Readonly<Record<string, readonly (readonly [part: string, column: string])[]>> = {
  'audit/gap': [['count', 'lost_records']],
  'audit/tool-changed': [
    ['tool', 'tool'],
    ['old_fingerprint', 'old_fingerprint'],
    ['new_fingerprint', 'new_fingerprint'],
  ],
  'audit/tool-definition': [
    ['tool', 'tool'],
    ['fingerprint', 'new_fingerprint'],
    ['definition', 'definition'],
  ],
};

/** Fields that are kept whole as JSON, for functions such as `JSONExtractString`. */
const WHOLE = ['mcp', 'error', 'data', 'otel_resource'] as const;

/**
 * A record as a row of the table in `dist/clickhouse.sql`, for `FORMAT JSONEachRow`: the line as it was logged, and columns to
 * filter by.
 *
 * @param line The record's JSON line.
 */
export function toClickHouseRow(record: AuditRecord, line: string): string {
  const fields = record as unknown as Readonly<Record<string, unknown>>;
  const row: Record<string, unknown> = { line };
  const set = (column: string, value: unknown) => {
    if (value !== undefined) row[column] = value;
  };
  for (const name of COLUMNS) set(name, fields[name]);
  for (const [field, part, column] of PARTS) set(column, partOf(fields[field], part));
  for (const [part, column] of ABOUT_LOG[record.resource] ?? []) set(column, partOf(record.data, part));
  for (const name of WHOLE) if (fields[name] !== undefined) row[`${name}_json`] = toJsonLine(fields[name]);
  return toJsonLine(row);
}

function partOf(value: unknown, part: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined;
}
