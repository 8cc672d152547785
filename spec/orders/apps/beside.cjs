// What the application uses of the tool beside us, whichever it is and however it was loaded.
const { trace } = require('@opentelemetry/api');

/** For tools whose spans are OpenTelemetry's: all that ended, as an exporter saw them. */
exports.collector = () => {
  const spans = [];
  return {
    spans,
    exporter: {
      export(batch, done) {
        for (const span of batch) {
          const { traceId, spanId } = span.spanContext();
          spans.push({ name: span.name, traceId, spanId });
        }
        done({ code: 0 });
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
  };
};

exports.openTelemetry = (spans, flush) => {
  let userTrace;
  globalThis.beside = {
    inSpan: (work) =>
      trace.getTracer('user').startActiveSpan('work', async (span) => {
        userTrace = span.spanContext().traceId;
        await work();
        span.end();
      }),
    finish: async () => {
      await flush();
      return { spans, userTrace };
    },
  };
};
