import { metrics as api } from '@opentelemetry/api';
import { metrics } from '@opentelemetry/sdk-node';
import { expect } from 'chai';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { draft } from '../support/drafts.js';
import { failureOf, ScriptedSink, until } from '../support/scriptedSink.js';

/** Instrument and attributes of every point that was exported, with its value (a histogram's count). */
function pointsOf(exporter: metrics.InMemoryMetricExporter): Record<string, unknown> {
  const points: Record<string, unknown> = {};
  for (const { scopeMetrics } of exporter.getMetrics().slice(-1))
    for (const { metrics: found } of scopeMetrics)
      for (const { descriptor, dataPoints } of found)
        for (const { attributes, value } of dataPoints) {
          // Pipelines of other tests may still be about.
          if (attributes['mcp_log.sink'] !== 'm') continue;
          const key = [descriptor.name, ...Object.values(attributes)].join(' ');
          points[key] = typeof value === 'object' && 'count' in value ? value.count : value;
        }
  return points;
}

describe('metrics', () => {
  it('reports outcomes, latency, queue, backlog and retries to a provider that came after the pipeline', async () => {
    const sink = Object.assign(new ScriptedSink('m', ['take', 'retryable', 'take', 'throw', 'hang']), {
      backlogBytes: 12,
    });
    const pipeline = createPipeline({ sinks: [sink], onError: () => undefined });
    const exporter = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
    const reader = new metrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new metrics.MeterProvider({ readers: [reader] });
    api.setGlobalMeterProvider(provider);
    try {
      for (let i = 0; i < 3; i++) await failureOf(pipeline.accept(draft()));
      const last = pipeline.accept(draft());
      await until(() => sink.batches.length === 5);
      await provider.forceFlush();
      expect(pointsOf(exporter)).to.deep.equal({
        'mcp_log.records m delivered': 2,
        'mcp_log.records m failed': 1,
        'mcp_log.sink.retries m': 1,
        'mcp_log.sink.duration m': 4,
        'mcp_log.sink.queue m': 1,
        'mcp_log.sink.backlog m': 12,
      });
      sink.release();
      await last;
      await pipeline.shutdown();
      await provider.forceFlush();
      expect(pointsOf(exporter)).to.include({ 'mcp_log.records m delivered': 3 });
      expect(pipeline.stats().sinks[0]).to.include({
        delivered: 3,
        failed: 1,
        retries: 1,
        batches: 5,
        backlogBytes: 12,
      });
    } finally {
      api.disable();
      await provider.shutdown();
    }
  });

  it('names its instruments, their units and what they say', async () => {
    const exporter = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
    const reader = new metrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new metrics.MeterProvider({ readers: [reader] });
    api.setGlobalMeterProvider(provider);
    try {
      const sink = Object.assign(new ScriptedSink('m', ['retryable']), { backlogBytes: 1 });
      const pipeline = createPipeline({ sinks: [sink], onError: () => undefined });
      await pipeline.accept(draft());
      await provider.forceFlush();
      const [scope] = exporter.getMetrics().at(-1)!.scopeMetrics;
      expect(scope?.scope.name).to.equal('otel-mcp-log');
      const named = scope?.metrics.map(({ descriptor: { name, unit, description } }) => [
        name,
        unit,
        description,
      ]);
      expect(named).to.have.deep.members([
        ['mcp_log.records', '{record}', 'Audit records per sink, by outcome: delivered, failed, dropped'],
        ['mcp_log.sink.retries', '{attempt}', 'Attempts after the first to deliver a batch'],
        ['mcp_log.sink.duration', 's', 'How long a sink took to answer for a batch'],
        ['mcp_log.sink.queue', '{record}', 'Records that wait for a sink, those under way included'],
        ['mcp_log.sink.backlog', 'By', 'What a spool holds on disk'],
      ]);
      await pipeline.shutdown();
    } finally {
      api.disable();
      await provider.shutdown();
    }
  });
});
