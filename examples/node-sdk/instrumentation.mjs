// NodeSDK as anyone has it, with http and undici instrumented and an OTLP exporter, and two lines for the audit log.
import 'otel-mcp-log/hook';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { AuditSpanProcessor, FileSink, McpInstrumentation } from 'otel-mcp-log';

const sdk = new NodeSDK({
  serviceName: 'node-sdk-example',
  instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation(), new McpInstrumentation()],
  spanProcessors: [
    new BatchSpanProcessor(new OTLPTraceExporter()),
    new AuditSpanProcessor({
      environment: 'example',
      actorId: 'agent-7',
      sink: new FileSink(process.env.AUDIT_LOG ?? 'audit.jsonl'),
    }),
  ],
});
sdk.start();
process.once('beforeExit', () => sdk.shutdown().catch(console.error));
