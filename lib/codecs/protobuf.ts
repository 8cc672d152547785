import { create, fromBinary, fromJsonString, toBinary, toJson, type DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, sizeDelimitedEncode } from '@bufbuild/protobuf/wire';
import type { AuditRecord } from '../schema/record.js';
import { type Codec, textCodec, type TextFraming } from './codec.js';
import { LogRequestSchema as LogRequest02Schema } from './gen/log_0_2_pb.js';
import { LogRequestSchema } from './gen/log_documented_pb.js';
import { fromFields, toFields, type LogFields } from './message.js';
import type { Profile } from './profile.js';
import { escapeControls } from '../internal/text.js';

/** Media type of one serialized `LogRequest`, as Field Notes documents it. */
export const PROTOBUF_TYPE = 'application/x-protobuf';

/** The message of each profile. They differ only in the numbers of two enums. */
const schemas: Record<Profile, DescMessage> = { documented: LogRequestSchema, '0.2': LogRequest02Schema };

/**
 * One serialized `LogRequest` per record. In a batch, each message follows its length as a varint (protobuf's size-delimited
 * framing); the schema publishes no framing for batches.
 */
export function protobufCodec({ profile = 'documented' }: { profile?: Profile } = {}): Codec {
  const schema = schemas[profile];
  return {
    name: 'protobuf',
    contentType: PROTOBUF_TYPE,
    batchContentType: `${PROTOBUF_TYPE}; encoding=delimited`,
    encode: (record) => toBinary(schema, message(record, profile)),
    encodeBatch: (records) =>
      Buffer.concat(records.map((record) => sizeDelimitedEncode(schema, message(record, profile)))),
  };
}

/**
 * The record that one serialized `LogRequest` holds.
 *
 * @throws SyntaxError when the bytes are not such a message, or its payload is not a JSON object.
 */
export function decodeProtobuf(bytes: Uint8Array, profile: Profile = 'documented'): AuditRecord {
  return fromFields(fieldsOf(reading(() => fromBinary(schemas[profile], bytes))), profile);
}

/** The records of a size-delimited batch, in order. Throws as {@link decodeProtobuf} does. */
export function decodeProtobufBatch(bytes: Uint8Array, profile: Profile = 'documented'): AuditRecord[] {
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
  profile = 'documented',
  framing = 'ndjson',
}: { profile?: Profile; framing?: TextFraming } = {}): Codec {
  const schema = schemas[profile];
  const line = (record: AuditRecord): string =>
    escapeControls(JSON.stringify(toJson(schema, message(record, profile))));
  return textCodec('protojson', line, framing);
}

/** The record that one message in protobuf's JSON mapping holds. Throws as {@link decodeProtobuf} does. */
export function decodeProtojson(text: string, profile: Profile = 'documented'): AuditRecord {
  return fromFields(fieldsOf(reading(() => fromJsonString(schemas[profile], text))), profile);
}

/** Replaces the library's errors, which quote what they read. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new SyntaxError('not an audit record: the message cannot be read as protobuf');
  }
}

function message(record: AuditRecord, profile: Profile) {
  return create(schemas[profile], { ...toFields(record, profile) });
}

/** A decoded message has the published fields as its own properties, as the generated types say. */
function fieldsOf(decoded: object): LogFields {
  return decoded as LogFields;
}
