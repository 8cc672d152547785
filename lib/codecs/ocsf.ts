import type { AuditRecord, Outcome, Sensitivity, EventType, Severity } from '../schema/record.js';
import { EVENT_TYPES, SEVERITIES } from '../schema/tables.js';
import { type Codec, textCodec, type TextFraming } from './codec.js';
import { encodeLine } from './json.js';
import { toJsonLine } from './line.js';
import type { Profile } from './profile.js';

/** The version of the Open Cybersecurity Schema Framework that the events name. */
const OCSF_VERSION = '1.3.0';

/** `status_id`: Unknown, Success, Failure, Other. */
const STATUS: Readonly<Record<Outcome, 0 | 1 | 2 | 99>> = {
  OUTCOME_UNSPECIFIED: 0,
  OUTCOME_SUCCESS: 1,
  OUTCOME_FAILURE_UNAUTHORIZED: 2,
  OUTCOME_FAILURE_DENIED: 2,
  OUTCOME_FAILURE_ERROR: 2,
  OUTCOME_PARTIAL: 99,
};

/** `confidentiality_id`: Unknown, Not Confidential, Confidential, Secret, Top Secret. */
const CONFIDENTIALITY: Readonly<Record<Sensitivity, 0 | 1 | 2 | 3 | 4>> = {
  SENSITIVITY_UNSPECIFIED: 0,
  SENSITIVITY_PUBLIC: 1,
  SENSITIVITY_INTERNAL: 1,
  SENSITIVITY_CONFIDENTIAL: 2,
  SENSITIVITY_RESTRICTED: 3,
  SENSITIVITY_HIGHLY_RESTRICTED: 4,
};

/** How a record becomes an OCSF event. */
export interface OcsfOptions {
  profile?: Profile;
  framing?: TextFraming;
  /**
   * Whether classes, activities and severities are those that OCSF 1.3.0 publishes. The compliance log schema's own table differs
   * from it; docs/codecs.md lists the differences. @defaultValue `false`: those of the table
   */
  strict?: boolean;
}

/**
 * A record as an OCSF 1.3.0 event, by the schema's export table, with the attributes that its class requires. `raw_data` holds
 * the whole record as its JSON line, so that nothing is lost.
 */
export function toOcsf(
  record: AuditRecord,
  { profile = 'documented', strict = false }: OcsfOptions = {},
): object {
  const kind = strict ? published(record) : byTable(record);
  const { classUid, activityId, activityName } = kind;
  const severity = SEVERITIES[record.severity];
  const parties = { ...partiesOf(record), ...requiredBy(classUid, record) };
  return {
    activity_id: activityId,
    activity_name: activityName,
    category_uid: Math.floor(classUid / 1000),
    class_uid: classUid,
    class_name: kind.className,
    type_uid: classUid * 100 + activityId,
    time: Date.parse(record.time),
    duration: Math.round(record.duration_ms),
    severity_id: strict ? publishedSeverity(record.severity) : severity,
    severity: record.severity,
    status_id: STATUS[record.outcome] ?? 99,
    status: record.outcome,
    status_code: record.error?.code ?? record.error?.type,
    status_detail: record.error?.message,
    confidentiality_id: strict ? undefined : CONFIDENTIALITY[record.sensitivity],
    message: record.message,
    metadata: metadataOf(record, kind, strict),
    ...(strict ? attributesOf(classUid, parties) : parties),
    raw_data: encodeLine(record, profile),
  };
}

/** One OCSF event per record. */
export function ocsfCodec({ framing = 'ndjson', ...options }: OcsfOptions = {}): Codec {
  const line = (record: AuditRecord): string => toJsonLine(toOcsf(record, options));
  return textCodec(options.strict ? 'ocsf-strict' : 'ocsf', line, framing);
}

/** The class and activity that the compliance log schema's table names. */
function byTable(record: AuditRecord): OcsfKind {
  const row = EVENT_TYPES[record.event_type];
  return {
    classUid: record.ocsf_class_uid,
    className: row?.ocsf_class_name,
    activityId: record.ocsf_activity_id,
    activityName: row?.ocsf_activity_name,
  };
}

/**
 * `version` is that of OCSF, by which a reader chooses the schema; `log_version` is that of the record's schema. `deployment` is
 * an attribute of the table only; in OCSF, the environment is a label.
 */
function metadataOf({ metadata, ...record }: AuditRecord, { classUid }: OcsfKind, strict: boolean): object {
  const confidentiality = {
    confidentiality_id: CONFIDENTIALITY[record.sensitivity],
    confidentiality: record.sensitivity,
  };
  return {
    version: OCSF_VERSION,
    log_version: metadata.schema_version,
    uid: record.record_id,
    sequence: record.seq,
    correlation_uid: record.trace_id,
    tenant_uid: record.tenant_id,
    event_code: record.event_type,
    labels: [...(strict ? [`environment:${record.environment}`] : []), ...(record.policy_tags ?? [])],
    // The class Network Activity has an actor only with the profile `host`.
    ...(strict && {
      profiles: ['data_classification', ...(classUid === 4001 ? ['host'] : [])],
      data_classification: confidentiality,
    }),
    product: {
      name: metadata.product_name,
      version: metadata.product_version,
      vendor_name: metadata.vendor_name,
      feature: { name: record.component },
      ...(!strict && { deployment: record.environment }),
    },
  };
}

