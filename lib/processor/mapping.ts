import type { RecordSettings } from '../config.js';
import type { Actor } from '../identity.js';
import { peek } from '../internal/peek.js';
import { componentOf, originOf } from '../origin.js';
import { newRecordId, toTimestamp } from '../schema/ids.js';
import type { Commitments } from '../schema/parts.js';
import type {
  DraftRecord,
  McpDetail,
  McpRequests,
  Outcome,
  RecordError,
  RecordMetadata,
  Severity,
} from '../schema/record.js';
import { EVENT_TYPES } from '../schema/tables.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { COMMITMENT_KEY } from './commitments.js';
import { addDelegation } from './delegation.js';
import type { ConnectionFacts, Ending, OperationDetail } from './operation.js';
import type { Answer } from './outcome.js';
import type { Handling } from './served.js';

/** Severity follows from the outcome unless user code set it. */
const SEVERITY_OF: Readonly<Record<Outcome, Severity>> = {
  OUTCOME_UNSPECIFIED: 'SEVERITY_WARNING',
  OUTCOME_SUCCESS: 'SEVERITY_INFO',
  OUTCOME_FAILURE_UNAUTHORIZED: 'SEVERITY_WARNING',
  OUTCOME_FAILURE_DENIED: 'SEVERITY_WARNING',
  OUTCOME_FAILURE_ERROR: 'SEVERITY_ERROR',
  OUTCOME_PARTIAL: 'SEVERITY_NOTICE',
};

/** Marks the record of an operation that is about to be sent (mode `blocking-strict`). */
const INTENT_STAGE = 'request_received';

/** What one log knows of an operation beside the operation itself. */
export interface LogFacts {
  /** The protocol's session id, as this log shows it. */
  readonly sessionId?: string | undefined;
  /** The server's address or command, as this log shows it. */
  readonly serverAddress?: string | undefined;
  readonly actor?: Actor | undefined;
  readonly toolFingerprint?: string | undefined;
  /** Names the decision about the call, where it needed an approval. */
  readonly approvalId?: string | undefined;
  /** Joins the intent and the completion, where there is an intent. */
  readonly operationId?: string | undefined;
  /** The id that the record shall have, where it was needed before. */
  readonly recordId?: string | undefined;
  readonly commitments?: Commitments | undefined;
  /** The requests of the session that ends with this operation. */
  readonly requests?: McpRequests | undefined;
}

/** The session id of a record: that of the options, else the protocol's as the log shows it, else the connection's. */
export function sessionIdOf(
  { connectionId }: ConnectionFacts,
  settings: RecordSettings,
  shown: string | undefined,
): string {
  return settings.sessionId ?? shown ?? connectionId;
}

/**
 * An operation as a record, before redaction. An operation without an ending becomes its intent.
 *
 * Written field by field, in the order of a record's line: spreads of optional fields cost several times as much as all the rest, and
 * a record in order need not be sorted when it is encoded.
 */
export function toDraft(detail: OperationDetail, settings: RecordSettings, facts: LogFacts): DraftRecord {
  const { ending, custom } = detail;
  const draft = startOf(detail, settings, facts);
  addParties(draft, detail);
  const tags = tagsOf(settings.policyTags, custom?.policyTags);
  if (tags.length > 0) draft.policy_tags = tags;
  const row = EVENT_TYPES[draft.event_type];
  draft.ocsf_class_uid = row.ocsf_class_uid;
  draft.ocsf_activity_id = row.ocsf_activity_id;
  if (row.otel_operation_name !== null) draft.otel_operation_name = row.otel_operation_name;
  if (custom === undefined || facts.approvalId !== undefined) draft.mcp = toMcp(detail, settings, facts);
  if (ending?.error !== undefined)
    draft.error = errorOf(ending.error, settings.includeOutputs ? ending.result : undefined);
  if (custom?.data !== undefined) draft.data = custom.data;
  if (ending === undefined) draft.stage = INTENT_STAGE;
  if (facts.operationId !== undefined) draft.operation_id = facts.operationId;
  if (facts.commitments !== undefined) draft.commitments = facts.commitments;
  draft.metadata = recordMetadata(settings.profile);
  draft.otel_resource = originOf(settings, detail.side).current;
  // Keeps the places of the fields, as for `seq`.
  draft.log_id = undefined;
  draft.log_epoch = undefined;
  return draft as DraftRecord;
}

