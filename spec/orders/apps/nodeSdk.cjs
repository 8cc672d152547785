const { NodeSDK } = require('@opentelemetry/sdk-node');
const { collector, openTelemetry } = require('./beside.cjs');

const { spans, exporter } = collector();
const sdk = new NodeSDK({ traceExporter: exporter, instrumentations: [], autoDetectResources: false });
sdk.start();
openTelemetry(spans, () => sdk.shutdown());
