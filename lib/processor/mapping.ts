import type { RecordSettings } from '../config.js';
import type { Actor } from '../identity.js';
import { newRecordId } from '../schema/ids.js';
import type { DraftRecord, McpDetail, Outcome, RecordError, Severity } from '../schema/record.js';
import { EVENT_TYPES } from '../schema/tables.js';
import { recordMetadata } from './metadata.js';
import type { ConnectionFacts, OperationDetail } from './detail.js';

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
export const INTENT_STAGE = 'request_received';

/** What one log knows of an operation beside the operation itself. */
export interface LogFacts {
  readonly actor?: Actor | undefined;
  readonly toolFingerprint?: string | undefined;
  /** The address or command that was dialled, without secrets. */
  readonly serverAddress?: string | undefined;
  /** Joins the intent and the completion, where there is an intent. */
  readonly operationId?: string | undefined;
}

/** The session id of a record: the option's, else the protocol's, else the one made for the connection. */
export function sessionIdOf(connection: ConnectionFacts, settings: RecordSettings): string {
  return settings.sessionId ?? connection.sessionId ?? connection.connectionId;
}

/** An operation as a record, before redaction. An operation without an ending becomes its intent. */
export function toDraft(
  detail: OperationDetail,
  settings: RecordSettings,
  facts: LogFacts = {},
): DraftRecord {
  const { ending, connection, custom, trace } = detail;
  const eventType = detail.event[settings.profile];
  const row = EVENT_TYPES[eventType];
  const outcome = ending?.outcome ?? 'OUTCOME_UNSPECIFIED';
  const sessionId = sessionIdOf(connection, settings);
  const tenantId = facts.actor?.tenantId ?? settings.tenantId;
  const tags = [...settings.policyTags, ...(custom?.policyTags ?? [])];
  return {
    record_id: newRecordId(),
    time: new Date(detail.startTime).toISOString(),
    duration_ms: ending?.durationMs ?? 0,
    event_type: eventType,
    outcome,
    severity: custom?.severity ?? (ending ? SEVERITY_OF[outcome] : 'SEVERITY_INFO'),
    sensitivity: custom?.sensitivity ?? settings.sensitivity,
    actor_id: facts.actor?.id ?? sessionId,
    actor_type: custom?.actorType ?? facts.actor?.type ?? settings.actorType,
    component: custom?.component ?? settings.component,
    environment: settings.environment,
    resource: detail.resource,
    message: sentence(detail),
    correlation_id: trace.context.traceId,
    trace_id: trace.context.traceId,
    span_id: trace.context.spanId,
    ...(trace.parentSpanId !== undefined && { parent_span_id: trace.parentSpanId }),
    session_id: sessionId,
    ...(tenantId !== undefined && { tenant_id: tenantId }),
    ...parties(connection),
    ...(tags.length > 0 && { policy_tags: tags }),
    ocsf_class_uid: row.ocsf_class_uid,
    ocsf_activity_id: row.ocsf_activity_id,
    ...(row.otel_operation_name !== null && { otel_operation_name: row.otel_operation_name }),
    ...(custom === undefined ? { mcp: toMcp(detail, settings.includeOutputs, facts) } : data(custom.data)),
    ...(ending?.error && {
      error: errorOf(ending.error, settings.includeOutputs ? ending.result : undefined),
    }),
    ...(ending === undefined && { stage: INTENT_STAGE }),
    ...(facts.operationId !== undefined && { operation_id: facts.operationId }),
    metadata: recordMetadata(settings.profile),
  };
}

function data(value: unknown): { data: unknown } | object {
  return value === undefined ? {} : { data: value };
}

function parties(connection: ConnectionFacts) {
  return defined({
    client_id: connection.clientName,
    client_version: connection.clientVersion,
    server_id: connection.serverName,
    server_version: connection.serverVersion,
  });
}

function toMcp(
  detail: OperationDetail,
  includeOutputs: boolean,
  { toolFingerprint, serverAddress }: LogFacts,
): McpDetail {
  const { subject, connection, legs, ending } = detail;
  const isPrompt = subject.promptName !== undefined;
  const opensSession = detail.method === 'initialize';
  return {
    method: detail.method,
    ...defined({
      protocol_version: connection.protocolVersion,
      request_id: legs.at(-1)?.request_id,
      tool_name: subject.toolName,
      tool_arguments: isPrompt ? undefined : subject.arguments,
      tool_result: includeOutputs ? ending?.result : undefined,
      tool_fingerprint: toolFingerprint,
      resource_uri: subject.uri,
      prompt_name: subject.promptName,
      prompt_arguments: isPrompt ? subject.arguments : undefined,
      session_id: connection.sessionId,
      server_address: serverAddress ?? connection.serverAddress,
      transport: connection.transport,
      // Capabilities are facts of the handshake; repeating them in every record would only make the log larger.
      client_capabilities: opensSession ? connection.clientCapabilities : undefined,
      server_capabilities: opensSession ? connection.serverCapabilities : undefined,
      // A server may report any name; what stands fast is the address that was dialled.
      server_identity: opensSession && connection.serverName !== undefined ? 'self-reported' : undefined,
      served_from: detail.servedFrom,
      decision: detail.decision,
      ended_by: detail.endedBy,
      legs: legs.some((leg) => leg.method !== detail.method) || legs.length > 1 ? legs : undefined,
    }),
  };
}

/** What a tool said of its own failure is output: on record only where outputs are. */
function errorOf(error: RecordError, output: unknown): RecordError {
  if (error.type !== 'tool_error') return error;
  return { type: error.type, message: firstText(output) ?? 'the tool reported an error' };
}

function firstText(result: unknown): string | undefined {
  const content = (result as { content?: unknown } | undefined)?.content;
  const first = Array.isArray(content) ? (content[0] as { text?: unknown } | undefined) : undefined;
  return typeof first?.text === 'string' ? first.text : undefined;
}

function sentence({ summary, ending }: OperationDetail): string {
  if (ending === undefined) return `${summary}: about to be sent.`;
  if (ending.outcome === 'OUTCOME_SUCCESS') return `${summary}.`;
  if (ending.outcome === 'OUTCOME_PARTIAL') return `${summary}: stopped before the end.`;
  return `${summary}: failed (${ending.error?.type ?? 'unknown'}).`;
}

/** Absent is absent: drops what is undefined, null or an empty string. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null && value !== '') kept[key] = value;
  }
  return kept as { [K in keyof T]?: Exclude<T[K], undefined> };
}
