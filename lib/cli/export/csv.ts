import { printable } from '../../codecs/text.js';
import { fieldAt, type FieldPath } from '../query/fields.js';
import type { AuditRecord } from '../../schema/record.js';

/** The columns of a CSV file, in order: every plain field of a record; what has parts is JSON. */
export const CSV_FIELDS: readonly FieldPath[] = [
  'record_id,seq,time,duration_ms,event_type,outcome,severity,sensitivity,actor_id,actor_type,component,environment',
  'resource,message,correlation_id,trace_id,span_id,parent_span_id,session_id,tenant_id,client_id,client_version',
  'server_id,server_version,policy_tags,ocsf_class_uid,ocsf_activity_id,otel_operation_name,mcp.method',
  'mcp.protocol_version,mcp.request_id,mcp.tool_name,mcp.tool_arguments,mcp.tool_result,mcp.resource_uri',
  'mcp.prompt_name,mcp.prompt_arguments,mcp.session_id,mcp.server_address,mcp.transport,mcp.client_capabilities',
  'mcp.server_capabilities,mcp.served_from,mcp.legs,mcp.tool_fingerprint,mcp.decision,error.type,error.code',
  'error.message,data,stage,operation_id,truncated,metadata.schema_version,metadata.product_name',
  'metadata.product_version,metadata.vendor_name',
]
  .join(',')
  .split(',')
  .map((name) => name.split('.'));

/** What a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r|]/;

/** A row of CSV (RFC 4180), ended by CR LF. */
export function csvRow(cells: readonly unknown[], { exact = false }: { exact?: boolean } = {}): string {
  return `${cells.map((cell) => csvCell(cell, exact)).join(',')}\r\n`;
}

/** The head of a CSV file. */
export function csvHead(fields: readonly FieldPath[]): string {
  return csvRow(fields.map((path) => path.join('.')));
}

/** One record as a row. */
export function csvRecord(record: AuditRecord, fields: readonly FieldPath[], exact = false): string {
  return csvRow(
    fields.map((path) => fieldAt(record, path)),
    { exact },
  );
}

/**
 * Text that a spreadsheet would run gets an apostrophe before it, unless the exact text is asked for. Control characters are
 * escaped as in the log: a cell is one line.
 */
function csvCell(value: unknown, exact: boolean): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = exact ? text : printable(FORMULA.test(text) ? `'${text}` : text);
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
