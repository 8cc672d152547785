import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { instrumentClient, McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { MemorySink } from '../support/memorySink.js';
import { copyOfSdk, EXERCISED, exercise } from '../support/sdkCopy.js';

describe('instrumentClient beside an enabled McpInstrumentation', () => {
  for (const order of ['before', 'after']) {
    it(`leaves the spans to it, called ${order} it`, async () => {
      const sdk = copyOfSdk('v1');
      const sink = new MemorySink();
      const exporter = new InMemorySpanExporter();
      const processor = new AuditSpanProcessor({ environment: 'test', sink });
      const provider = new BasicTracerProvider({
        spanProcessors: [new SimpleSpanProcessor(exporter), processor],
      });
      if (order === 'before') instrumentClient(sdk.Client);
      const instrumentation = new McpInstrumentation({ servers: false });
      instrumentation.setTracerProvider(provider);
      if (order === 'after') instrumentClient(sdk.Client);

      await exercise(sdk);
      instrumentation.disable();
      disableSource(defaultSource);
      sdk.remove();
      await processor.shutdown();
      expect(sink.records.map(({ resource }) => resource)).to.deep.equal(EXERCISED);
      const ids = exporter.getFinishedSpans().map((span) => span.spanContext().spanId);
      expect(sink.records.map(({ span_id }) => span_id)).to.have.members(ids);
    });
  }
});
