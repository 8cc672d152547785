import { expect } from 'chai';
import { ecsCodec, toEcs } from '../../lib/codecs/ecs.js';
import { decodeLine } from '../../lib/codecs/json.js';
import { codecContract } from '../contract/codecContract.js';
import { bareRecord, sampleRecord } from '../support/sampleRecords.js';

codecContract('ecs', { make: () => ecsCodec() });
codecContract('ecs-9', { make: () => ecsCodec({ version: '9.4.0' }) });

interface EcsEvent {
  event: { category: string[]; type: string[]; original: string };
}
const clean = (document: object): EcsEvent => JSON.parse(JSON.stringify(document)) as EcsEvent;

describe('ECS', () => {
  it('puts each field where ECS has one for it', () => {
    const document = clean(toEcs(sampleRecord()));
    const nested: Record<string, unknown> = {
      '@timestamp': '2026-01-15T09:30:00.125Z',
      message: 'Called tool echo',
      'ecs.version': '8.17.0',
      'event.severity': 2,
      'event.outcome': 'success',
      'event.duration': 12_345_000,
      'event.action': 'tools/call',
      'trace.id': '4bf92f3577b34da6a3ce929d0e0e4736',
      'span.id': '00f067aa0ba902b7',
      'labels.parent_span_id': '53995c3f42cd8ad8',
      'user.id': 'agent-7',
      'user.roles[0]': 'agent',
      'service.name': 'mcp-client',
      'service.environment': 'test',
      'url.path': 'tools/echo',
      'labels.session_id': 'session-1',
      'user_agent.name': 'example-client',
      'service.target.name': 'everything',
      'tags[1]': 'pci',
      'agent.name': 'otel-mcp-log',
      'agent.version': '0.1.0',
    };
    for (const [path, value] of Object.entries(nested)) expect(document).to.have.nested.property(path, value);
  });

  it('tells success, failure and neither', () => {
    const outcomeOf = (outcome: Parameters<typeof sampleRecord>[1]) => clean(toEcs(sampleRecord(0, outcome)));
    expect(outcomeOf({ outcome: 'OUTCOME_FAILURE_DENIED' })).to.have.nested.property(
      'event.outcome',
      'failure',
    );
    expect(outcomeOf({ outcome: 'OUTCOME_PARTIAL' })).to.have.nested.property('event.outcome', 'unknown');
    expect(outcomeOf({ outcome: 'OUTCOME_UNSPECIFIED' })).to.have.nested.property('event.outcome', 'unknown');
  });

  it('leaves out what a record does not have, and keeps the whole record as its original', () => {
    const document = clean(toEcs(bareRecord()));
    expect(document).not.to.have.any.keys('user_agent', 'organization', 'error', 'tags');
    expect(decodeLine(document.event.original)).to.deep.equal(bareRecord());
  });
});
