import { expect } from 'chai';
import { decodeLine } from '../../lib/codecs/json.js';
import { ocsfCodec, toOcsf } from '../../lib/codecs/ocsf.js';
import type { AuditRecord } from '../../lib/schema/record.js';
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
