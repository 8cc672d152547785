import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire';
import { expect } from 'chai';
import { encodeLine } from '../../lib/codecs/json.js';
import { LogRequestSchema } from '../../lib/codecs/gen/log_documented_pb.js';
import {
  decodeProtobuf,
  decodeProtobufBatch,
  decodeProtojson,
  protobufCodec,
  protojsonCodec,
} from '../../lib/codecs/protobuf.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { codecContract } from '../contract/codecContract.js';
import { sampleRecord, sampleRecords } from '../support/sampleRecords.js';

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

for (const profile of ['documented', '0.2'] as const) {
  codecContract(`protobuf (${profile})`, {
    make: () => protobufCodec({ profile }),
    decode: (bytes) => decodeProtobuf(bytes, profile),
    decodeBatch: (bytes) => decodeProtobufBatch(bytes, profile),
    text: false,
  });
  codecContract(`protojson (${profile})`, {
    make: () => protojsonCodec({ profile }),
    decode: (bytes) => decodeProtojson(text(bytes), profile),
    decodeBatch: (bytes) =>
      text(bytes)
        .split('\n')
        .slice(0, -1)
        .map((line) => decodeProtojson(line, profile)),
  });
}

/** The field numbers and wire types of a message, read without any schema. */
function wireFields(bytes: Uint8Array): number[] {
  const reader = new BinaryReader(bytes);
  const numbers = new Set<number>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    reader.skip(type as WireType, number);
    numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

describe('the protobuf message', () => {
  it('uses the published field numbers and no others', () => {
    const published = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 20, 21, 22];
    expect(wireFields(protobufCodec().encode(sampleRecord()))).to.deep.equal(published);
  });

  it('numbers outcome and sensitivity as each profile does', () => {
    const record = sampleRecord(0, { outcome: 'OUTCOME_PARTIAL', sensitivity: 'SENSITIVITY_INTERNAL' });
    const numbers = (profile: 'documented' | '0.2'): number[] => {
      const { outcome, sensitivity } = fromBinary(
        LogRequestSchema,
        protobufCodec({ profile }).encode(record),
      );
      return [outcome, sensitivity];
    };
    expect(numbers('documented')).to.deep.equal([5, 2]);
    expect(numbers('0.2')).to.deep.equal([99, 10]);
  });

  it('carries in payload what has no published field, once', () => {
    const { payload } = fromBinary(LogRequestSchema, protobufCodec().encode(sampleRecord()));
    const rest = JSON.parse(text(payload)) as Record<string, unknown>;
    expect(rest).to.include({ duration_ms: 12.345, seq: 0, session_id: 'session-1' });
    expect(rest).not.to.have.any.keys('resource', 'trace_id', 'policy_tags', 'event_type', 'ocsf_class_uid');
  });

  it('brings back what proto3 cannot tell from absent, and names that it cannot number', () => {
    const odd = sampleRecord(0, {
      policy_tags: [],
      message: '',
      ocsf_class_uid: 0,
      event_type: 'EVENT_NEWER' as never,
    });
    expect(decodeProtobuf(protobufCodec().encode(odd))).to.deep.equal(odd);
  });

  it('agrees with JSON on lone surrogates', () => {
    const record = sampleRecord(0, { message: 'x\ud83dy', data: { '\ude00': '\ud800' } });
    const fromJson = JSON.parse(encodeLine(record)) as AuditRecord;
    expect(decodeProtobuf(protobufCodec().encode(record))).to.deep.equal(fromJson);
    expect(decodeProtojson(text(protojsonCodec().encode(record)))).to.deep.equal(fromJson);
  });

  it('re-encodes to the very line it came from', () => {
    for (const record of sampleRecords())
      expect(encodeLine(decodeProtobuf(protobufCodec().encode(record)))).to.equal(encodeLine(record));
  });

  it('refuses bytes that are no record, without quoting them', () => {
    expect(() => decodeProtobuf(Uint8Array.of(0xff, 0xff))).to.throw(Error);
    const bad = Uint8Array.of(0x4a, 7, ...Buffer.from('hunter2'));
    expect(() => decodeProtobuf(bad)).to.throw(
      SyntaxError,
      /^not an audit record: the payload is not a JSON object$/,
    );
  });
});

describe('protojson', () => {
  it('has the names of the JSON mapping and payload in base64', () => {
    const message = JSON.parse(text(protojsonCodec().encode(sampleRecord()))) as Record<string, unknown>;
    expect(message).to.include({
      eventType: 'EVENT_TOOL_INVOCATION',
      ocsfClassUid: 6003,
      outcome: 'OUTCOME_SUCCESS',
    });
    const payload = Buffer.from(message['payload'] as string, 'base64').toString();
    expect(JSON.parse(payload)).to.include({ seq: 0 });
  });
});

describe('the generated protobuf code', () => {
  it('is what the schema facts and the generator give', () => {
    const script = fileURLToPath(new URL('../../scripts/generate-proto.mjs', import.meta.url));
    execFileSync(process.execPath, [script, '--check']);
  });
});

describe('what is no message', () => {
  const garbage = new Uint8Array([0xff, 0xff, 0xff]);
  const refused = /^not an audit record: the message cannot be read as protobuf$/;

  it('is refused by the decoders of one message, of a batch and of its JSON mapping, and not quoted', () => {
    expect(() => decodeProtobuf(garbage)).to.throw(SyntaxError, refused);
    expect(() => decodeProtobufBatch(garbage)).to.throw(SyntaxError, refused);
    expect(() => decodeProtojson('{"actorId": hunter2')).to.throw(SyntaxError, refused);
  });

  it('is told from a batch by its framing', () => {
    const records = [sampleRecord(1), sampleRecord(2), sampleRecord(3)];
    const batch = protobufCodec().encodeBatch(records);
    expect(decodeProtobufBatch(batch)).to.deep.equal(records);
    expect(() => decodeProtobufBatch(batch.subarray(0, -1))).to.throw(SyntaxError, refused);
    expect(decodeProtobufBatch(new Uint8Array())).to.deep.equal([]);
  });
});
