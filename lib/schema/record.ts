import type { EVENT_TYPES, OUTCOMES, SENSITIVITIES, SEVERITIES } from './tables.js';

/** An event type of the compliance log schema, by its name. */
export type EventType = keyof typeof EVENT_TYPES;
/** What became of an operation, by the schema's name. */
export type Outcome = keyof typeof OUTCOMES;
/** How grave a record is, by the schema's name. */
export type Severity = keyof typeof SEVERITIES;
/** How confidential the data is that a record speaks of, by the schema's name. */
export type Sensitivity = keyof typeof SENSITIVITIES;
/** What kind of party acted. */
export type ActorType = 'user' | 'agent' | 'service';

/** The MCP side of a record. Absent is absent: no nulls, no empty strings. */
export interface McpDetail {
  /** The protocol's method, e.g. `tools/call`; `close` for the end of a session. */
  method: string;
  protocol_version?: string;
  /** The JSON-RPC id as it stood on the wire (the last one, where an operation took several). */
  request_id?: string;
  tool_name?: string;
  tool_arguments?: unknown;
  /** Only with outputs switched on. */
  tool_result?: unknown;
  resource_uri?: string;
  prompt_name?: string;
  prompt_arguments?: unknown;
  /** Only a session id that the protocol gave. */
  session_id?: string;
  /** The address or command that was dialled. */
  server_address?: string;
  transport?: string;
  client_capabilities?: unknown;
  server_capabilities?: unknown;
  /** On the record of a login: that `server_id` and `server_version` are the server's own word. */
  server_identity?: 'self-reported';
  /** Where the answer came from: the server, the client's own cache, or the client itself. Absent where that is not known. */
  served_from?: 'wire' | 'cache' | 'local';
  /** The requests that one operation took, where it took more than one. */
  legs?: readonly McpLeg[];
  /** SHA-256 (hex) of the tool's definition as it was last listed. */
  tool_fingerprint?: string;
  /** What was decided about a request of the server's: `accept`, `decline`, `cancel`. */
  decision?: string;
  /** Who ended a subscription: the client, the server in good order, or else the far side or what lies between. */
  ended_by?: 'client' | 'server' | 'remote';
}

/** One request on the wire among several that an operation took. */
export interface McpLeg {
  request_id: string;
  method: string;
}

/** Why an operation failed. */
export interface RecordError {
  /** The semantic conventions' `error.type`: `timeout`, `tool_error`, a code or a class name. */
  type: string;
  code?: string;
  /** Redacted and capped. */
  message?: string;
}

/** A place in a record where something was cut, and what it measured before. */
export interface Truncation {
  /** Dotted path within the record, e.g. `mcp.tool_arguments.body`. */
  path: string;
  /** Length before the cut, in UTF-8 bytes (of the redacted value); absent where it was not measured. */
  original_bytes?: number;
  /** Entries before the cut, of an object or an array. */
  original_entries?: number;
  /** SHA-256 (hex) of the whole redacted value. */
  sha256?: string;
}

/**
 * One record of the audit log: one JSON object on one line. Names and enum values are those of the compliance log schema;
 * the wire names are kept in snake case here, so that what a sink of yours receives is what the file says.
 */
export interface AuditRecord {
  /** UUIDv7 (RFC 9562), minted once: the idempotency key everywhere. */
  record_id: string;
  /** Order within one log, from 0; a hole means a loss. */
  seq: number;
  /** Start of the operation: RFC 3339, UTC, milliseconds. */
  time: string;
  /** Monotonic, milliseconds with three decimals. */
  duration_ms: number;
  event_type: EventType;
  outcome: Outcome;
  severity: Severity;
  sensitivity: Sensitivity;
  actor_id: string;
  actor_type: ActorType;
  component: string;
  environment: string;
  resource: string;
  /** One plain sentence, without argument values. */
  message: string;
  /** The trace id: 32 hex digits. */
  correlation_id: string;
  trace_id: string;
  span_id: string;
  parent_span_id?: string;
  session_id: string;
  tenant_id?: string;
  client_id?: string;
  client_version?: string;
  /** Self-reported by the server. */
  server_id?: string;
  /** Self-reported by the server. */
  server_version?: string;
  policy_tags?: readonly string[];
  ocsf_class_uid: number;
  ocsf_activity_id: number;
  otel_operation_name?: string;
  mcp?: McpDetail;
  error?: RecordError;
  /** Free detail of records that user code makes. */
  data?: unknown;
  /** Only where an operation writes more than one record: `request_received` for an intent. */
  stage?: string;
  /** Joins the records of one operation. */
  operation_id?: string;
  truncated?: readonly Truncation[];
  metadata: RecordMetadata;
}

/** Which schema and which product wrote a record. */
export interface RecordMetadata {
  schema_version: string;
  product_name: string;
  product_version: string;
  vendor_name: string;
}

/** A record before the pipeline has given it its place in the log. */
export type DraftRecord = Omit<AuditRecord, 'seq'>;
