import type { AuditRecord, McpDetail, RecordError, RecordMetadata } from '../schema/record.js';

/**
 * The order of the fields in a line, for which a type stands guard: a field added to a record and forgotten here does not
 * compile. The order is that of the record's table, so that the same record always has the same bytes.
 */
const RECORD_ORDER: Record<keyof AuditRecord, true> = {
  record_id: true,
  seq: true,
  time: true,
  duration_ms: true,
  event_type: true,
  outcome: true,
  severity: true,
  sensitivity: true,
  actor_id: true,
  actor_type: true,
  component: true,
  environment: true,
  resource: true,
  message: true,
  correlation_id: true,
  trace_id: true,
  span_id: true,
  parent_span_id: true,
  session_id: true,
  tenant_id: true,
  client_id: true,
  client_version: true,
  server_id: true,
  server_version: true,
  policy_tags: true,
  ocsf_class_uid: true,
  ocsf_activity_id: true,
  otel_operation_name: true,
  mcp: true,
  error: true,
  data: true,
  stage: true,
  operation_id: true,
  truncated: true,
  metadata: true,
};

const MCP_ORDER: Record<keyof McpDetail, true> = {
  method: true,
  protocol_version: true,
  request_id: true,
  tool_name: true,
  tool_arguments: true,
  tool_result: true,
  resource_uri: true,
  prompt_name: true,
  prompt_arguments: true,
  session_id: true,
  server_address: true,
  transport: true,
  client_capabilities: true,
  server_capabilities: true,
  server_identity: true,
  served_from: true,
  legs: true,
  tool_fingerprint: true,
  decision: true,
  ended_by: true,
};

const ERROR_ORDER: Record<keyof RecordError, true> = { type: true, code: true, message: true };

const METADATA_ORDER: Record<keyof RecordMetadata, true> = {
  schema_version: true,
  product_name: true,
  product_version: true,
  vendor_name: true,
};

const recordRank = ranks(RECORD_ORDER);
const nested: readonly (readonly [string, ReadonlyMap<string, number>])[] = [
  ['mcp', ranks(MCP_ORDER)],
  ['error', ranks(ERROR_ORDER)],
  ['metadata', ranks(METADATA_ORDER)],
];

/**
 * The same record with its fields, and those of `mcp`, `error` and `metadata`, in their fixed order. Fields that are not
 * known (of a newer version) follow by name. What is in order already is given back as it is, not copied.
 */
export function inFixedOrder<T extends object>(record: T): T {
  let ordered = arrange(record, recordRank);
  for (const [key, rank] of nested) {
    const value: unknown = Reflect.get(ordered, key);
    if (typeof value !== 'object' || value === null) continue;
    const arranged = arrange(value, rank);
    if (arranged !== value) ordered = { ...ordered, [key]: arranged };
  }
  return ordered;
}

function arrange<T extends object>(value: T, rank: ReadonlyMap<string, number>): T {
  let last = -1;
  let inOrder = true;
  for (const key of Object.keys(value)) {
    const place = rank.get(key);
    if (place === undefined || place < last) {
      inOrder = false;
      break;
    }
    last = place;
  }
  if (inOrder) return value;
  const placeOf = (key: string): number => rank.get(key) ?? rank.size;
  const byPlace = ([a]: [string, unknown], [b]: [string, unknown]): number =>
    placeOf(a) - placeOf(b) || (a < b ? -1 : 1);
  return Object.fromEntries(Object.entries(value).sort(byPlace)) as T;
}

function ranks(order: Readonly<Record<string, true>>): ReadonlyMap<string, number> {
  return new Map(Object.keys(order).map((key, place) => [key, place]));
}
