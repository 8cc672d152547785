import type { AuditRecord, Outcome, Sensitivity, EventType, Severity } from '../schema/record.js';
import { EVENT_TYPES } from '../schema/tables.js';
import { textCodec, toJsonLine, type Codec, type TextFraming } from './codec.js';
import { encodeLine } from './json.js';
import { clientOf, peerOf } from './peer.js';
import { fromProfile, toProfile, type Profile } from './profile.js';

/** A published version of the Open Cybersecurity Schema Framework. */
export type OcsfVersion = '1.3.0' | '1.8.0';

/** How a record becomes an OCSF event. */
export interface OcsfOptions {
  profile?: Profile;
  framing?: TextFraming;
  /** @defaultValue `'1.3.0'` */
  version?: OcsfVersion;
}

type Enumerated = readonly [id: number, caption: string];

/** `status_id`. A status that OCSF has no number for is 99, with a caption of our own. */
const STATUS: Readonly<Record<Outcome, Enumerated>> = {
  OUTCOME_UNSPECIFIED: [0, 'Unknown'],
  OUTCOME_SUCCESS: [1, 'Success'],
  OUTCOME_FAILURE_UNAUTHORIZED: [2, 'Failure'],
  OUTCOME_FAILURE_DENIED: [2, 'Failure'],
  OUTCOME_FAILURE_ERROR: [2, 'Failure'],
  OUTCOME_PARTIAL: [99, 'Partial'],
};

/** `severity_id`. */
const SEVERITY: Readonly<Record<Severity, Enumerated>> = {
  SEVERITY_UNSPECIFIED: [0, 'Unknown'],
  SEVERITY_DEBUG: [1, 'Informational'],
  SEVERITY_INFO: [1, 'Informational'],
  SEVERITY_NOTICE: [2, 'Low'],
  SEVERITY_WARNING: [3, 'Medium'],
  SEVERITY_ERROR: [4, 'High'],
  SEVERITY_CRITICAL: [5, 'Critical'],
  SEVERITY_ALERT: [5, 'Critical'],
  SEVERITY_EMERGENCY: [6, 'Fatal'],
};

/** `confidentiality_id`. */
const CONFIDENTIALITY: Readonly<Record<Sensitivity, Enumerated>> = {
  SENSITIVITY_UNSPECIFIED: [0, 'Unknown'],
  SENSITIVITY_PUBLIC: [1, 'Not Confidential'],
  SENSITIVITY_INTERNAL: [1, 'Not Confidential'],
  SENSITIVITY_CONFIDENTIAL: [2, 'Confidential'],
  SENSITIVITY_RESTRICTED: [3, 'Secret'],
  SENSITIVITY_HIGHLY_RESTRICTED: [4, 'Top Secret'],
};

/**
 * A record as an event of a class that OCSF publishes, with what the class requires and no attribute that it lacks. `raw_data`
 * holds the whole record as its JSON line, and `unmapped` the words of the record's own schema for what OCSF has numbers for.
 */
export function toOcsf(given: AuditRecord, { profile, version = '1.3.0' }: OcsfOptions = {}): object {
  const record = fromProfile(given);
  const { outcome, sensitivity } = toProfile(given, profile);
  const { classUid, className, activityId, activityName } = kindOf(record);
  const [statusId, status] = STATUS[record.outcome] ?? OTHER;
  const [severityId, severity] = SEVERITY[record.severity] ?? OTHER;
  const isNew = version === '1.8.0';
  return {
    activity_id: activityId,
    activity_name: activityName,
    category_uid: Math.floor(classUid / 1000),
    class_uid: classUid,
    class_name: className,
    type_uid: classUid * 100 + activityId,
    time: Date.parse(record.time),
    duration: Math.round(record.duration_ms),
    severity_id: severityId,
    severity,
    status_id: statusId,
    status,
    status_code: record.error?.code ?? record.error?.type,
    status_detail: record.error?.message,
    message: record.message,
    metadata: metadataOf(record, classUid, version),
    ...partiesOf(record, classUid),
    ...(isNew && classUid === API[0] && operationOf(record)),
    unmapped: {
      outcome,
      severity: record.severity,
      sensitivity,
      on_behalf_of: record.on_behalf_of,
      authority: record.authority,
      actor_chain: record.actor_chain,
      commitments: record.commitments,
    },
    raw_data: encodeLine(given, profile),
  };
}

