import { expect } from 'chai';
import type { AuditOptions } from '../../lib/config.js';
import { audited } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';

const KEY = 'otel-mcp-log/actors';
const PAIRS = { v1: fullPairV1, 'v2, legacy': () => fullPairV2('legacy'), v2: () => fullPairV2('modern') };
const call = { name: 'echo', arguments: { message: 'm' } };
const actorId = () => ({
  id: 'sub-agent',
  type: 'agent' as const,
  tenantId: 'canary-tenant',
  authority: { type: 'approval', id: 'canary-approval' },
  chain: [{ id: 'agent' }, { id: 'ada', type: 'user' as const, verifiedBy: 'https://canary.example' }],
});
const SENT = [{ id: 'sub-agent', type: 'agent' }, { id: 'agent' }, { id: 'ada', type: 'user' }];

for (const [version, makePair] of Object.entries(PAIRS)) {
  describe(`who acts, as servers learn it (${version})`, () => {
    /** Connects, calls, closes; gives the `_meta` of the call, what went over the wire, and the record. */
    async function run(options: Partial<AuditOptions>, _meta?: Record<string, unknown>, freeze = false) {
      const { client, connect, transport, received } = makePair();
      const sink = audited(client, options);
      if (freeze)
        Object.defineProperty(transport, 'send', {
          value: transport.send,
          configurable: false,
          writable: false,
        });
      await connect();
      await client.callTool({ ...call, ...(_meta && { _meta }) });
      await client.close();
      const sent = (received as { method?: string; params?: { _meta?: Record<string, unknown> } }[]).find(
        ({ method }) => method === 'tools/call',
      );
      return {
        meta: sent?.params?._meta ?? {},
        wire: JSON.stringify(received),
        record: sink.only('tools/call'),
      };
    }

    it('is nothing, unless the option says so', async () => {
      for (const options of [{}, { propagateActors: false }, { propagateActors: () => false }]) {
        const { wire, record } = await run({ actorId, ...options });
        expect(wire)
          .not.to.include(KEY)
          .and.not.to.match(/sub-agent|"ada"/);
        expect(record.actor_chain).to.have.length(3);
      }
    });

    it('is the names and kinds of the chain, and nothing else of it', async () => {
      const { meta, wire } = await run({ actorId, propagateActors: true });
      expect(meta[KEY]).to.deep.equal(SENT);
      expect(meta).to.have.property('traceparent');
      expect(wire).not.to.include('canary');
    });

    it('goes over a transport whose messages cannot be seen', async () => {
      expect((await run({ actorId, propagateActors: true }, undefined, true)).meta[KEY]).to.deep.equal(SENT);
    });

    it('does not depend on the trace context', async () => {
      const { meta } = await run({
        actorId: 'robot',
        onBehalfOf: 'ada',
        propagate: false,
        propagateActors: true,
      });
      expect(meta[KEY]).to.deep.equal([{ id: 'robot' }, { id: 'ada' }]);
      expect(meta).not.to.have.property('traceparent');
    });

    it('is nothing where nobody is named: the id of a session gives nobody a name', async () => {
      expect((await run({ propagateActors: true })).wire).not.to.include(KEY);
    });

    it("gives way to the caller's own word, which is on record as such", async () => {
      const own = [{ id: 'other', type: 'service' }];
      const { meta, record } = await run({ actorId: 'robot', propagateActors: true }, { [KEY]: own });
      expect(meta[KEY]).to.deep.equal(own);
      expect(record).to.include({ actor_id: 'robot' });
      expect(record.actor_chain).to.deep.equal([
        { id: 'other', type: 'service', identity: 'self-reported', source: 'caller' },
        { id: 'robot', identity: 'self-reported', source: 'program' },
      ]);
    });

    it('asks a function by the address, and takes a throw for a no', async () => {
      const throws = () => {
        throw new Error('mine');
      };
      expect((await run({ actorId, propagateActors: throws })).wire).not.to.include(KEY);
      expect((await run({ actorId, propagateActors: () => true })).meta[KEY]).to.deep.equal(SENT);
    });
  });
}
