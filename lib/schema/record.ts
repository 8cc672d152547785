import type {
  ActorType,
  ChainLink,
  McpOAuth,
  RecordAuthority,
  Commitments,
  PersonalValues,
} from './parts.js';
import type { EVENT_TYPES, OUTCOMES, SENSITIVITIES, SEVERITIES } from './tables.js';

/** An event type of the compliance log schema, by its name. */
export type EventType = keyof typeof EVENT_TYPES;
/** What became of an operation, by the schema's name. */
export type Outcome = keyof typeof OUTCOMES;
/** How grave a record is, by the schema's name. */
export type Severity = keyof typeof SEVERITIES;
/** How confidential the data is that a record speaks of, by the schema's name. */
export type Sensitivity = keyof typeof SENSITIVITIES;
export type { ActorType, ChainLink, McpOAuth } from './parts.js';

/** The MCP side of a record. Absent is absent: no nulls, no empty strings. */
export interface McpDetail {
  /** The protocol's method, e.g. `tools/call`; `close` for the end of a session. */
  method: string;
  /** Which side wrote the record: the server that was asked. Absent on records of a client. */
  side?: 'server';
  /** The version that client and server agreed on. */
  protocol_version?: string;
  /** The JSON-RPC id as it stood on the wire (the last one, where an operation took several). */
  request_id?: string;
  /** The connection, made up here; where `session_id` is that of an option or of the protocol, which several may share. */
  connection_id?: string;
  /** Where the server asked and the client answered: then `request_id` is one of the server's. */
  requested_by?: 'server';
  /** The tool that was called. */
  tool_name?: string;
  /** The arguments of the tool, redacted. */
  tool_arguments?: unknown;
  /** Only with outputs switched on. */
  tool_result?: unknown;
  /** The resource that was read. */
  resource_uri?: string;
  /** The prompt that was asked for. */
  prompt_name?: string;
  /** The arguments of the prompt, redacted. */
  prompt_arguments?: unknown;
  /** Only where the protocol gave a session id: its hash, or the id itself where the policy keeps it. */
  session_id?: string;
  /** The address or command that was dialled. */
  server_address?: string;
  /** How the client reaches the server, e.g. `stdio`. */
  transport?: string;
  /** What the client offered; in the record of the handshake alone. */
  client_capabilities?: unknown;
  /** What the server offered; in the record of the handshake alone. */
  server_capabilities?: unknown;
  /** Names of the extensions that both sides offered; in the record of the handshake alone. */
  extensions?: readonly string[];
  /** On the record of a login: that `server_id` and `server_version` are the server's own word. */
  server_identity?: 'self-reported';
  /** Where the server that answered calls itself otherwise than the one that was discovered: what that one called itself. */
  discovered_server_id?: string;
  /** The version of the discovered server, where one of the two differs. */
  discovered_server_version?: string;
  /** Where the answer came from: the server, the client's own cache, or the client itself. Absent where that is not known. */
  served_from?: 'wire' | 'cache' | 'local';
  /**
   * What the server answered the (last) request with: a result, a result that says `isError`, a JSON-RPC error, a task that it
   * now works on, or a question of its own. Absent where nothing came back, and where nobody was asked.
   */
  answer?: 'result' | 'tool_error' | 'error' | 'task' | 'input_required';
  /** Why the client did not accept that answer: `limit` is that of pages or rounds, `result_type` a kind of result that it does not know. */
  answer_refused?: 'output_schema' | 'result_schema' | 'result_type' | 'limit' | 'other';
  /**
   * On the record of a server: what became of the handler of the tool. `not_run` if the server refused the call before it; `running` if
   * it had not ended when the call did. Absent where that was not seen.
   */
  handler?: 'not_run' | 'returned' | 'threw' | 'running';
  /** What the caller got in the end: a value, an error, or nothing, having stopped to read. */
  caller_saw?: 'value' | 'error' | 'nothing';
  /** The network address that the (last) request went to, over HTTP: that of a proxy where there is one. */
  peer_address?: string;
  /** The port of that address. */
  peer_port?: number;
  /** On the record of a server: the address of the client, behind proxies that the log trusts. `peer_address` is then the nearest end. */
  client_address?: string;
  /** The HTTP status of the (last) request's response, over HTTP. */
  http_status?: number;
  /** On records of HTTP requests (docs/callers.md): the method. */
  http_method?: string;
  /** The path of such a request, without its query. */
  http_path?: string;
  /** On the record of a server: the headers of the request that the option `recordHeaders` names, redacted. */
  http_headers?: unknown;
  /** By what authorization the requests went out, as far as the exchanges over HTTP tell. */
  oauth?: McpOAuth;
  /** The task that the server answered with, or that was asked about. */
  task_id?: string;
  /** The state of that task when it was last heard of, e.g. `working`. */
  task_status?: string;
  /** On the record that closes a session: what went over the wire, and what is on record of it. */
  requests?: McpRequests;
  /** The requests that one operation took, where it took more than one. */
  legs?: readonly McpLeg[];
  /** SHA-256 (hex) of the tool's definition as it was last listed. */
  tool_fingerprint?: string;
  /** What the server said of the tool when it was last listed: whether it only reads, destroys, may be repeated, acts on the world. */
  tool_annotations?: unknown;
  /** On the record of a call that needed an approval, and on that of the decision: what joins the two. */
  approval_id?: string;
  /** Entries of the caller's `_meta` that `recordMeta` names, redacted. */
  meta?: unknown;
  /** What was decided about a request of the server's, or about an approval: `accept`, `decline`, `cancel`. */
  decision?: string;
  /** In the log of a relay: the folders that the client named when the server asked for its roots. */
  roots?: unknown;
  /** Who ended a subscription: the client, the server in good order, or else the far side or what lies between. */
  ended_by?: 'client' | 'server' | 'remote';
  /** Whose trace `apm_trace_id` is: `datadog`, `newrelic` or `sentry`. Absent where `trace_id` is that very trace. */
  apm_system?: string;
  /** The trace that such an agent had under way beside that of an OpenTelemetry SDK, or of the caller. */
  apm_trace_id?: string;
  /** The span that was active in it. */
  apm_span_id?: string;
}

