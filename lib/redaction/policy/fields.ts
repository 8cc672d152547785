import type { DraftRecord, McpDetail } from '../../schema/record.js';

/**
 * How a field of a record is treated.
 *
 * - `fixed`: made by this library, and kept.
 * - `label`: chosen by the user or given by the protocol. It is made well-formed and cut, but not searched.
 * - `text`: searched for secrets and cut.
 * - `uri`: as `text`; if it is a URI, its parts are redacted.
 * - `free`: walked.
 * - `chain`: the links of a chain of actors, whose names are treated as `actor_id` is.
 */
type FieldKind = 'fixed' | 'label' | 'text' | 'uri' | 'free' | 'chain';

/** Every field of a record. A field that is added to the schema has to be added here, or this does not compile. */
const RECORD_FIELDS: Readonly<Record<keyof DraftRecord, FieldKind>> = {
  record_id: 'fixed',
  seq: 'fixed',
  time: 'fixed',
  duration_ms: 'fixed',
  event_type: 'fixed',
  outcome: 'fixed',
  severity: 'fixed',
  sensitivity: 'fixed',
  actor_id: 'label',
  actor_type: 'fixed',
  on_behalf_of: 'label',
  authority: 'free',
  actor_chain: 'chain',
  component: 'label',
  environment: 'label',
  resource: 'uri',
  message: 'text',
  correlation_id: 'fixed',
  trace_id: 'fixed',
  span_id: 'fixed',
  parent_span_id: 'fixed',
  session_id: 'label',
  tenant_id: 'label',
  client_id: 'text',
  client_version: 'text',
  server_id: 'text',
  server_version: 'text',
  policy_tags: 'free',
  ocsf_class_uid: 'fixed',
  ocsf_activity_id: 'fixed',
  otel_operation_name: 'fixed',
  mcp: 'fixed',
  error: 'free',
  data: 'free',
  stage: 'fixed',
  operation_id: 'fixed',
  commitments: 'fixed',
  truncated: 'fixed',
  personal: 'fixed',
  metadata: 'fixed',
  otel_resource: 'fixed',
  log_id: 'fixed',
  log_epoch: 'fixed',
};

/** Arguments come first: a secret that one of their keys reveals is then known when the other fields are searched. */
const MCP_FIELDS: Readonly<Record<keyof McpDetail, FieldKind>> = {
  tool_arguments: 'free',
  prompt_arguments: 'free',
  meta: 'free',
  tool_result: 'free',
  method: 'text',
  protocol_version: 'text',
  request_id: 'label',
  connection_id: 'fixed',
  side: 'fixed',
  requested_by: 'fixed',
  tool_name: 'text',
  resource_uri: 'uri',
  prompt_name: 'text',
  session_id: 'label',
  server_address: 'uri',
  transport: 'text',
  client_capabilities: 'free',
  server_capabilities: 'free',
  extensions: 'free',
  server_identity: 'fixed',
  discovered_server_id: 'text',
  discovered_server_version: 'text',
  served_from: 'fixed',
  answer: 'fixed',
  answer_refused: 'fixed',
  handler: 'fixed',
  caller_saw: 'fixed',
  peer_address: 'fixed',
  peer_port: 'fixed',
  client_address: 'fixed',
  http_status: 'fixed',
  http_method: 'label',
  http_path: 'uri',
  http_headers: 'free',
  oauth: 'free',
  task_id: 'label',
  task_status: 'text',
  requests: 'fixed',
  legs: 'free',
  tool_fingerprint: 'fixed',
  tool_annotations: 'free',
  approval_id: 'label',
  decision: 'text',
  roots: 'free',
  ended_by: 'fixed',
  apm_system: 'fixed',
  apm_trace_id: 'fixed',
  apm_span_id: 'fixed',
};

/** A field that is redacted. */
export interface Field {
  readonly name: string;
  readonly kind: Exclude<FieldKind, 'fixed'>;
}

function listed(fields: Readonly<Record<string, FieldKind>>): readonly Field[] {
  return Object.entries(fields).flatMap(([name, kind]) => (kind === 'fixed' ? [] : [{ name, kind }]));
}

/** The fields of a record that are redacted, in order, without those of `mcp`. */
export const LOOKED_AT: readonly Field[] = listed(RECORD_FIELDS);
/** The fields of `mcp` that are redacted, in order. */
export const LOOKED_AT_MCP: readonly Field[] = listed(MCP_FIELDS);

/** The names that a path may begin with, and those that may follow `mcp`. */
export const PATH_ROOTS: readonly string[] = [...LOOKED_AT.map(({ name }) => name), 'mcp'];
export const PATH_MCP_FIELDS: readonly string[] = LOOKED_AT_MCP.map(({ name }) => name);
