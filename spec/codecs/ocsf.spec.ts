import { expect } from 'chai';
import { decodeLine } from '../../lib/codecs/json.js';
import { ocsfCodec, toOcsf } from '../../lib/codecs/ocsf.js';
import type { AuditRecord, EventType, Severity } from '../../lib/schema/record.js';
import { EVENT_TYPES, SEVERITIES } from '../../lib/schema/tables.js';
import { codecContract } from '../contract/codecContract.js';
import { bareRecord, sampleRecord } from '../support/sampleRecords.js';

for (const strict of [false, true])
  codecContract(strict ? 'ocsf-strict' : 'ocsf', { make: () => ocsfCodec({ strict }) });

/** What OCSF 1.3.0 publishes of each class: the activities, and what is required besides the base event's attributes. */
const CLASSES: Record<number, { activities: number[]; required: string[]; atLeastOne?: string[] }> = {
  1007: { activities: [1, 2, 3, 4, 5], required: ['actor', 'device', 'process'] },
  3001: { activities: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], required: ['user'] },
  3002: { activities: [1, 2, 3, 4, 5, 6], required: ['user'], atLeastOne: ['service', 'dst_endpoint'] },
  3005: { activities: [1, 2], required: ['privileges', 'user'] },
  4001: { activities: [1, 2, 3, 4, 5, 6, 7], required: ['dst_endpoint'] },
  4010: {
    activities: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    required: ['actor', 'file', 'src_endpoint'],
  },
  5001: { activities: [1, 2], required: ['device'] },
  5002: { activities: [1, 2], required: ['device'] },
  6003: { activities: [1, 2, 3, 4], required: ['actor', 'api', 'src_endpoint'] },
};
const BASE = ['activity_id', 'category_uid', 'class_uid', 'type_uid', 'time', 'metadata', 'severity_id'];

type Event = Record<string, never> & { class_uid: number; activity_id: number };

/** A record of an event type, as the pipeline makes it. */
const recordOf = (type: EventType, record = sampleRecord()): AuditRecord => ({
  ...record,
  event_type: type,
  ocsf_class_uid: EVENT_TYPES[type].ocsf_class_uid,
  ocsf_activity_id: EVENT_TYPES[type].ocsf_activity_id,
});
const types = Object.keys(EVENT_TYPES) as EventType[];
const clean = (event: object): Event => JSON.parse(JSON.stringify(event)) as Event;

/** Throws where a class's required attributes, or those of the objects that we fill, are missing. */
function checkRequired(event: Event): void {
  const { required, atLeastOne = [] } = CLASSES[event.class_uid]!;
  expect(event, String(event.class_uid)).to.include.keys([...BASE, ...required]);
  if (atLeastOne.length > 0) expect(event).to.include.any.keys(atLeastOne);
  expect(event['metadata']).to.include.keys('product', 'version');
  expect(event['metadata']).to.have.nested.property('product.vendor_name');
  for (const name of ['api', 'device', 'file', 'process', 'user'] as const) {
    const object = event[name] as object | undefined;
    if (!object) continue;
    const needs = { api: 'operation', device: 'type_id', file: 'type_id', process: 'uid', user: 'uid' }[name];
    expect(object, name).to.have.property(needs);
  }
  for (const name of ['src_endpoint', 'dst_endpoint'])
    if (event[name]) expect(event[name], name).to.include.any.keys('name', 'svc_name', 'uid');
}