/** One request on the wire among several that an operation took. */
export interface McpLeg {
  /** The id of the JSON-RPC request. */
  request_id: string;
  /** The method of the request. */
  method: string;
  /** The HTTP status of its response, over HTTP. */
  http_status?: number;
  /** The scopes that a refusal (401, 403) asked for. */
  required_scopes?: readonly string[];
}

/** The requests of a session, as they were counted when it ended. */
export interface McpRequests {
  /** Requests that the client sent, whoever made them. */
  sent: number;
  /** Of these, the ones whose operation is on record. */
  recorded: number;
  /** Those that were under way: their records follow. */
  pending?: number;
  /** Those that the policy leaves out (level `None`). */
  excluded?: number;
  /** Those that no record tells of, and none will. */
  missing?: number;
  /** Their ids, the first twenty. */
  missing_ids?: readonly string[];
  /** SHA-256 (hex) of the ids of all that were sent and not left out (docs/integrity.md says over which bytes). */
  sha256: string;
}

/** Why an operation failed. */
export interface RecordError {
  /** The semantic conventions' `error.type`: `timeout`, `tool_error`, a code or a class name. */
  type: string;
  /** The code of the JSON-RPC error or of the HTTP status. */
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
  /** What kind of event it is. */
  event_type: EventType;
  /** How it ended. */
  outcome: Outcome;
  /** Follows from the outcome, unless the user set it. */
  severity: Severity;
  /** How sensitive the data is. */
  sensitivity: Sensitivity;
  /** Who acted. */
  actor_id: string;
  /** What kind of actor that is. */
  actor_type: ActorType;
  /** Which part of the user's system wrote the record. */
  component: string;
  /** Where it ran, e.g. `production`. */
  environment: string;
  /** What was acted upon, e.g. `tools/search`. */
  resource: string;
  /** One plain sentence, without argument values. */
  message: string;
  /** The trace id: 32 hex digits. */
  correlation_id: string;
  /** The trace of the operation, 32 hex digits. */
  trace_id: string;
  /** The span of the operation, 16 hex digits. */
  span_id: string;
  /** The span that it happened in, 16 hex digits. */
  parent_span_id?: string;
  /** The session that it belongs to: the option's id, the hash of the protocol's, or the id made for the connection. */
  session_id: string;
  /** Whose data is at stake. */
  tenant_id?: string;
  /** For whom the actor acted, where that is somebody else. */
  on_behalf_of?: string;
  /** By what authority it did. */
  authority?: RecordAuthority;
  /**
   * The parties that act for one another, where more is known of them than `actor_id`: first who acts now, last on whose behalf they all
   * do. The first that is not the caller's own word is `actor_id`, where the actor has a name.
   */
  actor_chain?: readonly ChainLink[];
  /** Name of the MCP client. */
  client_id?: string;
  /** Version of the MCP client. */
  client_version?: string;
  /** Self-reported by the server. */
  server_id?: string;
  /** Self-reported by the server. */
  server_version?: string;
  /** Tags of the policies that it falls under. */
  policy_tags?: readonly string[];
  /** The OCSF class that the event type maps to. */
  ocsf_class_uid: number;
  /** The activity within the OCSF class. */
  ocsf_activity_id: number;
  /** `gen_ai.operation.name` of the event type, where there is one. */
  otel_operation_name?: string;
  /** What the protocol says of the operation; absent for the user's own methods. */
  mcp?: McpDetail;
  /** What went wrong, where something did. */
  error?: RecordError;
  /** Free detail of records that user code makes. */
  data?: unknown;
  /** Only where an operation writes more than one record: `request_received` for an intent. */
  stage?: string;
  /** Joins the records of one operation. */
  operation_id?: string;
  /** Digests of what was sent and returned before redaction, which prove content that the log does not hold. */
  commitments?: Commitments;
  /** What was cut to keep the record in bounds. */
  truncated?: readonly Truncation[];
  /** Values that concern persons, encrypted or withheld: their fields lack them, or hold what stands for them. */
  personal?: readonly PersonalValues[];
  /** Which schema and which product wrote the record. */
  metadata: RecordMetadata;
  /** Where the record was written. Absent from older logs, as are the two fields after it. */
  otel_resource?: OtelResource;
  /** The log whose records `seq` counts: a UUID, kept for as long as a file or a spool continues that log. */
  log_id?: string;
  /** How many processes have continued that log before this one. `log_id` and `log_epoch` together name who counted. */
  log_epoch?: number;
}

