import type { AuditRecord, EventType, Severity } from '../schema/record.js';
import { EVENT_TYPES } from '../schema/tables.js';

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
 * Event types for which the compliance log schema names a class or an activity that OCSF 1.3.0 gives another meaning
 * (3005 is User Access Management there, 5001 Device Inventory Info, 5002 Device Config State, 4010 is deprecated; reading
 * is activity 2 of API Activity, failing is activity 4 of Network Activity), with the nearest that OCSF does define.
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

/** Which of the attributes about parties and things the classes of {@link published} have (OCSF 1.3.0). */
const ATTRIBUTES: Readonly<Record<number, readonly string[]>> = {
  1007: ['actor', 'device', 'process'],
  3001: ['actor', 'api', 'src_endpoint', 'user'],
  3002: ['actor', 'api', 'dst_endpoint', 'session', 'src_endpoint', 'user'],
  4001: ['actor', 'dst_endpoint', 'src_endpoint'],
  6003: ['actor', 'api', 'dst_endpoint', 'resources', 'src_endpoint'],
};

/** Of these attributes, those that the class has: a strict reader refuses an event with any other. */
export function attributesOf(classUid: number, attributes: object): object {
  const known = ATTRIBUTES[classUid] ?? [];
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => known.includes(name)));
}

/** The class and activity as OCSF 1.3.0 publishes them; an event type that is not known is an API activity, Other. */
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
