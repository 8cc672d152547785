import { expect } from 'chai';
import { ecsCodec, toEcs } from '../../lib/codecs/ecs.js';
import { decodeLine } from '../../lib/codecs/json.js';
import type { EventType } from '../../lib/schema/record.js';
import { EVENT_TYPES } from '../../lib/schema/tables.js';
import { codecContract } from '../contract/codecContract.js';
import { bareRecord, sampleRecord } from '../support/sampleRecords.js';

codecContract('ecs', { make: () => ecsCodec() });

/** The allowed values of ECS 8.17 (event.category and event.type). */
const CATEGORIES =
  'api authentication configuration database driver email file host iam intrusion_detection library malware network package process registry session threat vulnerability web';
const TYPES =
  'access admin allowed change connection creation deletion denied device end error group indicator info installation protocol start user';

interface EcsEvent {
  event: { category: string[]; type: string[]; original: string };
}
const clean = (document: object): EcsEvent => JSON.parse(JSON.stringify(document)) as EcsEvent;

describe('ECS', () => {
  it('puts each field where the export table says', () => {
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
      'parent.id': '53995c3f42cd8ad8',
      'user.id': 'agent-7',
      'user.roles[0]': 'agent',
      'service.name': 'mcp-client',
      'service.environment': 'test',
      'url.path': 'tools/echo',
      'session.id': 'session-1',
      'client.id': 'example-client',
      'server.id': 'everything',
      'tags[1]': 'pci',
      'agent.name': 'otel-mcp-log',
      'agent.version': '0.1.0',
    };
    for (const [path, value] of Object.entries(nested)) expect(document).to.have.nested.property(path, value);
  });

  it('uses only the categories and types that ECS allows', () => {
    for (const type of Object.keys(EVENT_TYPES) as EventType[]) {
      const { event } = clean(toEcs(sampleRecord(0, { event_type: type })));
      for (const category of event.category) expect(CATEGORIES.split(' ')).to.include(category);
      for (const kind of event.type) expect(TYPES.split(' ')).to.include(kind);
    }
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
    expect(document).not.to.have.any.keys('parent', 'client', 'server', 'organization', 'error', 'tags');
    expect(decodeLine(document.event.original)).to.deep.equal(bareRecord());
  });
});
