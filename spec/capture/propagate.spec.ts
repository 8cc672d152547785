import { expect } from 'chai';
import type { AuditOptions } from '../../lib/config.js';
import { McpInstrumentation } from '../../lib/capture/instrumentation.js';
import { audited } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';

type Propagate = AuditOptions['propagate'];

const PAIRS = { v1: fullPairV1, 'v2, legacy': () => fullPairV2('legacy'), v2: () => fullPairV2('modern') };
const call = { name: 'echo', arguments: { message: 'm' } };

for (const [version, makePair] of Object.entries(PAIRS)) {
  describe(`propagation of the trace context (${version})`, () => {
    /** Connects, lists, calls, closes; gives what arrived and what was recorded. */
    async function run(propagate?: Propagate, freeze = false) {
      const { client, connect, transport, received } = makePair();
      const sink = audited(client, propagate === undefined ? {} : { propagate });
      if (freeze)
        Object.defineProperty(transport, 'send', {
          value: transport.send,
          configurable: false,
          writable: false,
        });
      await connect();
      await client.listTools();
      await client.callTool(call);
      await client.close();
      const wire = JSON.stringify(received);
      return { wire, record: sink.only('tools/call') };
    }

    it('goes to the server unless it is switched off', async () => {
      const { wire, record } = await run();
      expect(wire).to.include(`00-${record.trace_id}-${record.span_id}-00`);
      expect((await run(true)).wire).to.include('traceparent');
    });

    it('says nothing to any server with `false`, and the record is whole all the same', async () => {
      const { wire, record } = await run(false);
      expect(wire)
        .to.include('tools/call')
        .and.not.to.match(/traceparent|tracestate|baggage/);
      expect(record).to.include({ outcome: 'OUTCOME_SUCCESS' });
      expect(record.trace_id).to.match(/^[0-9a-f]{32}$/);
      expect(record.mcp?.request_id).to.be.a('string');
    });

    it('asks a function by the address of the server, and takes nothing but `true` for a yes', async () => {
      const asked: unknown[] = [];
      const answering = (answer: unknown) => (address?: string) => {
        asked.push(address);
        return answer as boolean;
      };
      expect((await run(answering(true))).wire).to.include('traceparent');
      for (const no of [false, undefined, 1, Promise.resolve(true)])
        expect((await run(answering(no))).wire).not.to.include('traceparent');
      // An in-memory transport has no address.
      expect(new Set(asked)).to.deep.equal(new Set([undefined]));
      const throws = () => {
        throw new Error('mine');
      };
      const { wire, record } = await run(throws);
      expect(wire).not.to.include('traceparent');
      expect(record.outcome).to.equal('OUTCOME_SUCCESS');
    });

    it('is switched off by the instrumentation as well, which may be told so later', async () => {
      const instrumentation = new McpInstrumentation({ propagate: false });
      try {
        expect((await run()).wire).not.to.include('traceparent');
        expect((await run(true)).wire).not.to.include('traceparent');
        instrumentation.setConfig({ propagate: () => true });
        expect((await run()).wire).to.include('traceparent');
        expect((await run(false)).wire).not.to.include('traceparent');
      } finally {
        instrumentation.disable();
      }
    });

    it('leaves what the caller sets itself on the wire', async () => {
      const { client, connect, received } = makePair();
      const sink = audited(client, { propagate: false });
      await connect();
      const traceId = '0123456789abcdef0123456789abcdef';
      const traceparent = `00-${traceId}-0123456789abcdef-01`;
      await client.callTool({ ...call, _meta: { traceparent } });
      expect(JSON.stringify(received.at(-1))).to.include(traceparent);
      expect(sink.only('tools/call').trace_id).to.equal(traceId);
    });

    it('says nothing over a transport that cannot be watched, either', async () => {
      if (version === 'v2') return;
      expect((await run(true, true)).wire).to.include('traceparent');
      expect((await run(false, true)).wire).not.to.include('traceparent');
    });
  });
}