/** A draft that is being written. */
type Unfinished = Omit<DraftRecord, Later> & Partial<Pick<DraftRecord, Later>>;
type Later = 'ocsf_class_uid' | 'ocsf_activity_id' | 'metadata';

/** The fields that every record begins with, up to the tenant. */
function startOf(
  detail: OperationDetail,
  settings: RecordSettings,
  { actor, sessionId: shown, recordId }: LogFacts,
): Unfinished {
  const { ending, connection, custom } = detail;
  const { context, parentSpanId } = detail.trace;
  const outcome = ending?.outcome ?? 'OUTCOME_UNSPECIFIED';
  const sessionId = sessionIdOf(connection, settings, shown);
  const draft: Omit<Unfinished, 'session_id'> & { session_id?: string } = {
    record_id: recordId ?? newRecordId(),
    // Keeps the place of the field; the pipeline fills it.
    seq: undefined,
    time: toTimestamp(detail.startTime),
    duration_ms: ending?.durationMs ?? 0,
    event_type: detail.event[settings.profile],
    outcome,
    severity: custom?.severity ?? (ending ? SEVERITY_OF[outcome] : 'SEVERITY_INFO'),
    sensitivity: custom?.sensitivity ?? settings.sensitivity,
    actor_id: actor?.id ?? sessionId,
    actor_type: custom?.actorType ?? actor?.type ?? settings.actorType,
    component: custom?.component ?? componentOf(settings, detail.side),
    environment: settings.environment,
    resource: detail.resource,
    message: sentence(detail),
    correlation_id: context.traceId,
    trace_id: context.traceId,
    span_id: context.spanId,
  };
  if (parentSpanId !== undefined) draft.parent_span_id = parentSpanId;
  draft.session_id = sessionId;
  const tenantId = actor?.tenantId ?? settings.tenantId;
  if (tenantId !== undefined) draft.tenant_id = tenantId;
  addDelegation(draft, detail, actor, settings.onBehalfOf);
  return draft as Unfinished;
}

function tagsOf(first: readonly string[], second: readonly string[] = []): readonly string[] {
  return second.length === 0 ? first : [...first, ...second];
}

function addParties(draft: Unfinished, { connection, answer }: OperationDetail): void {
  const { clientName, clientVersion, serverName, serverVersion } = connection;
  if (isThere(clientName)) draft.client_id = clientName;
  if (isThere(clientVersion)) draft.client_version = clientVersion;
  // Where results name their server, that name counts.
  const server = isThere(answer?.server?.name) ? answer.server : { name: serverName, version: serverVersion };
  if (isThere(server.name)) draft.server_id = server.name;
  if (isThere(server.version)) draft.server_version = server.version;
}

/** Absent is absent: no field for what is undefined, null or an empty string. */
function isThere<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null && value !== '';
}

