const { LangfuseSpanProcessor } = require('@langfuse/otel');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { collector, openTelemetry } = require('./beside.cjs');

const { spans, exporter } = collector();
const processor = new LangfuseSpanProcessor({ exporter, shouldExportSpan: () => true });
const sdk = new NodeSDK({ spanProcessors: [processor], instrumentations: [], autoDetectResources: false });
sdk.start();
openTelemetry(spans, () => sdk.shutdown());
