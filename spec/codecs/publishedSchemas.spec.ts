import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { expect } from 'chai';
import { ecsCodec } from '../../lib/codecs/ecs.js';
import { ocsfCodec } from '../../lib/codecs/ocsf.js';
import type { AuditRecord, EventType, Outcome, Sensitivity, Severity } from '../../lib/schema/record.js';
import { EVENT_TYPES, OUTCOMES, SENSITIVITIES, SEVERITIES } from '../../lib/schema/tables.js';
import { bareRecord, sampleRecord } from '../support/sampleRecords.js';

interface Definition {
  readonly atLeastOne?: readonly string[];
  /** `name!-[]:type@profile`; what each sign means stands in the file. */
  readonly attributes: readonly string[];
}
interface OcsfSchema {
  readonly profiles: readonly string[];
  readonly classes: Readonly<
    Record<string, Definition & { caption: string; category: number; activities: Record<string, string> }>
  >;
  readonly objects: Readonly<Record<string, Definition>>;
  readonly captions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
interface EcsSchema {
  readonly fields: readonly string[];
  readonly outcomes: readonly string[];
  readonly kinds: readonly string[];
  readonly typesOfCategory: Readonly<Record<string, readonly string[]>>;
}
type Json = Record<string, unknown>;

const schema = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`schemas/${name}.json`, import.meta.url), 'utf8')) as T;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/** What is wrong with a value by a definition of OCSF. */
function* faultsBy(
  { objects, captions }: OcsfSchema,
  { attributes, atLeastOne = [] }: Definition,
  value: Json,
  profiles: ReadonlySet<unknown>,
  path: string,
): Generator<string> {
  const known = new Map(
    attributes.flatMap((each) => {
      const [, name = '', signs = '', type = '', profile] =
        /^(\w+)([!-]*(?:\[\])?):(\w+)(?:@(\w+))?$/.exec(each) ?? [];
      return profile === undefined || profiles.has(profile) ? [[name, { signs, type }] as const] : [];
    }),
  );
  for (const [name, { signs }] of known)
    if (signs.includes('!') && value[name] === undefined) yield `${path}${name} is missing`;
  if (atLeastOne.length > 0 && !atLeastOne.some((name) => name in value))
    yield `${path}: none of ${atLeastOne.join()}`;
  for (const [name, found] of Object.entries(value)) {
    const at = `${path}${name}`;
    const attribute = known.get(name);
    if (attribute === undefined) {
      yield `${at} is unknown`;
      continue;
    }
    const { signs, type } = attribute;
    if (signs.includes('-')) yield `${at} is deprecated`;
    if (signs.includes('[]') !== Array.isArray(found)) yield `${at}: an array, or none`;
    for (const each of [found].flat()) {
      const definition = objects[type];
      if (definition !== undefined && isObject(each))
        yield* faultsBy({ objects, captions } as OcsfSchema, definition, each, profiles, `${at}.`);
      else if (!isOfType(each, type)) yield `${at}: ${String(each)} is no ${type}`;
    }
    const words = captions[name];
    if (words === undefined || name === 'type_id') continue;
    const caption = value[name.replace(/_id$/, '')];
    if (!(String(found) in words)) yield `${at}: ${String(found)}`;
    else if ((found === 99) === (caption === words[String(found)])) yield `${at}: ${String(caption)}`;
  }
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'string_t') return typeof value === 'string' && value.length <= 65_535;
  if (type === 'integer_t' || type === 'long_t') return Number.isSafeInteger(value);
  if (type === 'object') return isObject(value);
  return false;
}

function ocsfFaults(published: OcsfSchema, event: Json): string[] {
  const definition = published.classes[String(event['class_uid'])];
  if (definition === undefined) return [`class ${String(event['class_uid'])}`];
  const { profiles = [] } = event['metadata'] as { profiles?: string[] };
  const faults = profiles.filter((name) => !published.profiles.includes(name));
  const activity = Number(event['activity_id']);
  const caption = definition.activities[String(activity)];
  if (event['class_name'] !== definition.caption) faults.push('class_name');
  if (event['category_uid'] !== definition.category) faults.push('category_uid');
  if (event['type_uid'] !== Number(event['class_uid']) * 100 + activity) faults.push('type_uid');
  if (caption === undefined || (activity === 99) === (event['activity_name'] === caption))
    faults.push(`activity ${activity}: ${String(event['activity_name'])}`);
  return [...faults, ...faultsBy(published, definition, event, new Set(profiles), '')];
}

