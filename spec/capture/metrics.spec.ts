import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader, type DataPoint, type Histogram } from '@opentelemetry/sdk-metrics';
import { expect } from 'chai';
import { instrumentClient, McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import type { AuditOptions } from '../../lib/config.js';
import { withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';

/** A reader that is asked, as a Prometheus exporter is. */
class AskedReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  async points(name: string): Promise<DataPoint<Histogram | number>[]> {
    const { resourceMetrics } = await this.collect();
    return resourceMetrics.scopeMetrics
      .flatMap((scope) => scope.metrics)
      .filter(({ descriptor }) => descriptor.name === name)
      .flatMap(({ dataPoints }) => dataPoints as DataPoint<Histogram | number>[]);
  }
}

const wrapped = (options: Partial<AuditOptions> = {}) => {
  const made = pair();
  withLogging(made.client, { sink: new MemorySink(), environment: 'test', ...options });
  return made;
};

describe('metrics', () => {
  let reader: AskedReader;
  let provider: MeterProvider;

  beforeEach(() => {
    reader = new AskedReader();
    provider = new MeterProvider({ readers: [reader] });
  });
  afterEach(() => {
    metrics.disable();
    return provider.shutdown();
  });

  it('hold the duration of each operation, by the conventions', async () => {
    metrics.setGlobalMeterProvider(provider);
    const { client, connect } = wrapped();
    await connect();
    for (let i = 0; i < 3; i++) await client.callTool({ name: 'echo', arguments: { message: 'canary' } });
    await client.callTool({ name: 'broken' });
    await client.getPrompt({ name: 'greet', arguments: { who: 'canary' } });
    await client.readResource({ uri: 'note://canary' }).catch(() => undefined);
    const points = await reader.points('mcp.client.operation.duration');
    const byAttributes = points.map(({ attributes, value }) => [attributes, (value as Histogram).count]);
    const version = { 'mcp.protocol.version': LATEST_PROTOCOL_VERSION };
    expect(byAttributes).to.deep.equal([
      [{ 'mcp.method.name': 'initialize', ...version }, 1],
      [
        {
          'mcp.method.name': 'tools/call',
          'gen_ai.tool.name': 'echo',
          'gen_ai.operation.name': 'execute_tool',
          ...version,
        },
        3,
      ],
      [
        {
          'mcp.method.name': 'tools/call',
          'gen_ai.tool.name': 'broken',
          'gen_ai.operation.name': 'execute_tool',
          'error.type': 'tool_error',
          ...version,
        },
        1,
      ],
      [{ 'mcp.method.name': 'prompts/get', 'gen_ai.prompt.name': 'greet', ...version }, 1],
      [
        {
          'mcp.method.name': 'resources/read',
          'error.type': '-32602',
          'rpc.response.status_code': '-32602',
          ...version,
        },
        1,
      ],
    ]);
    expect((points[0]?.value as Histogram).buckets.boundaries).to.deep.equal([
      0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300,
    ]);
    expect(JSON.stringify(points)).not.to.include('canary');
  });

  it('hold the duration of a session when it ends, and how', async () => {
    metrics.setGlobalMeterProvider(provider);
    const [closed, lost] = [wrapped(), wrapped()];
    for (const { client, connect } of [closed, lost]) {
      await connect();
      await client.ping();
    }
    await closed.client.close();
    await lost.server.close();
    const points = await reader.points('mcp.client.session.duration');
    expect(points.map(({ attributes }) => attributes['error.type'])).to.deep.equal([
      undefined,
      'connection_closed',
    ]);
    for (const { value } of points) expect((value as Histogram).sum).to.be.within(0, 20);
    const operations = await reader.points('mcp.client.operation.duration');
    expect(operations.map(({ attributes }) => attributes['mcp.method.name'])).not.to.include('close');
  });

  it('count what is refused before the wire, and take it for no operation', async () => {
    metrics.setGlobalMeterProvider(provider);
    const { connect } = wrapped({ actorId: () => undefined, requireActor: true, onError: () => undefined });
    await connect().catch(() => undefined);
    const [refusals] = await reader.points('mcp_log.refusals');
    expect(refusals).to.deep.include({
      value: 1,
      attributes: { 'mcp.method.name': 'initialize', 'error.type': 'actor_required' },
    });
    expect(await reader.points('mcp.client.operation.duration')).to.deep.equal([]);
  });

  it('begin when a MeterProvider is registered, however late', async () => {
    const { client, connect } = wrapped();
    await connect();
    await client.ping();
    metrics.setGlobalMeterProvider(provider);
    await client.ping();
    const [point, ...others] = await reader.points('mcp.client.operation.duration');
    expect(others).to.have.length(0);
    expect((point?.value as Histogram).count).to.equal(1);
  });

  it("go to the instrumentation's own MeterProvider, without any log", async () => {
    const instrumentation = new McpInstrumentation({ servers: false });
    instrumentation.setMeterProvider(provider);
    const { client, connect } = pair(
      () => new (instrumentClient(class extends Client {}))({ name: 'a', version: '1' }),
    );
    try {
      await connect();
      await client.ping();
    } finally {
      instrumentation.disable();
      disableSource(defaultSource);
    }
    expect(await reader.points('mcp.client.operation.duration')).to.have.length(2);
  });
});