/** One OCSF event per record. */
export function ocsfCodec({ framing = 'ndjson', ...options }: OcsfOptions = {}): Codec {
  const line = (record: AuditRecord): string => toJsonLine(toOcsf(record, options));
  return textCodec(options.version === '1.8.0' ? 'ocsf-1.8' : 'ocsf', line, framing);
}

/**
 * `version` is that of OCSF, by which a reader chooses the schema; `log_version` is that of the record's schema. OCSF has no
 * attribute for an environment, so it is a label.
 */
function metadataOf(record: AuditRecord, classUid: number, version: OcsfVersion): object {
  const { product_name, product_version, vendor_name, schema_version } = record.metadata;
  const [confidentiality_id, confidentiality] = CONFIDENTIALITY[record.sensitivity] ?? OTHER;
  const classification = { confidentiality_id, confidentiality };
  const isNew = version === '1.8.0';
  return {
    version,
    log_version: schema_version,
    uid: record.record_id,
    sequence: record.seq,
    log_name: record.log_id,
    correlation_uid: record.trace_id,
    tenant_uid: record.tenant_id,
    event_code: record.event_type,
    labels: [
      `environment:${record.environment}`,
      ...(record.log_epoch === undefined ? [] : [`log_epoch:${record.log_epoch}`]),
      ...(record.policy_tags ?? []),
    ],
    profiles: [
      'data_classification',
      // The class Network Activity has an actor only with this profile.
      ...(classUid === NETWORK[0] ? ['host'] : []),
      ...(containerOf(record) === undefined ? [] : ['container']),
      ...(isNew && classUid === API[0] ? ['ai_operation', 'trace'] : []),
    ],
    ...(isNew ? { data_classifications: [classification] } : { data_classification: classification }),
    product: {
      name: product_name,
      version: product_version,
      vendor_name,
      feature: { name: record.component },
    },
  };
}

/**
 * Who acted, from where, on what: the attributes that the class has. Records of older logs know no host and no process: then the
 * device has the component's name and the process the session's id, where the class requires them.
 */
function partiesOf(record: AuditRecord, classUid: number): object {
  const { mcp, component, resource, server_id } = record;
  const where = record.otel_resource ?? {};
  const { 'process.pid': pid, 'host.name': hostname, 'service.instance.id': instance_uid } = where;
  const session = { uid: record.session_id, issuer: record.authority?.issuer };
  const user = { uid: record.actor_id, type: record.actor_type };
  const actor = { user, session, app_name: component, process: pid === undefined ? undefined : { pid } };
  const from = { hostname, instance_uid, container: containerOf(record) };
  const { src_endpoint, dst_endpoint } = endpointsOf(record, from);
  const service = server_id && { name: server_id, version: record.server_version };
  switch (classUid) {
    case PROCESS[0]:
      return {
        actor,
        device: { type_id: 0, type: 'Unknown', name: component, uid: where['host.id'], ...from },
        process: { uid: record.session_id, name: resource, pid },
      };
    case ACCOUNT[0]:
      return { actor, src_endpoint, user };
    case AUTHENTICATION[0]:
      return { actor, dst_endpoint, service, session, src_endpoint, user };
    case NETWORK[0]:
      return { actor, dst_endpoint, src_endpoint };
    default:
      return {
        actor,
        api: {
          operation: mcp?.tool_name ?? mcp?.method ?? resource,
          service,
          version: mcp?.protocol_version,
          request: mcp?.request_id === undefined ? undefined : { uid: mcp.request_id },
        },
        dst_endpoint,
        resources: [{ name: resource }],
        src_endpoint,
      };
  }
}

