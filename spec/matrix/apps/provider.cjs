// A tracer provider of whichever line of OpenTelemetry is installed here; its spans are printed when the process is done.
const { context, propagation, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const sdk =
  process.env.MATRIX_OTEL === '3'
    ? require('@opentelemetry/sdk-trace')
    : require('@opentelemetry/sdk-trace-base');

exports.startProvider = (spanProcessors = []) => {
  const spans = [];
  const collector = {
    onStart: () => undefined,
    onEnd: (span) => spans.push(span.spanContext()),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const Provider = sdk.BasicTracerProvider ?? sdk.TracerProvider;
  const provider = new Provider({ spanProcessors: [collector, ...spanProcessors] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  process.once('exit', () => process.stdout.write(`${JSON.stringify({ spans })}\n`));
};
