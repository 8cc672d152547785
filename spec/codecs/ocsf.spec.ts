import { expect } from 'chai';
import { decodeLine } from '../../lib/codecs/json.js';
import { ocsfCodec, toOcsf } from '../../lib/codecs/ocsf.js';
import type { AuditRecord, EventType } from '../../lib/schema/record.js';
import { codecContract } from '../contract/codecContract.js';
import { sampleRecord } from '../support/sampleRecords.js';

codecContract('ocsf', { make: () => ocsfCodec() });
codecContract('ocsf-1.8', { make: () => ocsfCodec({ version: '1.8.0' }) });

const clean = (event: object): Record<string, never> =>
  JSON.parse(JSON.stringify(event)) as Record<string, never>;

describe('OCSF', () => {
  it('names no version but the one that was asked for', () => {
    for (const version of ['1.3.0', '1.8.0'] as const)
      expect(clean(toOcsf(sampleRecord(), { version }))).to.have.nested.property('metadata.version', version);
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

  it('gives a published consumer of API Activity (the Splunk CIM add-on) every field that it reads', () => {
    const event = clean(toOcsf(sampleRecord(0, { event_type: 'EVENT_RESOURCE_READ' })));
    const reads: Record<string, unknown> = {
      activity_id: 2,
      'dst_endpoint.name': 'tools/echo',
      'resources[0].name': 'tools/echo',
      status: 'Success',
      status_id: 1,
      'src_endpoint.name': 'example-client',
      'actor.user.uid': 'agent-7',
      'actor.user.type': 'agent',
      'metadata.product.name': 'otel-mcp-log',
    };
    for (const [path, value] of Object.entries(reads)) expect(event).to.have.nested.property(path, value);
  });
});

describe('OCSF, class by class', () => {
  const USER = { uid: 'agent-7', type: 'agent' };
  const ADDED: [type: EventType, class_uid: number, object][] = [
    [
      'EVENT_PROCESS_START',
      1007,
      {
        device: {
          type_id: 0,
          type: 'Unknown',
          name: 'mcp-client',
          hostname: 'app-1.example',
          instance_uid: '627cc493-f310-47de-96bd-71410b7dec09',
        },
        process: { uid: 'session-1', name: 'tools/echo', pid: 4711 },
      },
    ],
    ['EVENT_USER_MANAGEMENT', 3001, { user: USER }],
    ['EVENT_LOGIN', 3002, { user: USER }],
    ['EVENT_NETWORK_CONNECTION', 4001, {}],
    ['EVENT_TOOL_INVOCATION', 6003, { resources: [{ name: 'tools/echo' }] }],
  ];

  for (const [event_type, classUid, added] of ADDED)
    it(`adds to class ${classUid} what it requires`, () => {
      const event = clean(toOcsf({ ...sampleRecord(), event_type })) as object;
      expect(event).to.include({ class_uid: classUid, category_uid: Math.floor(classUid / 1000) });
      const parties = Object.entries(event).filter(([name]) =>
        ['device', 'process', 'user', 'privileges', 'file', 'resources'].includes(name),
      );
      expect(Object.fromEntries(parties)).to.deep.equal(added);
    });

  it('takes an outcome of a newer schema for another status', () => {
    expect(
      clean(toOcsf({ ...sampleRecord(), outcome: 'OUTCOME_OF_TOMORROW' as AuditRecord['outcome'] })),
    ).to.include({
      status_id: 99,
    });
  });

  it('has a confidentiality for every sensitivity', () => {
    const ids = (
      ['UNSPECIFIED', 'PUBLIC', 'INTERNAL', 'CONFIDENTIAL', 'RESTRICTED', 'HIGHLY_RESTRICTED'] as const
    ).map((name) => {
      const event = clean(toOcsf({ ...sampleRecord(), sensitivity: `SENSITIVITY_${name}` }));
      return (event as unknown as { metadata: { data_classification: { confidentiality_id: number } } })
        .metadata.data_classification.confidentiality_id;
    });
    expect(ids).to.deep.equal([0, 1, 1, 2, 3, 4]);
  });
});
