import { expect } from 'chai';
import { ecsCodec, toEcs } from '../../lib/codecs/ecs.js';
import { ocsfCodec, toOcsf } from '../../lib/codecs/ocsf.js';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord, EventType, Severity } from '../../lib/schema/record.js';
import { bareRecord, sampleRecord } from '../support/sampleRecords.js';

/** A record in which every field that is exported says something of its own. */
const record = sampleRecord(7, {
  outcome: 'OUTCOME_FAILURE_DENIED',
  severity: 'SEVERITY_WARNING',
  sensitivity: 'SENSITIVITY_CONFIDENTIAL',
  error: { type: 'denied', code: '-32000', message: 'no' },
});
/** What stands on the wire: without what is undefined. */
const wire = (document: object): unknown => JSON.parse(JSON.stringify(document));

const FROM = { hostname: 'app-1.example', instance_uid: '627cc493-f310-47de-96bd-71410b7dec09' };
const PARTIES = {
  actor: {
    user: { uid: 'agent-7', type: 'agent' },
    session: { uid: 'session-1' },
    app_name: 'mcp-client',
    process: { pid: 4711 },
  },
  src_endpoint: { svc_name: 'mcp-client', uid: 'example-client', name: 'example-client', ...FROM },
  dst_endpoint: { name: 'tools/echo', svc_name: 'everything' },
  api: {
    operation: 'echo',
    service: { name: 'everything', version: '2.0.0' },
    version: '2025-06-18',
    request: { uid: '3' },
  },
  resources: [{ name: 'tools/echo' }],
};
const PRODUCT = {
  name: 'otel-mcp-log',
  version: '0.1.0',
  vendor_name: 'otel-mcp-log',
  feature: { name: 'mcp-client' },
};
const METADATA = {
  version: '1.3.0',
  log_version: '1.0.0',
  uid: '01932c5e-7a00-7000-8000-000000000007',
  sequence: 7,
  log_name: '01932c5e-7a00-7000-8000-00000000000f',
  correlation_uid: '4bf92f3577b34da6a3ce929d0e0e4736',
  tenant_uid: 'tenant-a',
  event_code: 'EVENT_TOOL_INVOCATION',
};
const EVENT = {
  activity_id: 1,
  activity_name: 'Create',
  category_uid: 6,
  class_uid: 6003,
  class_name: 'API Activity',
  type_uid: 600301,
  time: Date.UTC(2026, 0, 15, 9, 30, 0, 125),
  duration: 12,
  severity_id: 3,
  severity: 'Medium',
  status_id: 2,
  status: 'Failure',
  status_code: '-32000',
  status_detail: 'no',
  message: 'Called tool echo',
  unmapped: {
    outcome: 'OUTCOME_FAILURE_DENIED',
    severity: 'SEVERITY_WARNING',
    sensitivity: 'SENSITIVITY_CONFIDENTIAL',
  },
  raw_data: encodeLine(record),
};

