// A program that does everything with secrets in all of it, and whose every output is searched. A process of its own, so that
// what it prints can be searched too. Arguments: a JSON of RunOptions. It gives its secrets to its parent, and ends by itself.
import { diag, DiagConsoleLogger, DiagLogLevel, metrics } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { AuditError } from '../../lib/errors.js';
import type { DeliveryMode } from '../../lib/pipeline/options.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { RedactionOptions } from '../../lib/redaction/policy/options.js';
import { Canaries } from './canaries.js';
import { allSinks, type Places } from './sinks.js';

/** One run. */
export interface RunOptions extends Places {
  readonly seed: number;
  readonly mode: DeliveryMode;
  readonly profile: 'documented' | '0.2';
  readonly redaction: RedactionOptions;
}

class AskedReader extends MetricReader {
  protected override onShutdown = (): Promise<void> => Promise.resolve();
  protected override onForceFlush = (): Promise<void> => Promise.resolve();
}

const print = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

/** An error as a program prints it, with all that lies behind it, up to what is the caller's own. */
function told(error: unknown): string {
  if (canaries.isOwn(error)) return "(the caller's own)";
  if (!(error instanceof Error)) return inspect(error, { depth: 9 });
  const parts = error instanceof AggregateError ? error.errors : [];
  const fields = inspect({ ...error, errors: undefined, cause: undefined }, { depth: 9 });
  return [error.stack, fields, ...[...parts, error.cause].map(told)].join('\n');
}

const options = JSON.parse(process.argv[2] ?? '') as RunOptions;
const canaries = new Canaries(options.seed);
diag.setLogger(new DiagConsoleLogger(), { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });

const reader = new AskedReader();
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
const redaction = {
  ...options.redaction,
  levels: { default: 'RequestResponse' as const },
  ...(options.redaction.replacement === 'hmac' && {
    hmacKey: canaries.word('redaction hmacKey', 'option').padEnd(40, 'k'),
  }),
};
const instrumentation = new McpInstrumentation({ recordInputs: true, recordOutputs: true, redaction });
const provider = new NodeTracerProvider({
  spanProcessors: [
    new BatchSpanProcessor(new OTLPTraceExporter({ url: `${options.taking}/v1/traces` })),
    new AuditSpanProcessor({
      sinks: allSinks(options, canaries),
      environment: 'test',
      mode: options.mode,
      profile: options.profile,
      includeOutputs: true,
      redaction,
      exportTimeoutMillis: 2_000,
      toolState: join(options.folder, 'tools.json'),
      onToolChanged: (change) => print(inspect(change, { depth: 9 })),
      onError: (error, { records }) => complain(`onError ${told(error)} ${JSON.stringify(records)}`),
    }),
  ],
});
provider.register();
instrumentation.setTracerProvider(provider);

// The clients are made audited after the instrumentation: the first that is enabled makes the spans.
const { allTraffic } = await import('./traffic.js');
await allTraffic(canaries, options.refusing, async (name, operation) => {
  try {
    await operation();
  } catch (error) {
    // The caller's own error is the caller's; what the library makes of it is searched.
    complain(`${name} ${error instanceof AuditError ? told(error) : 'failed'}`);
  }
});
await provider.shutdown().catch((error: unknown) => complain(told(error)));
print(JSON.stringify((await reader.collect()).resourceMetrics));
process.send?.(canaries.planted, () => process.disconnect());
