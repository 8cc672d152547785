import { LangfuseSpanProcessor } from '@langfuse/otel';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { collector, openTelemetry } from './beside.cjs';

const { spans, exporter } = collector();
const processor = new LangfuseSpanProcessor({ exporter, shouldExportSpan: () => true });
const sdk = new NodeSDK({ spanProcessors: [processor], instrumentations: [], autoDetectResources: false });
sdk.start();
openTelemetry(spans, () => sdk.shutdown());
