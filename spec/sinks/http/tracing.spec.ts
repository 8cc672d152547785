import { createRequire, syncBuiltinESMExports } from 'node:module';
import http, { type ServerResponse } from 'node:http';
import { SpanKind, context, propagation, trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { FieldNotesSink } from '../../../lib/sinks/http/fieldNotesSink.js';
import { HttpSink } from '../../../lib/sinks/http/httpSink.js';
import { startReceiver, type HttpReceiver } from '../../support/httpReceiver.js';
import { sampleRecord } from '../../support/sampleRecords.js';

describe('the requests of a sink, with HTTP instrumentations on', () => {
  const spans = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const instrumentations = [new UndiciInstrumentation(), new HttpInstrumentation()];
  let receiver: HttpReceiver;

  before(async () => {
    provider.register();
    for (const instrumentation of instrumentations) {
      instrumentation.setTracerProvider(provider);
      instrumentation.enable();
    }
    // The module is patched when it is next required, and those who imported it see that once the exports are synced.
    createRequire(import.meta.url)('node:http');
    syncBuiltinESMExports();
    receiver = await startReceiver();
    spans.reset();
  });
  after(async () => {
    for (const instrumentation of instrumentations) instrumentation.disable();
    syncBuiltinESMExports();
    trace.disable();
    context.disable();
    propagation.disable();
    await provider.shutdown();
    await receiver.close();
  });

  /** The kinds of the instrumentation's name whose client spans have come up, in order. */
  const clientSpans = (): string[] =>
    spans
      .getFinishedSpans()
      .filter(({ kind }) => kind === SpanKind.CLIENT)
      .map(({ instrumentationScope }) => instrumentationScope.name.replace(/.*-/, ''));

  const token = (response: ServerResponse): void => {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"access_token":"t","token_type":"bearer","expires_in":60}');
  };

  it('make no span and carry no trace context, though others do', async () => {
    const endpoint = receiver.url;
    const records = [sampleRecord()];
    await trace.getTracer('test').startActiveSpan('operation', async (span) => {
      await fetch(endpoint);
      await new Promise((resolve) => http.get(endpoint, (response) => response.resume().on('end', resolve)));
      await new HttpSink({ endpoint }).emit(records);
      await new HttpSink({ endpoint, fetch: globalThis.fetch }).emit(records);
      receiver.script = [token];
      const tokenEndpoint = `${endpoint}/token`;
      await new FieldNotesSink({ endpoint, tokenEndpoint, clientId: 'c', clientSecret: 's' }).emit(records);
      span.end();
    });
    expect(clientSpans(), 'the program’s own two').to.deep.equal(['undici', 'http']);
    const carried = receiver.requests.map(({ headers }) => 'traceparent' in headers);
    expect(carried).to.deep.equal([true, true, false, false, false, false]);
  });
});
