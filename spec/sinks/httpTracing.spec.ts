import { context, trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { FieldNotesSink } from '../../lib/sinks/fieldNotes.js';
import { HttpSink } from '../../lib/sinks/http.js';
import { startReceiver, type HttpReceiver } from '../support/httpReceiver.js';
import { sampleRecord } from '../support/sampleRecords.js';

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
    receiver = await startReceiver();
    spans.reset();
  });
  after(async () => {
    for (const instrumentation of instrumentations) instrumentation.disable();
    trace.disable();
    context.disable();
    await provider.shutdown();
    await receiver.close();
  });

  const clientSpans = (): string[] =>
    spans
      .getFinishedSpans()
      .filter(({ instrumentationScope }) => instrumentationScope.name.endsWith('undici'))
      .map(({ name }) => name);

  it('make no span and carry no trace context, though others do', async () => {
    await trace.getTracer('test').startActiveSpan('operation', async (span) => {
      await fetch(receiver.url);
      await new HttpSink({ endpoint: receiver.url }).emit([sampleRecord()]);
      const tokenEndpoint = `${receiver.url}/token`;
      receiver.script = [
        (response) =>
          response
            .writeHead(200, { 'content-type': 'application/json' })
            .end('{"access_token":"t","token_type":"bearer","expires_in":60}'),
      ];
      await new FieldNotesSink({
        endpoint: receiver.url,
        tokenEndpoint,
        clientId: 'c',
        clientSecret: 's',
      }).emit([sampleRecord()]);
      span.end();
    });
    expect(receiver.requests).to.have.length(4);
    expect(clientSpans(), 'the program’s own fetch only').to.deep.equal(['GET']);
    const carried = receiver.requests.map(({ headers }) => 'traceparent' in headers);
    expect(carried).to.deep.equal([true, false, false, false]);
  });
});