describe('the whole document of a record', () => {
  it('is an OCSF event', () => {
    expect(wire(toOcsf(record))).to.deep.equal({
      ...EVENT,
      ...PARTIES,
      metadata: {
        ...METADATA,
        labels: ['environment:test', 'log_epoch:0', 'soc2', 'pci'],
        profiles: ['data_classification'],
        data_classification: { confidentiality_id: 2, confidentiality: 'Confidential' },
        product: PRODUCT,
      },
    });
  });

  it('is an OCSF event of the version that knows agents and traces', () => {
    const start = Date.UTC(2026, 0, 15, 9, 30, 0, 125);
    expect(wire(toOcsf(record, { version: '1.8.0' }))).to.deep.equal({
      ...EVENT,
      ...PARTIES,
      metadata: {
        ...METADATA,
        version: '1.8.0',
        labels: ['environment:test', 'log_epoch:0', 'soc2', 'pci'],
        profiles: ['data_classification', 'ai_operation', 'trace'],
        data_classifications: [{ confidentiality_id: 2, confidentiality: 'Confidential' }],
        product: PRODUCT,
      },
      message_context: {
        ai_role_id: 4,
        ai_role: 'Agent',
        application: { name: 'mcp-client' },
        service: { name: 'everything', version: '2.0.0' },
        name: 'echo',
        uid: '3',
      },
      trace: {
        uid: '4bf92f3577b34da6a3ce929d0e0e4736',
        span: {
          uid: '00f067aa0ba902b7',
          parent_uid: '53995c3f42cd8ad8',
          operation: 'tools/call',
          start_time: start,
          end_time: start + 12,
        },
      },
    });
  });

  it('is an ECS document', () => {
    expect(wire(toEcs(record))).to.deep.equal({
      '@timestamp': '2026-01-15T09:30:00.125Z',
      message: 'Called tool echo',
      ecs: { version: '8.17.0' },
      event: {
        kind: 'event',
        id: '01932c5e-7a00-7000-8000-000000000007',
        sequence: 7,
        action: 'tools/call',
        code: 'EVENT_TOOL_INVOCATION',
        category: ['api'],
        type: ['access'],
        severity: 4,
        outcome: 'failure',
        duration: 12_345_000,
        original: encodeLine(record),
      },
      trace: { id: '4bf92f3577b34da6a3ce929d0e0e4736' },
      span: { id: '00f067aa0ba902b7' },
      labels: {
        session_id: 'session-1',
        parent_span_id: '53995c3f42cd8ad8',
        log_id: '01932c5e-7a00-7000-8000-00000000000f',
        log_epoch: '0',
      },
      host: { name: 'app-1.example', hostname: 'app-1.example' },
      process: { pid: 4711 },
      user: { id: 'agent-7', roles: ['agent'] },
      service: {
        name: 'mcp-client',
        environment: 'test',
        node: { name: FROM.instance_uid },
        target: { name: 'everything', version: '2.0.0' },
      },
      url: { path: 'tools/echo' },
      user_agent: { name: 'example-client' },
      organization: { id: 'tenant-a' },
      error: { type: 'denied', code: '-32000', message: 'no' },
      tags: ['soc2', 'pci'],
      agent: { name: 'otel-mcp-log', version: '0.1.0' },
    });
  });

  it('has the record in the names of the profile that was asked for', () => {
    const partial: AuditRecord = { ...record, outcome: 'OUTCOME_PARTIAL' };
    const original = encodeLine(partial, '0.2');
    expect(original).not.to.equal(encodeLine(partial));
    expect(wire(toOcsf(partial, { profile: '0.2' }))).to.have.property('raw_data', original);
    expect(wire(toEcs(partial, { profile: '0.2' }))).to.have.nested.property('event.original', original);
    for (const codec of [ecsCodec({ profile: '0.2' }), ocsfCodec({ profile: '0.2' })])
      expect(Buffer.from(codec.encode(partial)).toString()).to.contain(JSON.stringify(original).slice(1, -1));
  });

  it('is written in the same way of an event type that no table holds', () => {
    const unknown: AuditRecord = { ...record, event_type: 'EVENT_OF_TOMORROW' as EventType };
    expect(wire(toOcsf(unknown))).to.include({
      class_uid: 6003,
      activity_id: 99,
      activity_name: 'EVENT_OF_TOMORROW',
    });
    expect(wire(toEcs(unknown))).to.have.nested.property('event.code', 'EVENT_OF_TOMORROW');
    expect(
      wire(toEcs({ ...record, outcome: 'OUTCOME_OF_TOMORROW' as AuditRecord['outcome'] })),
    ).to.have.nested.property('event.outcome', 'unknown');
  });

  it('says less of a record that holds less', () => {
    const event = wire(toOcsf(bareRecord())) as Record<string, object>;
    expect(event).not.to.have.any.keys('status_code', 'status_detail');
    expect(event['metadata']).to.deep.include({ labels: [`environment:${bareRecord().environment}`] });
    expect(event['dst_endpoint']).to.deep.equal({ name: bareRecord().resource });
    expect(event['api']).not.to.have.any.keys('service', 'request', 'version');
  });

  it('names the error by its type where it has no code', () => {
    const event = wire(toOcsf({ ...record, error: { type: 'timeout' } })) as object;
    expect(event).to.include({ status_code: 'timeout' }).and.not.to.have.property('status_detail');
  });

  it('names the operation by the tool, else the method, else the resource', () => {
    const { mcp, ...rest } = record;
    const operationOf = (changed: AuditRecord) => (wire(toOcsf(changed)) as { api: object }).api;
    expect(operationOf(record)).to.include({ operation: 'echo' });
    expect(operationOf({ ...rest, mcp: { method: 'ping' } })).to.include({ operation: 'ping' });
    expect(operationOf(rest)).to.include({ operation: 'tools/echo' });
    expect(mcp?.tool_name).to.equal('echo');
    expect(wire(toEcs(rest))).to.have.nested.property('event.action', 'EVENT_TOOL_INVOCATION');
  });

  it('names the tool of a call, and of nothing else, where ECS has fields for it', () => {
    const toolOf = (changed: AuditRecord) =>
      (wire(toEcs(changed, { version: '9.4.0' })) as { gen_ai?: object }).gen_ai;
    expect(toolOf(record)).to.deep.equal({
      operation: { name: 'execute_tool' },
      tool: { name: 'echo', call: { id: '3' } },
    });
    expect(toolOf({ ...record, mcp: { method: 'resources/read' } })).to.equal(undefined);
    expect(wire(toEcs(record))).not.to.have.property('gen_ai');
  });
});