describe('OCSF by the schema table', () => {
  it('has what each class requires, for every event type, from a whole and from a bare record', () => {
    for (const type of types)
      for (const record of [sampleRecord(), bareRecord()]) {
        const event = clean(toOcsf(recordOf(type, record)));
        expect(event).to.include({
          class_uid: EVENT_TYPES[type].ocsf_class_uid,
          activity_id: EVENT_TYPES[type].ocsf_activity_id,
        });
        checkRequired(event);
      }
  });

  it('puts each field where the export table says', () => {
    const event = clean(
      toOcsf(sampleRecord(0, { sensitivity: 'SENSITIVITY_RESTRICTED', severity: 'SEVERITY_EMERGENCY' })),
    );
    expect(event).to.deep.include({
      severity_id: 8,
      status_id: 1,
      confidentiality_id: 3,
      class_uid: 6003,
      activity_id: 1,
      type_uid: 600301,
      category_uid: 6,
      time: Date.parse('2026-01-15T09:30:00.125Z'),
      duration: 12,
      message: 'Called tool echo',
      session: { uid: 'session-1' },
    });
    const nested: Record<string, unknown> = {
      'metadata.correlation_uid': '4bf92f3577b34da6a3ce929d0e0e4736',
      'metadata.version': '1.3.0',
      'metadata.product.name': 'otel-mcp-log',
      'metadata.product.feature.name': 'mcp-client',
      'metadata.product.deployment': 'test',
      'actor.user.uid': 'agent-7',
      'actor.user.type': 'agent',
      'dst_endpoint.name': 'tools/echo',
      'api.operation': 'echo',
      'api.request.uid': '3',
    };
    for (const [path, value] of Object.entries(nested)) expect(event).to.have.nested.property(path, value);
  });

  it('tells every outcome by its status', () => {
    const statusOf = (outcome: AuditRecord['outcome']) =>
      clean(toOcsf(sampleRecord(0, { outcome })))['status_id'];
    expect(statusOf('OUTCOME_UNSPECIFIED')).to.equal(0);
    expect(statusOf('OUTCOME_SUCCESS')).to.equal(1);
    expect(statusOf('OUTCOME_FAILURE_DENIED')).to.equal(2);
    expect(statusOf('OUTCOME_FAILURE_UNAUTHORIZED')).to.equal(2);
    expect(statusOf('OUTCOME_FAILURE_ERROR')).to.equal(2);
    expect(statusOf('OUTCOME_PARTIAL')).to.equal(99);
  });

  it('keeps the whole record as raw data', () => {
    expect(decodeLine(clean(toOcsf(sampleRecord()))['raw_data']!)).to.deep.equal(sampleRecord());
  });
});

describe('OCSF as OCSF publishes it', () => {
  const strict = { strict: true };

  it('names only activities and severities that OCSF 1.3.0 has, with what each class requires', () => {
    for (const type of types)
      for (const record of [sampleRecord(), bareRecord()]) {
        const event = clean(toOcsf(recordOf(type, record), strict));
        checkRequired(event);
        expect([0, 99, ...CLASSES[event.class_uid]!.activities], type).to.include(event.activity_id);
        expect(event.class_uid, `${type}: a class with another meaning`).to.be.oneOf([
          1007, 3001, 3002, 4001, 6003,
        ]);
      }
    for (const severity of Object.keys(SEVERITIES) as Severity[])
      expect(clean(toOcsf(sampleRecord(0, { severity }), strict))['severity_id']).to.be.within(0, 6);
  });

  it('has no attribute that the class lacks', () => {
    const event = clean(toOcsf(sampleRecord(), strict));
    expect(event).not.to.have.any.keys('session', 'confidentiality_id', 'device', 'user');
    expect(event).not.to.have.nested.property('metadata.product.deployment');
    expect(event['metadata']).to.deep.include({
      profiles: ['data_classification'],
      labels: ['environment:test', 'soc2', 'pci'],
    });
  });

  it('gives a published consumer of API Activity (the Splunk CIM add-on) every field that it reads', () => {
    const event = clean(toOcsf(recordOf('EVENT_RESOURCE_READ'), strict));
    const reads: Record<string, unknown> = {
      activity_id: 2,
      'dst_endpoint.name': 'tools/echo',
      'resources[0].name': 'tools/echo',
      status: 'OUTCOME_SUCCESS',
      status_id: 1,
      'src_endpoint.name': 'example-client',
      'actor.user.uid': 'agent-7',
      'actor.user.type': 'agent',
      'metadata.product.name': 'otel-mcp-log',
    };
    for (const [path, value] of Object.entries(reads)) expect(event).to.have.nested.property(path, value);
  });
});