/**
 * Where a record was written, by the names of OpenTelemetry's resource conventions: of the tracer provider's resource, where there
 * is one, else of `OTEL_RESOURCE_ATTRIBUTES`, else as found out here. A resource may hold more; only these go on record.
 */
export interface OtelResource {
  /** The service. Without a provider that names one, the record's `component`. */
  readonly 'service.name'?: string;
  /** What the service's name is unique in. */
  readonly 'service.namespace'?: string;
  /** The version of the service. */
  readonly 'service.version'?: string;
  /** The instance of the service: a UUID of the process's own where nothing names another. */
  readonly 'service.instance.id'?: string;
  /** The name of the host, as `hostname` prints it. */
  readonly 'host.name'?: string;
  /** The id of the host or the machine. */
  readonly 'host.id'?: string;
  /** The id of the process. */
  readonly 'process.pid'?: number;
  /** The id of the container. */
  readonly 'container.id'?: string;
  /** The Kubernetes cluster. */
  readonly 'k8s.cluster.name'?: string;
  /** The namespace of the pod. */
  readonly 'k8s.namespace.name'?: string;
  /** The node that the pod runs on. */
  readonly 'k8s.node.name'?: string;
  /** The name of the pod. */
  readonly 'k8s.pod.name'?: string;
  /** The id of the pod. */
  readonly 'k8s.pod.uid'?: string;
  /** The name of the container in the pod. */
  readonly 'k8s.container.name'?: string;
  /** The region of the cloud. */
  readonly 'cloud.region'?: string;
  /** The instance of a function, as serverless platforms name it. */
  readonly 'faas.instance'?: string;
}

/** Who counts `seq`: a log, and which of the processes that continue it. */
export type LogCounter = Required<Pick<AuditRecord, 'log_id' | 'log_epoch'>>;

/** Which schema and which product wrote a record. */
export interface RecordMetadata {
  /** The profile: `documented` or `0.2`. */
  schema_version: string;
  /** This package. */
  product_name: string;
  /** Its version. */
  product_version: string;
  /** Who publishes it. */
  vendor_name: string;
}

/** What the pipeline adds to a record: its place in a log. */
type PlaceInLog = Pick<AuditRecord, 'seq' | 'log_id' | 'log_epoch'>;

/**
 * A record before the pipeline has given it its place in the log. The fields of the place may stand there without a value, so that
 * they are in order, and the record need not grow later, for which V8 would take more time and memory than for all of its other fields.
 */
export type DraftRecord = Omit<AuditRecord, keyof PlaceInLog> & {
  [field in keyof PlaceInLog]?: PlaceInLog[field] | undefined;
};