function ecsFaults({ fields, outcomes, kinds, typesOfCategory }: EcsSchema, document: Json): string[] {
  const known = new Map(
    fields.map((each) => {
      const [, name = '', array = '', type = ''] = /^([^:[]+)(\[\])?:(\w+)$/.exec(each) ?? [];
      return [name, { isArray: array !== '', type }] as const;
    }),
  );
  const faults: string[] = [];
  const look = (value: Json, path: string): void => {
    for (const [name, found] of Object.entries(value)) {
      const at = `${path}${name}`;
      const field = known.get(at);
      if (field?.type === 'object') continue;
      if (field === undefined && isObject(found) && !Array.isArray(found)) look(found, `${at}.`);
      else if (field === undefined) faults.push(`${at} is unknown`);
      else if (field.isArray !== Array.isArray(found)) faults.push(`${at}: an array, or none`);
      else if ([found].flat().some((each) => !isOfField(each, field.type)))
        faults.push(`${at}: ${field.type}`);
    }
  };
  look(document, '');
  const event = document['event'] as { kind: string; outcome: string; category: string[]; type: string[] };
  if (!kinds.includes(event.kind)) faults.push(event.kind);
  if (!outcomes.includes(event.outcome)) faults.push(event.outcome);
  for (const category of event.category)
    for (const type of event.type)
      if (typesOfCategory[category]?.includes(type) !== true) faults.push(`${category}: ${type}`);
  return faults;
}

function isOfField(value: unknown, type: string): boolean {
  if (type === 'long') return Number.isSafeInteger(value);
  if (type === 'ip') return typeof value === 'string' && isIP(value) !== 0;
  if (type === 'date') return typeof value === 'string' && !Number.isNaN(Date.parse(value));
  return typeof value === 'string';
}

/** With all that can be known of where it was written, of the other end, and of on whose behalf. */
const IN_A_POD = sampleRecord(1, {
  otel_resource: {
    ...sampleRecord().otel_resource,
    'service.version': '1.14.2',
    'host.id': 'ec2f9c4b3a1d4e6f8a9b0c1d2e3f4a5b',
    'container.id': 'a3bf90e006b2d4e1f6c7a8b9c0d1e2f3a4b5c6d7e8f90123456789abcdef0123',
    'k8s.cluster.name': 'prod-eu',
    'k8s.namespace.name': 'payments',
    'k8s.pod.name': 'billing-agent-7c9f6d5b8d-x2k4q',
    'k8s.pod.uid': '2f1c0f5e-6f1d-4a57-9f0b-1d3a5c7e9b11',
    'k8s.container.name': 'agent',
    'cloud.region': 'eu-central-1',
  },
  on_behalf_of: 'ada@example.com',
  authority: { type: 'token', id: 'grant-1', issuer: 'https://issuer.example' },
  actor_chain: [
    { id: 'sub-agent', identity: 'self-reported', source: 'caller' },
    { id: 'agent-7', type: 'agent', identity: 'self-reported', source: 'program' },
    {
      ...{ id: 'ada@example.com', type: 'user', identity: 'verified' },
      ...{ issuer: 'https://issuer.example', source: 'token' },
    },
  ],
  mcp: {
    ...sampleRecord().mcp!,
    server_address: 'https://mcp.example.com/mcp',
    peer_address: '2001:db8::7',
    peer_port: 443,
  },
});

/** Of a server, whose client is behind a proxy, and of one whose client has neither a name nor an address. */
const SERVED = sampleRecord(2, {
  mcp: {
    ...sampleRecord().mcp!,
    side: 'server',
    client_address: '203.0.113.9',
    peer_address: '10.0.0.1',
    peer_port: 41_234,
    http_method: 'POST',
    http_path: '/mcp',
    http_status: 401,
    http_headers: { 'user-agent': 'agent/1' },
  },
});
const { client_id: _client, ...NAMELESS } = sampleRecord(3, { mcp: { method: 'ping', side: 'server' } });

/** Records of every type, outcome, severity and sensitivity; with all that a record can hold, and with nothing more than it must. */
const records: AuditRecord[] = [sampleRecord(), IN_A_POD, SERVED, NAMELESS, bareRecord()].flatMap(
  (record) => [
    ...(Object.keys(EVENT_TYPES) as EventType[]).map((event_type) => ({ ...record, event_type })),
    ...(Object.keys(OUTCOMES) as Outcome[]).map((outcome) => ({ ...record, outcome })),
    ...(Object.keys(SEVERITIES) as Severity[]).map((severity) => ({ ...record, severity })),
    ...(Object.keys(SENSITIVITIES) as Sensitivity[]).map((sensitivity) => ({ ...record, sensitivity })),
    { ...record, error: { type: 'timeout' } },
    { ...record, event_type: 'EVENT_OF_TOMORROW' as EventType, outcome: 'OUTCOME_OF_TOMORROW' as Outcome },
  ],
);

describe('the schemas that others publish', () => {
  for (const version of ['1.3.0', '1.8.0'] as const) {
    const published = schema<OcsfSchema>(`ocsf-${version}`);
    const eventOf = (record: AuditRecord) =>
      JSON.parse(Buffer.from(ocsfCodec({ version }).encode(record)).toString()) as Json;

    it(`take every record as an event of OCSF ${version}, without an error or a warning`, () => {
      for (const record of records)
        expect(ocsfFaults(published, eventOf(record)), JSON.stringify(record)).to.deep.equal([]);
    });

    it(`show what is no event of OCSF ${version}`, () => {
      const event = eventOf(sampleRecord());
      const metadata = event['metadata'] as Json;
      for (const [changed, fault] of [
        [{ ...event, class_uid: 3005 }, 'class 3005'],
        [{ ...event, activity_id: 7 }, 'type_uid'],
        [{ ...event, session: {} }, 'session is unknown'],
        [{ ...event, severity: 'SEVERITY_INFO' }, 'severity_id: SEVERITY_INFO'],
        [{ ...event, api: {} }, 'api.operation is missing'],
        [{ ...event, time: '2026' }, 'time: 2026 is no long_t'],
        [{ ...event, metadata: { ...metadata, labels: 'a' } }, 'metadata.labels: an array, or none'],
      ] as const)
        expect(ocsfFaults(published, changed)).to.include(fault);
    });
  }

  it('tell the client of a server from the server', () => {
    const decoded = (codec: ReturnType<typeof ocsfCodec>, record: AuditRecord) =>
      JSON.parse(Buffer.from(codec.encode(record)).toString()) as Json;
    const event = decoded(ocsfCodec(), SERVED);
    expect(event['src_endpoint']).to.deep.equal({
      ...{ uid: 'example-client', name: 'example-client', ip: '203.0.113.9', intermediate_ips: ['10.0.0.1'] },
    });
    expect(event['dst_endpoint']).to.include({ svc_name: 'everything', hostname: 'app-1.example' });
    const document = decoded(ecsCodec(), SERVED);
    expect(document['client']).to.deep.equal({ address: '203.0.113.9', ip: '203.0.113.9' });
    expect(document['related']).to.deep.equal({ ip: ['203.0.113.9', '10.0.0.1'] });
    expect(document).not.to.have.property('destination');
    const direct = {
      ...SERVED,
      mcp: { ...SERVED.mcp!, client_address: 'fe80::1%eth0', peer_address: 'fe80::1%eth0' },
    };
    expect(decoded(ecsCodec(), direct)['client']).to.deep.equal({ address: 'fe80::1%eth0', port: 41_234 });
  });

  it('know the profile of agents from OCSF 1.8 on', () => {
    const event = JSON.parse(
      Buffer.from(ocsfCodec({ version: '1.8.0' }).encode(sampleRecord())).toString(),
    ) as Json;
    expect(event).to.have.nested.property('metadata.profiles').that.includes('ai_operation');
    expect(event).to.have.nested.property('message_context.ai_role', 'Agent');
    expect(event).to.have.nested.property('trace.span.uid', sampleRecord().span_id);
  });

  for (const version of ['8.17.0', '9.4.0'] as const) {
    const published = schema<EcsSchema>(`ecs-${version}`);
    const documentOf = (record: AuditRecord) =>
      JSON.parse(Buffer.from(ecsCodec({ version }).encode(record)).toString()) as Json & { event: Json };

    it(`take every record as a document of ECS ${version}`, () => {
      // Of a type that no table has, nobody can tell the category.
      for (const record of records.filter(({ event_type: type }) => type in EVENT_TYPES))
        expect(ecsFaults(published, documentOf(record)), JSON.stringify(record)).to.deep.equal([]);
    });

    it(`show what is no document of ECS ${version}`, () => {
      const document = documentOf(sampleRecord());
      for (const [changed, fault] of [
        [{ ...document, session: { id: 'a' } }, 'session.id is unknown'],
        [{ ...document, tags: 'a' }, 'tags: an array, or none'],
        [{ ...document, event: { ...document.event, duration: 0.5 } }, 'event.duration: long'],
        [{ ...document, event: { ...document.event, type: ['error'] } }, 'api: error'],
      ] as const)
        expect(ecsFaults(published, changed)).to.include(fault);
    });
  }
});
