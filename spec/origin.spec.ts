import { hostname } from 'node:os';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  processDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { BasicTracerProvider, SamplingDecision, type TracerConfig } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { defaultSource, disableSource } from '../lib/capture/tracing.js';
import { LogOrigin } from '../lib/origin.js';
import { AuditSpanProcessor } from '../lib/processor/processor.js';
import { instrumentClient, McpInstrumentation } from '../lib/capture/instrumentation.js';
import type { AuditRecord } from '../lib/schema/record.js';
import { audited } from './support/audited.js';
import { pair } from './support/inMemory.js';
import { MemorySink } from './support/memorySink.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const environment = 'test';

describe('where records are written', () => {
  it('is what the process knows of itself, by the names and values of the detectors of OpenTelemetry', async () => {
    const detected = detectResources({ detectors: [hostDetector, processDetector] });
    await detected.waitForAsyncAttributes?.();
    const own = new LogOrigin('agent', {}).current;
    expect(own).to.include({ 'service.name': 'agent', 'host.name': hostname(), 'process.pid': process.pid });
    for (const name of ['host.name', 'process.pid'] as const)
      expect(own[name], name).to.equal(detected.attributes[name]);
    expect(own['service.instance.id']).to.match(UUID);
    expect(new LogOrigin('other', {}).current['service.instance.id']).to.equal(own['service.instance.id']);
  });

  it('is what the variables of OpenTelemetry say, as its own detector reads them', () => {
    const env = {
      OTEL_SERVICE_NAME: 'billing agent',
      OTEL_RESOURCE_ATTRIBUTES:
        'service.name=x,k8s.pod.name=billing-7c9f,k8s.pod.uid=2f1c,container.id=0a1b,service.version=1%2C2,team=payments',
    };
    const before = { ...process.env };
    Object.assign(process.env, env);
    const theirs = detectResources({ detectors: [envDetector] }).attributes;
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
    const { current } = new LogOrigin('agent', env);
    const { team, ...wanted } = theirs;
    expect(team).to.equal('payments');
    expect(current).to.deep.include({ ...wanted });
    expect(current).not.to.have.property('team');
    expect(new LogOrigin('agent', { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,broken' }).current).to.include({
      'service.name': 'agent',
    });
  });

  it("is the provider's resource, once that is known, without what is not on record", async () => {
    const origin = new LogOrigin('agent', {});
    const resource = defaultResource().merge(
      detectResources({ detectors: [hostDetector, processDetector, serviceInstanceIdDetector] }),
    );
    origin.learn(resource);
    const early = origin.current;
    expect(Object.isFrozen(early)).to.equal(true);
    expect(early['service.name'], 'unknown_service is no name').to.equal('agent');
    await resource.waitForAsyncAttributes?.();
    await Promise.resolve();
    expect(origin.current['host.id']).to.equal(resource.attributes['host.id']);
    expect(origin.current['service.instance.id']).to.equal(resource.attributes['service.instance.id']);
    expect(JSON.stringify(origin.current)).not.to.include(process.execPath);
    const now = origin.current;
    origin.learn(resource);
    expect(origin.current, 'one object for all records').to.equal(now);
  });

  it('does not make the SDK complain of attributes that are still being looked for', async () => {
    const said: unknown[] = [];
    const say = (...words: unknown[]) => void said.push(words);
    diag.setLogger(
      { error: say, warn: say, info: say, debug: say, verbose: say },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    const origin = new LogOrigin('agent', {});
    origin.learn(resourceFromAttributes({ 'host.name': 'here', 'host.id': Promise.resolve('id-1') }));
    expect(origin.current).to.include({ 'host.name': 'here' }).and.not.to.have.property('host.id');
    await new Promise(setImmediate);
    expect(origin.current).to.include({ 'host.name': 'here', 'host.id': 'id-1' });
    diag.disable();
    expect(said).to.deep.equal([]);
  });

  it('keeps no attribute of another kind, and cuts what is long', () => {
    const origin = new LogOrigin('agent', {});
    origin.learn({
      attributes: { 'host.name': 'h'.repeat(300), 'host.id': 7, 'k8s.pod.name': ['a'], 'process.pid': 'x' },
    });
    expect(origin.current).to.include({ 'host.name': 'h'.repeat(255), 'process.pid': process.pid });
    expect(origin.current).not.to.have.any.keys('host.id', 'k8s.pod.name');
    for (const nonsense of [
      null,
      7,
      'text',
      [],
      { attributes: 3 },
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no');
          },
        },
      ),
    ])
      origin.learn(nonsense);
    expect(origin.current['process.pid']).to.equal(process.pid);
    const long = Object.fromEntries(
      [
        'service.namespace',
        'service.version',
        'k8s.pod.name',
        'k8s.node.name',
        'k8s.cluster.name',
        'host.id',
        'container.id',
        'k8s.pod.uid',
        'cloud.region',
      ].map((name) => [name, '\u0001'.repeat(255)]),
    );
    origin.learn({ attributes: long });
    expect(Object.values(origin.current).join('').length).to.be.below(2_048);
  });
});

describe('where a record is written', () => {
  const theirs = { 'service.name': 'theirs', 'host.name': 'app-7', 'k8s.pod.name': 'pod-7' };
  const resource = resourceFromAttributes(theirs);

  /** What a client writes that the provider's instrumentation audits. */
  async function recorded(config: Partial<TracerConfig>): Promise<AuditRecord[]> {
    const sink = new MemorySink();
    const audit = new AuditSpanProcessor({ sink, environment, startRecord: true });
    const provider = new BasicTracerProvider({ resource, spanProcessors: [audit], ...config });
    const instrumentation = new McpInstrumentation({ servers: false });
    instrumentation.setTracerProvider(provider);
    instrumentClient(Client);
    const { client, connect } = pair();
    await connect();
    await client.ping();
    await client.close();
    await provider.shutdown();
    instrumentation.disable();
    disableSource(defaultSource);
    return sink.records;
  }

  it('is on each one, from the first on, by the provider that has the processor', async () => {
    const records = await recorded({});
    expect(records.map(({ resource }) => resource)).to.deep.equal([
      ...['audit/start', 'session/initialize', 'session/ping', 'session/close', 'audit/stop'],
    ]);
    for (const record of records) expect(record.otel_resource).to.include(theirs);
    const counters = [...new Set(records.map(({ log_id, log_epoch }) => `${log_id} ${log_epoch}`))];
    expect(counters).to.deep.equal([`${records[0]!.log_id} 0`]);
    expect(records[0]!.log_id).to.match(UUID);
  });

  it('is known too where a sampler drops all spans', async () => {
    const drop = { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }), toString: () => 'none' };
    const records = await recorded({ sampler: drop });
    expect(records).to.have.length(5);
    for (const record of records) expect(record.otel_resource).to.include(theirs);
  });

  it('is told by the process where there is no provider', async () => {
    const { client, connect } = pair();
    const sink = audited(client, { component: 'agent' });
    await connect();
    await client.close();
    expect(sink.records[0]?.otel_resource).to.include({
      ...{ 'service.name': 'agent', 'host.name': hostname(), 'process.pid': process.pid },
    });
  });
});