/** What docs/codecs.md says that `ocsf` makes of the event types to which OCSF gives another meaning. */
const CORRECTED: Partial<
  Record<EventType, [class_uid: number, activity_id: number, name: string, activity: string]>
> = {
  EVENT_FILE_ACCESS: [6003, 2, 'API Activity', 'Read'],
  EVENT_POLICY_CHANGE: [6003, 3, 'API Activity', 'Update'],
  EVENT_PRIVILEGE_USE: [3002, 99, 'Authentication', 'Privilege Escalation'],
  EVENT_CONFIG_CHANGE: [6003, 3, 'API Activity', 'Update'],
  EVENT_DATA_EXPORT: [6003, 99, 'API Activity', 'Export'],
  EVENT_RESOURCE_ACCESS: [6003, 2, 'API Activity', 'Read'],
  EVENT_CONTEXT_ACCESS: [6003, 2, 'API Activity', 'Read'],
  EVENT_GUARDRAIL_CHECK: [6003, 99, 'API Activity', 'Guardrail Check'],
  EVENT_MCP_PING: [6003, 2, 'API Activity', 'Read'],
  EVENT_TOOL_LIST: [6003, 2, 'API Activity', 'Read'],
  EVENT_RESOURCE_LIST: [6003, 2, 'API Activity', 'Read'],
  EVENT_PROMPT_LIST: [6003, 2, 'API Activity', 'Read'],
  EVENT_RESOURCE_READ: [6003, 2, 'API Activity', 'Read'],
  EVENT_TRANSPORT_ERROR: [4001, 4, 'Network Activity', 'Fail'],
};

describe('OCSF, event type by event type', () => {
  const eventOf = (changes: Partial<AuditRecord>) =>
    wire(toOcsf({ ...record, ...changes })) as Record<string, unknown>;

  for (const [type, [classUid, activityId, className, activityName]] of Object.entries(CORRECTED))
    it(`says of ${type} that it is ${className}: ${activityName}`, () => {
      expect(eventOf({ event_type: type as EventType })).to.include({
        class_uid: classUid,
        activity_id: activityId,
        class_name: className,
        activity_name: activityName,
        type_uid: classUid * 100 + activityId,
      });
    });

  it('takes an event type of a newer schema for an API activity of another kind', () => {
    expect(eventOf({ event_type: 'EVENT_OF_TOMORROW' as EventType })).to.include({
      class_uid: 6003,
      class_name: 'API Activity',
      activity_id: 99,
      activity_name: 'EVENT_OF_TOMORROW',
    });
  });

  it('gives every severity its place on the scale of OCSF', () => {
    const scale: [Severity | 'SEVERITY_OF_TOMORROW', number][] = [
      ['SEVERITY_UNSPECIFIED', 0],
      ['SEVERITY_DEBUG', 1],
      ['SEVERITY_INFO', 1],
      ['SEVERITY_NOTICE', 2],
      ['SEVERITY_WARNING', 3],
      ['SEVERITY_ERROR', 4],
      ['SEVERITY_CRITICAL', 5],
      ['SEVERITY_ALERT', 5],
      ['SEVERITY_EMERGENCY', 6],
      ['SEVERITY_OF_TOMORROW', 99],
    ];
    for (const [severity, id] of scale)
      expect(eventOf({ severity: severity as Severity })['severity_id'], severity).to.equal(id);
  });

  it('gives each class the parties that it has, and no others', () => {
    const partiesOf = (type: EventType) =>
      Object.keys(eventOf({ event_type: type }))
        .filter((name) =>
          /^(actor|api|device|dst_endpoint|process|resources|session|src_endpoint|user)$/.test(name),
        )
        .sort();
    expect(partiesOf('EVENT_TRANSPORT_ERROR')).to.deep.equal(['actor', 'dst_endpoint', 'src_endpoint']);
    expect(partiesOf('EVENT_LOGIN')).to.deep.equal([
      'actor',
      'dst_endpoint',
      'session',
      'src_endpoint',
      'user',
    ]);
    expect(partiesOf('EVENT_TOOL_INVOCATION')).to.deep.equal([
      'actor',
      'api',
      'dst_endpoint',
      'resources',
      'src_endpoint',
    ]);
  });

  it('says that Network Activity has an actor by the host profile', () => {
    expect(eventOf({ event_type: 'EVENT_TRANSPORT_ERROR' })).to.have.deep.nested.property(
      'metadata.profiles',
      ['data_classification', 'host'],
    );
  });
});