function toMcp(
  detail: OperationDetail,
  settings: RecordSettings,
  { toolFingerprint, approvalId, sessionId, serverAddress, requests }: LogFacts,
): McpDetail {
  const { includeOutputs, recordMeta } = settings;
  const { subject, connection, legs, ending, servedFrom, decision, endedBy } = detail;
  const isPrompt = subject.promptName !== undefined;
  const mcp: McpDetail = { method: detail.method };
  if (detail.side === 'server') mcp.side = 'server';
  const { protocolVersion, transport } = connection;
  const requestId = legs.at(-1)?.request_id;
  if (isThere(protocolVersion)) mcp.protocol_version = protocolVersion;
  if (isThere(requestId)) mcp.request_id = requestId;
  addConnection(mcp, detail, sessionIdOf(connection, settings, sessionId));
  if (isThere(subject.toolName)) mcp.tool_name = subject.toolName;
  if (!isPrompt && isThere(subject.arguments)) mcp.tool_arguments = subject.arguments;
  const result = ending?.result;
  if (includeOutputs && isThere(result)) mcp.tool_result = result;
  if (isThere(subject.uri)) mcp.resource_uri = subject.uri;
  if (isThere(subject.promptName)) mcp.prompt_name = subject.promptName;
  if (isPrompt && isThere(subject.arguments)) mcp.prompt_arguments = subject.arguments;
  if (isThere(sessionId)) mcp.session_id = sessionId;
  if (isThere(serverAddress)) mcp.server_address = serverAddress;
  if (isThere(transport)) mcp.transport = transport;
  if (detail.method === 'initialize') addHandshake(mcp, connection);
  if (isThere(servedFrom)) mcp.served_from = servedFrom;
  addAnswer(mcp, detail);
  addHttp(mcp, detail, settings);
  if (requests !== undefined) mcp.requests = requests;
  if (legs.length > 1 || legs.some((leg) => leg.method !== detail.method)) mcp.legs = legs;
  if (isThere(toolFingerprint)) mcp.tool_fingerprint = toolFingerprint;
  if (isThere(detail.toolAnnotations)) mcp.tool_annotations = detail.toolAnnotations;
  if (isThere(approvalId)) mcp.approval_id = approvalId;
  const meta = metaOf(detail.callerMeta, recordMeta);
  if (meta !== undefined) mcp.meta = meta;
  if (isThere(decision)) mcp.decision = decision;
  // Where a program works is its own affair, and that of a relay's client is who acts.
  if (connection.isRelayed === true && detail.method === 'roots/list') addRoots(mcp, result);
  if (isThere(endedBy)) mcp.ended_by = endedBy;
  if (detail.apm !== undefined) addApm(mcp, detail.apm);
  return mcp;
}

function addRoots(mcp: McpDetail, result: unknown): void {
  const roots = peek(result, 'roots');
  if (isThere(roots)) mcp.roots = roots;
}

/** Adds the connection's id where the session id may be that of several connections. */
function addConnection(
  mcp: McpDetail,
  { connection, requestedBy }: OperationDetail,
  shownSessionId: string,
): void {
  if (connection.requests !== undefined && shownSessionId !== connection.connectionId)
    mcp.connection_id = connection.connectionId;
  if (requestedBy !== undefined) mcp.requested_by = requestedBy;
}

/** What came back, what the client made of it, and what its caller got. */
function addAnswer(
  mcp: McpDetail,
  { answer, task, ending, subject, connection, handling }: OperationDetail,
): void {
  if (answer !== undefined) mcp.answer = answer.kind;
  addDifference(mcp, answer, connection);
  if (ending?.answerRefused !== undefined) mcp.answer_refused = ending.answerRefused;
  if (handling !== undefined) addHandling(mcp, handling);
  if (ending?.callerSaw !== undefined) mcp.caller_saw = ending.callerSaw;
  const taskId = task?.id ?? subject.taskId;
  if (isThere(taskId)) mcp.task_id = taskId;
  if (isThere(task?.status)) mcp.task_status = task.status;
}

/** Adds the discovered name where the server answers under another: it may be another server. */
function addDifference(
  mcp: McpDetail,
  answer: Answer | undefined,
  { serverName, serverVersion }: ConnectionFacts,
): void {
  const { name, version } = answer?.server ?? {};
  if (!isThere(name) || (name === serverName && version === serverVersion)) return;
  if (isThere(serverName)) mcp.discovered_server_id = serverName;
  if (isThere(serverVersion)) mcp.discovered_server_version = serverVersion;
}

/** Whether the tool ran. Where nothing refused the call, that its handler was not seen does not say that it did not run. */
function addHandling(mcp: McpDetail, { state, refusal }: Handling): void {
  if (state !== 'not_run' || refusal !== undefined) mcp.handler = state;
}

