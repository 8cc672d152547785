import { expect } from 'chai';
import { fromFields, toFields, type LogFields } from '../../lib/codecs/protobuf.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import {
  EVENT_TYPES,
  OUTCOMES,
  OUTCOMES_0_2,
  SENSITIVITIES,
  SENSITIVITIES_0_2,
  SEVERITIES,
} from '../../lib/schema/tables.js';
import { sampleRecord } from '../support/sampleRecords.js';

const payloadOf = ({ payload }: LogFields): Record<string, unknown> =>
  JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
const fieldsOf = (changes: object) =>
  toFields({ ...sampleRecord(), ...changes } as AuditRecord, 'documented');

describe('the published fields of a record', () => {
  it('carry what they can, and the payload carries the rest', () => {
    const record = sampleRecord();
    const { payload, ...fields } = toFields(record, 'documented');
    expect(fields).to.deep.equal({
      eventType: EVENT_TYPES.EVENT_TOOL_INVOCATION.value,
      outcome: OUTCOMES.OUTCOME_SUCCESS,
      severity: SEVERITIES.SEVERITY_INFO,
      sensitivity: SENSITIVITIES.SENSITIVITY_INTERNAL,
      actorId: 'agent-7',
      component: 'mcp-client',
      environment: 'test',
      resource: 'tools/echo',
      message: 'Called tool echo',
      policyTags: ['soc2', 'pci'],
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      ocsfClassUid: 6003,
      ocsfActivityId: 1,
      otelOperationName: 'execute_tool',
    });
    const carried =
      'event_type outcome severity sensitivity actor_id component environment resource message policy_tags trace_id span_id ocsf_class_uid ocsf_activity_id otel_operation_name';
    const rest = Object.entries(record).filter(([key]) => !carried.split(' ').includes(key));
    expect(JSON.parse(Buffer.from(payload).toString())).to.deep.equal(Object.fromEntries(rest));
  });

  it('are numbered by the profile', () => {
    const record = sampleRecord(0, { outcome: 'OUTCOME_PARTIAL', sensitivity: 'SENSITIVITY_RESTRICTED' });
    expect(toFields(record, 'documented')).to.include({
      outcome: OUTCOMES.OUTCOME_PARTIAL,
      sensitivity: SENSITIVITIES.SENSITIVITY_RESTRICTED,
    });
    expect(toFields(record, '0.2')).to.include({
      outcome: OUTCOMES_0_2.OUTCOME_OTHER,
      sensitivity: SENSITIVITIES_0_2.SENSITIVITY_SECRET,
    });
  });

  for (const [what, changes, field, absent] of [
    ['an empty text', { actor_id: '' }, 'actorId', ''],
    ['a text that is none', { message: 5 }, 'message', ''],
    ['a zero', { ocsf_class_uid: 0 }, 'ocsfClassUid', 0],
    ['a negative number', { ocsf_class_uid: -1 }, 'ocsfClassUid', 0],
    ['a fraction', { ocsf_activity_id: 1.5 }, 'ocsfActivityId', 0],
    ['a number above 32 bits', { ocsf_class_uid: 2 ** 32 }, 'ocsfClassUid', 0],
    ['a number that is a text', { ocsf_class_uid: '6003' }, 'ocsfClassUid', 0],
    ['the zero of an enum', { outcome: 'OUTCOME_UNSPECIFIED' }, 'outcome', 0],
    ['a name of a newer schema', { severity: 'SEVERITY_OF_TOMORROW' }, 'severity', 0],
  ] as const)
    it(`leave ${what} to the payload`, () => {
      const fields = fieldsOf(changes);
      expect(fields[field]).to.equal(absent);
      expect(payloadOf(fields)).to.deep.include(changes);
      expect(fromFields(fields, 'documented')).to.deep.equal({ ...sampleRecord(), ...changes });
    });

  for (const [what, tags] of [
    ['no tag', []],
    ['tags that are no texts', ['a', 1]],
    ['a tag that is no list', 'soc2'],
  ] as const)
    it(`leave ${what} to the payload`, () => {
      const fields = fieldsOf({ policy_tags: tags });
      expect(fields.policyTags).to.deep.equal([]);
      expect(payloadOf(fields)).to.deep.include({ policy_tags: tags });
    });

  it('carry the largest number of 32 bits', () => {
    expect(fieldsOf({ ocsf_class_uid: 2 ** 32 - 1 })).to.include({ ocsfClassUid: 2 ** 32 - 1 });
    expect(fieldsOf({ ocsf_class_uid: 1 })).to.include({ ocsfClassUid: 1 });
  });

  it('are well-formed', () => {
    const fields = fieldsOf({ message: 'a\ud800', policy_tags: ['b\udc00'] });
    expect(fields.message).to.equal('a\ufffd');
    expect(fields.policyTags).to.deep.equal(['b\ufffd']);
  });
});

describe('a record from its published fields', () => {
  const EMPTY: LogFields = {
    ...{ eventType: 0, outcome: 0, severity: 0, sensitivity: 0, ocsfClassUid: 0, ocsfActivityId: 0 },
    ...{ actorId: '', component: '', environment: '', resource: '', message: '', traceId: '', spanId: '' },
    ...{ otelOperationName: '', policyTags: [], payload: new Uint8Array() },
  };
  const bytes = (text: string) => new Uint8Array(Buffer.from(text));

  it('has no field for what is absent', () => {
    const record = fromFields(EMPTY, 'documented');
    expect(JSON.parse(JSON.stringify(record))).to.deep.equal({});
  });

  it('shows a number that no table holds', () => {
    expect(fromFields({ ...EMPTY, eventType: 9_999, outcome: 77 }, 'documented')).to.include({
      event_type: '9999',
      outcome: '77',
    });
  });

  it('has its fields in order', () => {
    const record = fromFields(
      { ...EMPTY, message: 'm', actorId: 'a', payload: bytes('{"seq":1,"record_id":"r"}') },
      'documented',
    );
    const keys = Object.keys(JSON.parse(JSON.stringify(record)) as object);
    expect(keys).to.deep.equal(['record_id', 'seq', 'actor_id', 'message']);
  });

  for (const payload of ['[1]', 'null', '"text"', '5', '{"a":', '\u00ff'])
    it(`refuses the payload ${JSON.stringify(payload)} without quoting it`, () => {
      const raw = payload === '\u00ff' ? new Uint8Array([0xff]) : bytes(payload);
      expect(() => fromFields({ ...EMPTY, payload: raw }, 'documented')).to.throw(
        SyntaxError,
        /^not an audit record: the payload is not a JSON object$/,
      );
    });
});
