/** Sentry with all spans sampled, which go nowhere but here. */
module.exports = (Sentry) => {
  const spans = [];
  Sentry.init({
    dsn: 'https://public@sentry.invalid/1',
    tracesSampleRate: 1,
    transport: () => ({
      send: async ([, items]) => {
        for (const [, item] of items)
          for (const span of [item.contexts?.trace, ...(item.spans ?? []), ...(item.items ?? [])])
            if (span?.trace_id)
              spans.push({ name: span.op ?? span.name, traceId: span.trace_id, spanId: span.span_id });
        return {};
      },
      flush: async () => true,
    }),
  });
  let userTrace;
  globalThis.beside = {
    inSpan: (work) =>
      Sentry.startSpan({ name: 'work' }, (span) => {
        userTrace = span.spanContext().traceId;
        return work();
      }),
    finish: async () => {
      await Sentry.flush(2000);
      return { spans, userTrace };
    },
  };
};
