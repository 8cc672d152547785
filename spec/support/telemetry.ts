import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BasicTracerProvider, type TracerConfig } from '@opentelemetry/sdk-trace-base';

/** What a provider is made of; both kinds take it. */
export type ProviderConfig = Pick<TracerConfig, 'sampler' | 'spanLimits' | 'spanProcessors'>;

/** Real set-ups of OpenTelemetry, registered globally as applications do. Each gives back what takes it away again. */
export const SETUPS = {
  BasicTracerProvider(config: ProviderConfig): () => Promise<void> {
    const provider = new BasicTracerProvider(config);
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
    propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
    return () => teardown(() => provider.shutdown());
  },

  NodeSDK(config: ProviderConfig): () => Promise<void> {
    // Without these it exports metrics and logs to a collector, and its shutdown retries for eight seconds where there is none.
    const elsewhere = { metricReaders: [], logRecordProcessors: [] };
    const sdk = new NodeSDK({ ...config, ...elsewhere, autoDetectResources: false, instrumentations: [] });
    sdk.start();
    return () => teardown(() => sdk.shutdown());
  },
} as const;

async function teardown(shutdown: () => Promise<void>): Promise<void> {
  trace.disable();
  context.disable();
  propagation.disable();
  // NodeSDK registers providers of metrics and logs, too.
  metrics.disable();
  logs.disable();
  await shutdown();
}
