// A very small OTLP/HTTP receiver for traces: what a collector would do, on loopback.
import { once } from 'node:events';
import { createServer } from 'node:http';

/** Starts the receiver; `spans` fills as exporters send. */
export async function startReceiver() {
  const spans = new Map();
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const { resourceSpans = [] } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    for (const span of resourceSpans.flatMap(({ scopeSpans = [] }) =>
      scopeSpans.flatMap(({ spans = [] }) => spans),
    )) {
      spans.set(span.spanId, span);
    }
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { spans, url: `http://127.0.0.1:${server.address().port}/v1/traces`, stop: () => server.close() };
}
