import { SpanKind, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { auditSampler } from '../../lib/capture/auditSampler.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { audited, settled } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { SETUPS } from '../support/telemetry.js';

for (const [kind, setUp] of Object.entries(SETUPS)) {
  describe(`auditSampler under ${kind}`, () => {
    const sampler = auditSampler(new AlwaysOffSampler());
    const exporter = new InMemorySpanExporter();
    const seen: string[] = [];
    const foreign = new MemorySink();
    let tearDown: () => Promise<void>;

    before(() => {
      const watching = {
        onStart: () => undefined,
        onEnd: (span: { name: string }) => void seen.push(span.name),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      };
      const audit = new AuditSpanProcessor({ sink: foreign, environment: 'test' });
      tearDown = setUp({ sampler, spanProcessors: [watching, new SimpleSpanProcessor(exporter), audit] });
    });

    after(() => tearDown());

    it('has operations recorded and not exported, with the unsampled flag on the wire', async () => {
      const { client, connect, received } = pair();
      audited(client);
      await connect();
      await client.callTool({ name: 'echo', arguments: {} });
      expect(seen).to.include('tools/call echo');
      expect(exporter.getFinishedSpans()).to.have.length(0);
      expect(JSON.stringify(received.at(-1))).to.match(/"traceparent":"00-[0-9a-f]{32}-[0-9a-f]{16}-00"/);
    });

    it('leaves other spans to the sampler that it is given', () => {
      trace.getTracer('app').startSpan('work').end();
      expect(seen).not.to.include('work');
    });

    it('saves the operations of other instrumentations', async () => {
      const attributes = { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'theirs' };
      trace.getTracer('other').startSpan('tools/call theirs', { kind: SpanKind.CLIENT, attributes }).end();
      await settled();
      expect(foreign.records.map(({ resource }) => resource)).to.include('tools/theirs');
    });

    it('names itself after what it wraps', () => {
      expect(String(sampler)).to.equal('AuditSampler{AlwaysOffSampler}');
    });
  });
}