/**
 * The client and the server. The record was written at one of these ends.
 *
 * @param from where it was written.
 */
function endpointsOf(
  { mcp, component, resource, client_id, server_id, session_id }: AuditRecord,
  from: object,
): { readonly src_endpoint: object; readonly dst_endpoint: object } {
  if (mcp?.side !== 'server') {
    const { host, ip, port } = peerOf(mcp) ?? {};
    return {
      src_endpoint: { svc_name: component, uid: client_id, name: client_id, ...from },
      dst_endpoint: { name: resource, svc_name: server_id, hostname: host, ip, port },
    };
  }
  const { ip, port, proxy } = clientOf(mcp) ?? {};
  return {
    src_endpoint: {
      uid: client_id ?? session_id,
      name: client_id,
      ip,
      port,
      intermediate_ips: proxy === undefined ? undefined : [proxy],
    },
    dst_endpoint: { name: resource, svc_name: server_id ?? component, ...from },
  };
}

/** The container and the pod that the record was written in. */
function containerOf({ otel_resource: where }: AuditRecord): object | undefined {
  const { 'container.id': uid, 'k8s.container.name': container, 'k8s.pod.name': pod } = where ?? {};
  const name = container ?? pod;
  if (uid === undefined && name === undefined) return undefined;
  return { uid, name, pod_uuid: where?.['k8s.pod.uid'], orchestrator: pod && 'kubernetes' };
}

/** The profiles `ai_operation` and `trace`, which OCSF has had since 1.4: what an agent did, and the span of it. */
function operationOf(record: AuditRecord): object {
  const start = Date.parse(record.time);
  return {
    message_context: {
      ai_role_id: record.mcp?.requested_by === 'server' ? 3 : 4,
      ai_role: record.mcp?.requested_by === 'server' ? 'Tool' : 'Agent',
      application: { name: record.component },
      service: record.server_id && { name: record.server_id, version: record.server_version },
      name: record.mcp?.tool_name ?? record.mcp?.prompt_name,
      uid: record.mcp?.request_id,
    },
    trace: {
      uid: record.trace_id,
      span: {
        uid: record.span_id,
        parent_uid: record.parent_span_id,
        operation: record.mcp?.method,
        start_time: start,
        end_time: start + Math.round(record.duration_ms),
      },
    },
  };
}

/** An OCSF class and activity, with their names. */
interface OcsfKind {
  readonly classUid: number;
  readonly className: string;
  readonly activityId: number;
  readonly activityName: string;
}

const OTHER: Enumerated = [99, 'Unlisted'];
const PROCESS = [1007, 'Process Activity'] as const;
const ACCOUNT = [3001, 'Account Change'] as const;
const AUTHENTICATION = [3002, 'Authentication'] as const;
const NETWORK = [4001, 'Network Activity'] as const;
const API = [6003, 'API Activity'] as const;

type Row = readonly [uid: number, name: string, activityId: number, activityName: string];

/**
 * Event types for which the compliance log schema names a class or an activity that means something else in OCSF, with the nearest
 * one that OCSF publishes (docs/codecs.md lists the differences). In OCSF, 3005 is User Access Management, 5001 Device Inventory
 * Info, 5002 Device Config State, and 4010 is deprecated; reading is activity 2 of API Activity, failing is activity 4 of
 * Network Activity.
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

/** An event type that nobody knows is API Activity, with an activity of its own. */
function kindOf({ event_type: type }: AuditRecord): OcsfKind {
  const row = CORRECTED[type];
  if (row) return { classUid: row[0], className: row[1], activityId: row[2], activityName: row[3] };
  const known = EVENT_TYPES[type];
  if (known === undefined) return { classUid: API[0], className: API[1], activityId: 99, activityName: type };
  return {
    classUid: known.ocsf_class_uid,
    className: known.ocsf_class_name,
    activityId: known.ocsf_activity_id,
    activityName: known.ocsf_activity_name,
  };
}