function addHttp(
  mcp: McpDetail,
  { legs, connection, caller, http }: OperationDetail,
  settings: RecordSettings,
): void {
  const peer = caller?.peer ?? connection.peer;
  if (peer !== undefined) {
    mcp.peer_address = peer.address;
    if (peer.port !== undefined) mcp.peer_port = peer.port;
  }
  const address = caller?.address(settings);
  if (address !== undefined) mcp.client_address = address;
  const status = http?.status ?? legs.at(-1)?.http_status;
  if (status !== undefined) mcp.http_status = status;
  if (http !== undefined) {
    mcp.http_method = http.method;
    mcp.http_path = http.path;
  }
  const headers = caller?.headers(settings);
  if (headers !== undefined) mcp.http_headers = headers;
  const oauth = caller === undefined ? connection.oauth : caller.oauth;
  if (oauth !== undefined) mcp.oauth = oauth;
}

/** The entries of the caller's `_meta` that may go on record. */
function metaOf(meta: unknown, allowed: readonly string[]): object | undefined {
  if (allowed.length === 0 || typeof meta !== 'object' || meta === null) return undefined;
  // The salt of a record never stands in a log.
  const entries = allowed.filter((key) => key !== COMMITMENT_KEY && Object.hasOwn(meta, key));
  const kept = entries.map((key): [string, unknown] => [key, peek(meta, key)]);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Adds the capabilities: to the handshake's record alone, since they do not change. */
function addHandshake(
  mcp: McpDetail,
  { clientCapabilities, serverCapabilities, serverName }: ConnectionFacts,
): void {
  if (isThere(clientCapabilities)) mcp.client_capabilities = clientCapabilities;
  if (isThere(serverCapabilities)) mcp.server_capabilities = serverCapabilities;
  const offered = extensionsOf(serverCapabilities);
  const extensions = extensionsOf(clientCapabilities).filter((name) => offered.includes(name));
  if (extensions.length > 0) mcp.extensions = extensions;
  // A server may report any name; only the address is certain.
  if (serverName !== undefined) mcp.server_identity = 'self-reported';
}

function extensionsOf(capabilities: unknown): readonly string[] {
  const extensions = peek(capabilities, 'extensions');
  return typeof extensions === 'object' && extensions !== null ? Object.keys(extensions) : [];
}

function addApm(mcp: McpDetail, { system, traceId, spanId }: NonNullable<OperationDetail['apm']>): void {
  mcp.apm_system = system;
  mcp.apm_trace_id = traceId;
  if (spanId !== undefined) mcp.apm_span_id = spanId;
}

/** The error of a record. The text of a tool's own error is output, and goes on record only where outputs do. */
function errorOf(error: RecordError, output: unknown): RecordError {
  if (error.type !== 'tool_error') return error;
  return { type: error.type, message: firstText(output) ?? 'the tool reported an error' };
}

function firstText(result: unknown): string | undefined {
  const content = (result as { content?: unknown } | undefined)?.content;
  const first = Array.isArray(content) ? (content[0] as { text?: unknown } | undefined) : undefined;
  return typeof first?.text === 'string' ? first.text : undefined;
}

function sentence({ summary, ending, answer }: OperationDetail): string {
  if (ending === undefined) return `${summary}: about to be sent.`;
  if (ending.outcome === 'OUTCOME_SUCCESS') return `${summary}.`;
  if (ending.outcome === 'OUTCOME_PARTIAL') return `${summary}: ${unfinished(ending, answer)}.`;
  const type = ending.error?.type ?? 'unknown';
  return ending.answerRefused === undefined
    ? `${summary}: failed (${type}).`
    : `${summary}: the server answered, and the client did not accept the answer (${type}).`;
}

function unfinished(ending: Ending, answer: Answer | undefined): string {
  if (ending.error?.type === 'abandoned') return 'stopped before the end';
  if (answer?.kind === 'input_required') return 'the server asks for more input';
  return answer?.kind === 'task' ? 'the server works on it as a task' : 'stopped before the end';
}

const METADATA = { documented: metadata('documented'), '0.2': metadata('0.2') };

/** The schema and the product that wrote a record: one frozen object for all records. */
export function recordMetadata(profile: 'documented' | '0.2'): RecordMetadata {
  return METADATA[profile];
}

function metadata(profile: 'documented' | '0.2'): Readonly<RecordMetadata> {
  return Object.freeze({
    schema_version: profile,
    product_name: PACKAGE_NAME,
    product_version: PACKAGE_VERSION,
    vendor_name: PACKAGE_NAME,
  });
}