/** Who acted, from where, on what. */
function partiesOf(record: AuditRecord): object {
  const { mcp } = record;
  const session = { uid: record.session_id };
  return {
    actor: { user: userOf(record), session, app_name: record.component },
    session,
    src_endpoint: { svc_name: record.component, uid: record.client_id, name: record.client_id },
    dst_endpoint: { name: record.resource, svc_name: record.server_id },
    api: {
      operation: mcp?.tool_name ?? mcp?.method ?? record.otel_operation_name ?? record.resource,
      service: record.server_id && { name: record.server_id, version: record.server_version },
      version: mcp?.protocol_version,
      request: mcp?.request_id === undefined ? undefined : { uid: mcp.request_id },
    },
  };
}

function userOf({ actor_id: uid, actor_type: type }: AuditRecord): object {
  return { uid, type };
}

/**
 * The attributes that single classes require (OCSF 1.3.0, the definitions of the classes). A record of a client's call knows no
 * device and no process, so it names a device of unknown type and a process with the session's id.
 */
function requiredBy(classUid: number, record: AuditRecord): object {
  const user = userOf(record);
  const device = { type_id: 0, name: record.component };
  switch (classUid) {
    case 1007:
      return { device, process: { uid: record.session_id, name: record.resource } };
    case 3001:
    case 3002:
      return { user };
    case 3005:
      return { user, privileges: [record.mcp?.method ?? record.event_type] };
    case 4010:
      return { file: { name: record.resource, type_id: 0 } };
    case 5001:
    case 5002:
      return { device };
    case 6003:
      return { resources: [{ name: record.resource }] };
    default:
      return {};
  }
}

/** An OCSF class and activity, with their names. */
export interface OcsfKind {
  classUid: number;
  className: string | undefined;
  activityId: number;
  activityName: string | undefined;
}

const API = [6003, 'API Activity'] as const;
const AUTHENTICATION = [3002, 'Authentication'] as const;
const NETWORK = [4001, 'Network Activity'] as const;

type Row = readonly [uid: number, name: string, activityId: number, activityName: string];

/**
 * Event types for which the compliance log schema names a class or an activity that means something else in OCSF 1.3.0, with the
 * nearest one that OCSF defines. In OCSF, 3005 is User Access Management, 5001 Device Inventory Info, 5002 Device Config State, and
 * 4010 is deprecated; reading is activity 2 of API Activity, failing is activity 4 of Network Activity.
 */
const CORRECTED: Readonly<Partial<Record<EventType, Row>>> = {
  EVENT_FILE_ACCESS: [...API, 2, 'Read'],
  EVENT_POLICY_CHANGE: [...API, 3, 'Update'],
  EVENT_PRIVILEGE_USE: [...AUTHENTICATION, 99, 'Privilege Escalation'],
  EVENT_CONFIG_CHANGE: [...API, 3, 'Update'],
  EVENT_DATA_EXPORT: [...API, 99, 'Export'],
  EVENT_RESOURCE_ACCESS: [...API, 2, 'Read'],
  EVENT_CONTEXT_ACCESS: [...API, 2, 'Read'],
  EVENT_GUARDRAIL_CHECK: [...API, 99, 'Guardrail Check'],
  EVENT_MCP_PING: [...API, 2, 'Read'],
  EVENT_TOOL_LIST: [...API, 2, 'Read'],
  EVENT_RESOURCE_LIST: [...API, 2, 'Read'],
  EVENT_PROMPT_LIST: [...API, 2, 'Read'],
  EVENT_RESOURCE_READ: [...API, 2, 'Read'],
  EVENT_TRANSPORT_ERROR: [...NETWORK, 4, 'Fail'],
};

/** `severity_id` of OCSF: Informational 1, Low 2, Medium 3, High 4, Critical 5, Fatal 6. */
const SEVERITY_IDS: Readonly<Record<Severity, number>> = {
  SEVERITY_UNSPECIFIED: 0,
  SEVERITY_DEBUG: 1,
  SEVERITY_INFO: 1,
  SEVERITY_NOTICE: 2,
  SEVERITY_WARNING: 3,
  SEVERITY_ERROR: 4,
  SEVERITY_CRITICAL: 5,
  SEVERITY_ALERT: 5,
  SEVERITY_EMERGENCY: 6,
};

/** The attributes about parties and things that each class of {@link published} has (OCSF 1.3.0). */
const ATTRIBUTES: Readonly<Record<number, readonly string[]>> = {
  1007: ['actor', 'device', 'process'],
  3001: ['actor', 'api', 'src_endpoint', 'user'],
  3002: ['actor', 'api', 'dst_endpoint', 'session', 'src_endpoint', 'user'],
  4001: ['actor', 'dst_endpoint', 'src_endpoint'],
  6003: ['actor', 'api', 'dst_endpoint', 'resources', 'src_endpoint'],
};

/** Keeps only the attributes that the class has: a strict reader refuses an event with any other. */
export function attributesOf(classUid: number, attributes: object): object {
  const known = ATTRIBUTES[classUid] ?? [];
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => known.includes(name)));
}

/** The class and activity as OCSF 1.3.0 publishes them. An unknown event type is API Activity, Other. */
export function published({ event_type: type }: AuditRecord): OcsfKind {
  const row = CORRECTED[type];
  if (row) return { classUid: row[0], className: row[1], activityId: row[2], activityName: row[3] };
  const { ocsf_class_uid: classUid, ocsf_class_name: className, ...activity } = EVENT_TYPES[type] ?? UNKNOWN;
  return {
    classUid,
    className,
    activityId: activity.ocsf_activity_id,
    activityName: activity.ocsf_activity_name,
  };
}

/** The severity in OCSF's own scale. */
export function publishedSeverity(severity: Severity): number {
  return SEVERITY_IDS[severity] ?? 99;
}

const UNKNOWN = {
  ocsf_class_uid: 6003,
  ocsf_class_name: 'API Activity',
  ocsf_activity_id: 99,
  ocsf_activity_name: 'Other',
};
