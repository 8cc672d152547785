import { expect } from 'chai';
import fc from 'fast-check';
import { decodeLine, encodeLine } from '../../lib/codecs/json.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { FinishedSpan } from '../../lib/processor/operation.js';
import { MemorySink } from '../support/memorySink.js';

const KEYS = [
  'gen_ai.tool.name',
  'gen_ai.tool.call.arguments',
  'gen_ai.prompt.name',
  'mcp.resource.uri',
  'mcp.session.id',
  'jsonrpc.request.id',
  'server.address',
  'error.type',
  'rpc.response.status_code',
];

/** What no SDK would make, but another processor or a tool of its own may. */
const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withMap: true });
const method = fc.constantFrom('tools/call', 'resources/read', 'prompts/get', 'ping', 'made/up', '__proto__');

const attributes = fc
  .tuple(method, fc.dictionary(fc.constantFrom(...KEYS), fc.oneof(fc.string({ unit: 'binary' }), anything)))
  .map(([name, others]) => ({ 'mcp.method.name': name, ...others }));

const spans: fc.Arbitrary<FinishedSpan> = fc
  .record({
    name: fc.string(),
    kind: fc.constant(2),
    startTime: fc.oneof(fc.tuple(fc.integer(), fc.integer()), anything),
    duration: fc.oneof(fc.tuple(fc.nat(), fc.nat()), anything),
    status: fc.oneof(
      fc.constant({ code: 0 }),
      fc.record({ code: fc.nat(3), message: fc.string() }),
      anything,
    ),
    attributes,
    links: fc.constant([]),
    instrumentationScope: fc.constant({ name: 'another' }),
    context: fc.oneof(
      fc.record({ traceId: fc.string(), spanId: fc.string(), traceFlags: fc.nat() }),
      anything,
    ),
  })
  .map(({ context, ...span }) => ({ ...span, spanContext: () => context }) as unknown as FinishedSpan);

describe('finished spans of any shape', () => {
  it('make one well-formed record each, or a loss that is reported, and never an exception', async () => {
    let lost = 0;
    const sink = new MemorySink();
    const onError = (_: Error, info: { lost: number }): void => void (lost += info.lost);
    const processor = new AuditSpanProcessor({ sink, environment: 'test', onError });
    let ended = 0;
    fc.assert(
      fc.property(spans, (span) => {
        processor.onEnd(span);
        ended++;
      }),
      { numRuns: 1_000 },
    );
    await processor.forceFlush();
    await processor.shutdown();
    expect(sink.records.length + lost).to.equal(ended);
    for (const record of sink.records) {
      const line = encodeLine(record);
      expect(line).not.to.match(/[\n\r]/);
      expect(decodeLine(line).record_id).to.equal(record.record_id);
    }
  });
});
