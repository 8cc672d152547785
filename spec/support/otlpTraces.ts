import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';

/** A span as the OTLP JSON encoding has it. */
interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
}

interface ExportRequest {
  resourceSpans?: { scopeSpans?: { scope?: { name?: string }; spans?: ReceivedSpan[] }[] }[];
}

/** An OTLP/HTTP receiver for traces on loopback, as a collector would be one. */
export async function otlpTraces() {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void body(request).then((text) => {
      const { resourceSpans = [] } = JSON.parse(text) as ExportRequest;
      spans.push(
        ...resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap((scope) => scope.spans ?? [])),
      );
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    spans,
    url: `http://127.0.0.1:${port}/v1/traces`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function body(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}
