import {
  create,
  fromBinary,
  fromJsonString,
  toBinary,
  toJson,
  type DescMessage,
  type Message,
} from '@bufbuild/protobuf';
import { BinaryReader, sizeDelimitedEncode } from '@bufbuild/protobuf/wire';
import { escapeControls, wellFormed } from '../internal/text.js';
import type { AuditRecord } from '../schema/record.js';
import {
  EVENT_TYPES,
  OUTCOMES,
  OUTCOMES_0_2,
  SENSITIVITIES,
  SENSITIVITIES_0_2,
  SEVERITIES,
} from '../schema/tables.js';
import { textCodec, toJsonLine, type Codec, type TextFraming } from './codec.js';
import { LogRequestSchema as LogRequest02Schema } from './gen/log_0_2_pb.js';
import { LogRequestSchema } from './gen/log_documented_pb.js';
import { inFixedOrder, fromProfile, profileOf, toProfile, type Profile, type WireRecord } from './profile.js';

/** Media type of one serialized `LogRequest`, as Field Notes documents it. */
export const PROTOBUF_TYPE = 'application/x-protobuf';

/** The message of each profile. They differ only in the numbers of two enums. */
const schemas: Record<Profile, DescMessage> = { documented: LogRequestSchema, '0.2': LogRequest02Schema };

/**
 * One serialized `LogRequest` per record. In a batch, each message follows its length as a varint (protobuf's size-delimited
 * framing); the schema publishes no framing for batches.
 */
export function protobufCodec({ profile }: { profile?: Profile } = {}): Codec {
  return {
    name: 'protobuf',
    contentType: PROTOBUF_TYPE,
    batchContentType: `${PROTOBUF_TYPE}; encoding=delimited`,
    encode: (record) => toBinary(...message(record, profile)),
    encodeBatch: (records) =>
      Buffer.concat(records.map((record) => sizeDelimitedEncode(...message(record, profile)))),
  };
}

/**
 * The record that one serialized `LogRequest` holds.
 *
 * @throws SyntaxError when the bytes are not such a message, or its payload is not a JSON object.
 */
export function decodeProtobuf(bytes: Uint8Array, profile?: Profile): AuditRecord {
  // The messages of both profiles have the same fields, so that either reads the numbers.
  return fromFields(fieldsOf(reading(() => fromBinary(schemas[profile ?? 'documented'], bytes))), profile);
}

/** The records of a size-delimited batch, in order. Throws as {@link decodeProtobuf} does. */
export function decodeProtobufBatch(bytes: Uint8Array, profile?: Profile): AuditRecord[] {
  const reader = new BinaryReader(bytes);
  const records: AuditRecord[] = [];
  while (reader.pos < reader.len) {
    const message = reading(() => reader.bytes());
    records.push(decodeProtobuf(message, profile));
  }
  return records;
}

/** One `LogRequest` per record in protobuf's JSON mapping: lowerCamelCase names, enums by name, `payload` in base64. */
export function protojsonCodec({
  profile,
  framing = 'ndjson',
}: { profile?: Profile; framing?: TextFraming } = {}): Codec {
  const line = (record: AuditRecord): string =>
    escapeControls(JSON.stringify(toJson(...message(record, profile))));
  return textCodec('protojson', line, framing);
}

/** The record that one message in protobuf's JSON mapping holds. Throws as {@link decodeProtobuf} does. */
export function decodeProtojson(text: string, profile?: Profile): AuditRecord {
  return fromFields(fieldsOf(readJson(text, profile)), profile);
}

/** Enums are named in this mapping, so that only the message of the record's own profile can read them. */
function readJson(text: string, profile?: Profile): object {
  if (profile !== undefined) return reading(() => fromJsonString(schemas[profile], text));
  try {
    return fromJsonString(schemas.documented, text);
  } catch {
    return reading(() => fromJsonString(schemas['0.2'], text));
  }
}

/** Replaces the library's errors, which quote what they read. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new SyntaxError('not an audit record: the message cannot be read as protobuf');
  }
}

/** A record as a message of its profile, behind the description of that. */
function message(record: AuditRecord, profile: Profile = profileOf(record)): [DescMessage, Message] {
  return [schemas[profile], create(schemas[profile], { ...toFields(record, profile) })];
}

/** A decoded message has the published fields as its own properties, as the generated types say. */
function fieldsOf(decoded: object): LogFields {
  return decoded as LogFields;
}

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
export function toFields(record: AuditRecord, profile: Profile = profileOf(record)): LogFields {
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
export function fromFields(fields: LogFields, given?: Profile): AuditRecord {
  const record: Record<string, unknown> = {};
  const payload = payloadOf(fields.payload);
  const profile = given ?? profileOf(payload);
  for (const [key, field] of [...TEXTS, ...NUMBERS]) {
    if (fields[field] !== '' && fields[field] !== 0) record[key] = fields[field];
  }
  for (const [key, field] of ENUMS) {
    if (fields[field] !== 0) record[key] = nameOf(numberings[profile][key], fields[field]);
  }
  if (fields.policyTags.length > 0) record['policy_tags'] = [...fields.policyTags];
  const wire = { ...record, ...payload } as unknown as WireRecord;
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
