import { NodeSDK } from '@opentelemetry/sdk-node';
import { collector, openTelemetry } from './beside.cjs';

const { spans, exporter } = collector();
const sdk = new NodeSDK({ traceExporter: exporter, instrumentations: [], autoDetectResources: false });
sdk.start();
openTelemetry(spans, () => sdk.shutdown());
