import type { AuditRecord } from '../schema/record.js';
import {
  EVENT_TYPES,
  OUTCOMES,
  OUTCOMES_0_2,
  SENSITIVITIES,
  SENSITIVITIES_0_2,
  SEVERITIES,
} from '../schema/tables.js';
import { inFixedOrder } from './order.js';
import { fromProfile, toProfile, type Profile, type WireRecord } from './profile.js';
import { toJsonLine } from './line.js';
import { wellFormed } from '../internal/text.js';

/** The published fields of a `LogRequest`, enums as numbers. */
export interface LogFields {
  eventType: number;
  outcome: number;
  severity: number;
  actorId: string;
  component: string;
  environment: string;
  resource: string;
  message: string;
  payload: Uint8Array;
  policyTags: string[];
  sensitivity: number;
  traceId: string;
  spanId: string;
  ocsfClassUid: number;
  ocsfActivityId: number;
  otelOperationName: string;
}

const TEXTS = [
  ['actor_id', 'actorId'],
  ['component', 'component'],
  ['environment', 'environment'],
  ['resource', 'resource'],
  ['message', 'message'],
  ['trace_id', 'traceId'],
  ['span_id', 'spanId'],
  ['otel_operation_name', 'otelOperationName'],
] as const;

const NUMBERS = [
  ['ocsf_class_uid', 'ocsfClassUid'],
  ['ocsf_activity_id', 'ocsfActivityId'],
] as const;

const ENUMS = [
  ['event_type', 'eventType'],
  ['outcome', 'outcome'],
  ['severity', 'severity'],
  ['sensitivity', 'sensitivity'],
] as const;

type EnumKey = (typeof ENUMS)[number][0];
type Numbering = Record<EnumKey, ReadonlyMap<string, number>>;

const events = new Map(Object.entries(EVENT_TYPES).map(([name, { value }]) => [name, value]));
const severities = new Map(Object.entries(SEVERITIES));
const numberings: Record<Profile, Numbering> = {
  documented: {
    event_type: events,
    severity: severities,
    outcome: new Map(Object.entries(OUTCOMES)),
    sensitivity: new Map(Object.entries(SENSITIVITIES)),
  },
  '0.2': {
    event_type: events,
    severity: severities,
    outcome: new Map(Object.entries(OUTCOMES_0_2)),
    sensitivity: new Map(Object.entries(SENSITIVITIES_0_2)),
  },
};

/**
 * The published fields of a record. What they cannot carry goes to `payload` as JSON: every other field, a published one whose
 * value proto3 cannot tell from an absent one (an empty text or list, a zero), and an enum name that has no number (of a newer
 * schema). So decoding always gives back what was encoded.
 */
export function toFields(record: AuditRecord, profile: Profile): LogFields {
  const wire = toProfile(record, profile);
  const fields = emptyFields();
  const carried = new Set<string>();
  for (const [key, field] of TEXTS) {
    const value: unknown = wire[key];
    if (typeof value !== 'string' || value === '') continue;
    fields[field] = wellFormed(value);
    carried.add(key);
  }
  for (const [key, field] of NUMBERS) {
    const value: unknown = wire[key];
    if (!isUint32(value)) continue;
    fields[field] = value;
    carried.add(key);
  }
  for (const [key, field] of ENUMS) {
    const value = numberings[profile][key].get(wire[key]);
    if (value === undefined || value === 0) continue;
    fields[field] = value;
    carried.add(key);
  }
  const tags: unknown = wire.policy_tags;
  if (Array.isArray(tags) && tags.length > 0 && tags.every((tag) => typeof tag === 'string')) {
    fields.policyTags = tags.map(wellFormed);
    carried.add('policy_tags');
  }
  fields.payload = Buffer.from(toJsonLine(without(inFixedOrder(wire), carried)));
  return fields;
}

/**
 * The record that is in published fields and payload.
 *
 * @throws SyntaxError when the payload is not a JSON object.
 */
export function fromFields(fields: LogFields, profile: Profile): AuditRecord {
  const record: Record<string, unknown> = {};
  for (const [key, field] of [...TEXTS, ...NUMBERS]) {
    if (fields[field] !== '' && fields[field] !== 0) record[key] = fields[field];
  }
  for (const [key, field] of ENUMS) {
    if (fields[field] !== 0) record[key] = nameOf(numberings[profile][key], fields[field]);
  }
  if (fields.policyTags.length > 0) record['policy_tags'] = [...fields.policyTags];
  const wire = { ...record, ...payloadOf(fields.payload) } as unknown as WireRecord;
  return fromProfile(inFixedOrder(wire), profile);
}

function without(record: object, keys: ReadonlySet<string>): object {
  const rest: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(record)) if (!keys.has(key)) rest[key] = value;
  return rest;
}

function emptyFields(): LogFields {
  return {
    eventType: 0,
    outcome: 0,
    severity: 0,
    actorId: '',
    component: '',
    environment: '',
    resource: '',
    message: '',
    payload: new Uint8Array(),
    policyTags: [],
    sensitivity: 0,
    traceId: '',
    spanId: '',
    ocsfClassUid: 0,
    ocsfActivityId: 0,
    otelOperationName: '',
  };
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff_ffff;
}

/** The name of an enum's number; a number without a name is kept as it is. */
function nameOf(numbering: ReadonlyMap<string, number>, value: number): string {
  for (const [name, number] of numbering) if (number === value) return name;
  return String(value);
}

function payloadOf(payload: Uint8Array): object {
  if (payload.length === 0) return {};
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The engine's own message would quote the payload, so the error below takes its place.
  }
  throw new SyntaxError('not an audit record: the payload is not a JSON object');
}
