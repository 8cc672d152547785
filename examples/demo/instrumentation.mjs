// The whole set-up: a NodeSDK with an OTLP exporter as anyone has it, and two lines for the audit log.
import 'otel-mcp-log/hook';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { rmSync } from 'node:fs';
import { AuditSpanProcessor, FileSink, McpInstrumentation, StdoutSink } from 'otel-mcp-log';
import { startReceiver } from './receiver.mjs';

const LOG = 'audit.jsonl';
rmSync(LOG, { force: true });

const receiver = await startReceiver();
const sdk = new NodeSDK({
  serviceName: 'otel-mcp-log-demo',
  instrumentations: [new McpInstrumentation()],
  spanProcessors: [
    new BatchSpanProcessor(new OTLPTraceExporter({ url: receiver.url })),
    new AuditSpanProcessor({
      environment: 'demo',
      actorId: 'agent-7',
      policyTags: ['soc2'],
      sinks: [new StdoutSink({ pretty: true }), new FileSink(LOG)],
    }),
  ],
});
sdk.start();

globalThis.demo = { sdk, receiver, log: LOG };
