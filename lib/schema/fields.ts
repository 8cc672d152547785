import type { AuditRecord, McpDetail, OtelResource, RecordError, RecordMetadata } from './record.js';

/**
 * What a field holds. `count` is a whole number from 0, `int32` one that fits into 32 bits. An `enum` is a name of the schema, or of
 * a later version of it. `json` is a value of any form.
 */
export type FieldKind = 'text' | 'enum' | 'time' | 'number' | 'count' | 'int32' | 'texts' | 'json' | Part;

/** A field that has fixed fields of its own. */
export type Part = 'mcp' | 'error' | 'metadata' | 'otel_resource';

/** The fields of a part of a record in their order, each with its kind. The type makes sure that none is missing. */
export type Fields<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? `${FieldKind}?` : FieldKind;
};

/**
 * The fields of a record in their order, with their kinds; `?` follows where a record may lack the field. Lines are written in this
 * order, so that the same record always has the same bytes. Readers check by this table, and tables of records have these columns.
 */
export const RECORD_FIELDS: Fields<AuditRecord> = {
  record_id: 'text',
  seq: 'count',
  time: 'time',
  duration_ms: 'number',
  event_type: 'enum',
  outcome: 'enum',
  severity: 'enum',
  sensitivity: 'enum',
  actor_id: 'text',
  actor_type: 'text',
  component: 'text',
  environment: 'text',
  resource: 'text',
  message: 'text',
  correlation_id: 'text',
  trace_id: 'text',
  span_id: 'text',
  parent_span_id: 'text?',
  session_id: 'text',
  tenant_id: 'text?',
  on_behalf_of: 'text?',
  authority: 'json?',
  actor_chain: 'json?',
  client_id: 'text?',
  client_version: 'text?',
  server_id: 'text?',
  server_version: 'text?',
  policy_tags: 'texts?',
  ocsf_class_uid: 'int32',
  ocsf_activity_id: 'int32',
  otel_operation_name: 'text?',
  mcp: 'mcp?',
  error: 'error?',
  data: 'json?',
  stage: 'text?',
  operation_id: 'text?',
  commitments: 'json?',
  truncated: 'json?',
  personal: 'json?',
  metadata: 'metadata',
  otel_resource: 'otel_resource?',
  log_id: 'text?',
  log_epoch: 'count?',
};

const MCP_FIELDS: Fields<McpDetail> = {
  method: 'text',
  side: 'text?',
  protocol_version: 'text?',
  request_id: 'text?',
  connection_id: 'text?',
  requested_by: 'text?',
  tool_name: 'text?',
  tool_arguments: 'json?',
  tool_result: 'json?',
  resource_uri: 'text?',
  prompt_name: 'text?',
  prompt_arguments: 'json?',
  session_id: 'text?',
  server_address: 'text?',
  transport: 'text?',
  client_capabilities: 'json?',
  server_capabilities: 'json?',
  extensions: 'json?',
  server_identity: 'text?',
  discovered_server_id: 'text?',
  discovered_server_version: 'text?',
  served_from: 'text?',
  answer: 'text?',
  answer_refused: 'text?',
  handler: 'text?',
  caller_saw: 'text?',
  peer_address: 'text?',
  peer_port: 'int32?',
  client_address: 'text?',
  http_status: 'int32?',
  http_method: 'text?',
  http_path: 'text?',
  http_headers: 'json?',
  oauth: 'json?',
  task_id: 'text?',
  task_status: 'text?',
  requests: 'json?',
  legs: 'json?',
  tool_fingerprint: 'text?',
  tool_annotations: 'json?',
  approval_id: 'text?',
  meta: 'json?',
  decision: 'text?',
  roots: 'json?',
  ended_by: 'text?',
  apm_system: 'text?',
  apm_trace_id: 'text?',
  apm_span_id: 'text?',
};

const ERROR_FIELDS: Fields<RecordError> = { type: 'text', code: 'text?', message: 'text?' };

const METADATA_FIELDS: Fields<RecordMetadata> = {
  schema_version: 'text',
  product_name: 'text',
  product_version: 'text',
  vendor_name: 'text',
};

const RESOURCE_FIELDS: Fields<OtelResource> = {
  'service.name': 'text?',
  'service.namespace': 'text?',
  'service.version': 'text?',
  'service.instance.id': 'text?',
  'host.name': 'text?',
  'host.id': 'text?',
  'process.pid': 'int32?',
  'container.id': 'text?',
  'k8s.cluster.name': 'text?',
  'k8s.namespace.name': 'text?',
  'k8s.node.name': 'text?',
  'k8s.pod.name': 'text?',
  'k8s.pod.uid': 'text?',
  'k8s.container.name': 'text?',
  'cloud.region': 'text?',
  'faas.instance': 'text?',
};

/** The attributes of OpenTelemetry's resource that go on record, in their order. */
export const RESOURCE_ATTRIBUTES = Object.keys(RESOURCE_FIELDS) as readonly (keyof OtelResource)[];

/** The fields of each part, likewise. */
export const PART_FIELDS = {
  mcp: MCP_FIELDS,
  error: ERROR_FIELDS,
  metadata: METADATA_FIELDS,
  otel_resource: RESOURCE_FIELDS,
} as const;

/** Whether a field is a part. */
export function isPart(name: string): name is Part {
  return Object.hasOwn(PART_FIELDS, name);
}
