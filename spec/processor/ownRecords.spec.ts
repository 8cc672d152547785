import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'chai';
import { logRecord } from '../../lib/processor/logRecords.js';
import { recordMetadata, toDraft } from '../../lib/processor/mapping.js';
import type { OperationRecorder } from '../../lib/processor/operation.js';
import { toolChanged } from '../../lib/processor/toolRecords.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../lib/version.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { MemorySink } from '../support/memorySink.js';
import { SERVED } from '../support/servedPair.js';
import { detailOfCall, SETTINGS, TRACE_ID } from '../support/operationDetail.js';

const EVENT = {
  what: 'gap',
  message: 'Lost 2 records.',
  outcome: 'OUTCOME_FAILURE_ERROR',
  severity: 'SEVERITY_ERROR',
} as const;

describe('a record about the log itself', () => {
  it('is an event of the component that writes the log', () => {
    const { record_id, time, trace_id, correlation_id, span_id, ...record } = logRecord(
      SETTINGS,
      'client',
      EVENT,
    );
    expect(record).to.deep.equal({
      duration_ms: 0,
      event_type: 'EVENT_CONFIG_CHANGE',
      outcome: 'OUTCOME_FAILURE_ERROR',
      severity: 'SEVERITY_ERROR',
      sensitivity: 'SENSITIVITY_INTERNAL',
      actor_id: 'mcp-client',
      actor_type: 'service',
      component: 'mcp-client',
      environment: 'test',
      resource: 'audit/gap',
      message: 'Lost 2 records.',
      session_id: 'mcp-client',
      ocsf_class_uid: 5002,
      ocsf_activity_id: record.ocsf_activity_id,
      metadata: recordMetadata('documented'),
      otel_resource: SETTINGS.origin.current,
    });
    expect(record_id).to.match(/^[0-9a-f-]{36}$/);
    expect(Math.abs(Date.parse(time) - Date.now())).to.be.below(60_000);
    expect(trace_id)
      .to.match(/^[0-9a-f]{32}$/)
      .and.to.equal(correlation_id);
    expect(span_id).to.match(/^[0-9a-f]{16}$/);
  });

  it('has the tags and the session of the options, and what is to be told', () => {
    const settings = { ...SETTINGS, policyTags: ['soc2'], sessionId: 'mine', profile: '0.2' } as const;
    expect(logRecord(settings, 'client', { ...EVENT, data: { count: 2 } })).to.deep.include({
      policy_tags: ['soc2'],
      session_id: 'mine',
      data: { count: 2 },
      metadata: recordMetadata('0.2'),
    });
    expect(logRecord(SETTINGS, 'client', EVENT)).not.to.have.any.keys('policy_tags', 'data');
  });
});

describe('the records that a log begins and ends with', () => {
  type Own = [component: string, actor: string, service: unknown];

  /** Who the first and the last record say has written a log, of which a client and a server write what is asked for. */
  async function own(
    writers: { client?: boolean; server?: boolean },
    options: { component?: string } = {},
  ): Promise<{ own: Own[]; operations: Own[] }> {
    const sink = new MemorySink();
    const log = { sink, environment: 'test', startRecord: true, ...options };
    const { client, server, connect } = SERVED.v1(() => undefined);
    if (writers.client) withLogging(client as unknown as Client, log);
    if (writers.server) withLogging(server, log);
    await connect();
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    await client.close();
    await auditLogOf(writers.server ? server : (client as unknown as Client))!.shutdown();
    const said = (wanted: boolean) =>
      sink.records
        .filter(({ resource }) => /^audit\/st/.test(resource) === wanted)
        .map(({ component, actor_id, otel_resource }): Own => [
          component,
          wanted ? actor_id : component,
          otel_resource?.['service.name'],
        ]);
    return { own: said(true), operations: said(false) };
  }

  const by = (component: string): Own => [component, component, component];

  it('are the component of servers where a server writes the log, and that of clients where a client does', async () => {
    for (const [writers, component] of [
      [{ server: true }, 'mcp-server'],
      [{ client: true }, 'mcp-client'],
    ] as const) {
      const said = await own(writers);
      expect(said.own).to.deep.equal([by(component), by(component)]);
      expect(new Set(said.operations.map(String))).to.deep.equal(new Set([String(by(component))]));
    }
  });

  it('are of the side that the log begins with where both write it, and each operation is of its own', async () => {
    const said = await own({ client: true, server: true });
    expect(said.own[0]).to.deep.equal(said.own[1]);
    expect(said.operations).to.deep.include.members([by('mcp-client'), by('mcp-server')]);
    expect(said.own[0]).to.deep.equal(said.operations[0]);
  });

  it('are the component that is named, on either side', async () => {
    const said = await own({ server: true }, { component: 'shop' });
    expect(said.own).to.deep.equal([by('shop'), by('shop')]);
  });
});

describe('the record of a changed tool', () => {
  const recorder = { needsIntent: false } as OperationRecorder;
  const CHANGE = { tool: 'echo', oldFingerprint: 'a', newFingerprint: 'b', fields: ['description'] };

  it('is a warning in the trace of the listing that showed it', () => {
    const listing = detailOfCall({
      method: 'tools/list',
      connection: { connectionId: 'c', serverName: 's' },
    });
    const detail = toolChanged({ ...CHANGE, serverAddress: 'https://a.example' }, listing, recorder, {
      id: 'ada',
    });
    expect(detail.recorders).to.deep.equal([recorder]);
    expect(detail.states).to.deep.equal([{ recorder, actor: { id: 'ada' } }]);
    expect(detail.legs).to.deep.equal([]);
    expect(Math.abs(detail.startTime - Date.now())).to.be.below(60_000);
    expect(toDraft(detail, SETTINGS, detail.states[0]!)).to.deep.include({
      event_type: 'EVENT_CONFIG_CHANGE',
      outcome: 'OUTCOME_SUCCESS',
      severity: 'SEVERITY_WARNING',
      duration_ms: 0,
      actor_id: 'ada',
      server_id: 's',
      trace_id: TRACE_ID,
      resource: 'audit/tool-changed',
      message: 'The definition of tool echo changed.',
      data: {
        tool: 'echo',
        server_address: 'https://a.example',
        old_fingerprint: 'a',
        new_fingerprint: 'b',
        changed_fields: ['description'],
      },
    });
  });

  it('is of the same event type in either profile, and names no address that is not known', () => {
    const { event, method, custom, subject } = toolChanged(CHANGE, detailOfCall(), recorder, undefined);
    expect(event).to.deep.equal({ documented: 'EVENT_CONFIG_CHANGE', '0.2': 'EVENT_CONFIG_CHANGE' });
    expect(method).to.equal('audit/tool-changed');
    expect(subject).to.deep.equal({});
    expect(custom?.data).not.to.have.property('server_address');
  });
});

describe('the metadata of records', () => {
  for (const profile of ['documented', '0.2'] as const)
    it(`names the schema and the product (${profile})`, () => {
      const metadata = recordMetadata(profile);
      expect(metadata).to.deep.equal({
        schema_version: profile,
        product_name: PACKAGE_NAME,
        product_version: PACKAGE_VERSION,
        vendor_name: PACKAGE_NAME,
      });
      expect(metadata).to.equal(recordMetadata(profile)).and.to.be.frozen;
    });
});
