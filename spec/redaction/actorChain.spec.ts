import { expect } from 'chai';
import { createRedactor } from '../../lib/redaction/createRedactor.js';
import type { RedactionOptions } from '../../lib/redaction/policy/options.js';
import type { ChainLink } from '../../lib/schema/record.js';
import { draftRecord } from '../support/draftRecord.js';

const TOKEN = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
const agent: ChainLink = { id: 'agent', type: 'agent', identity: 'self-reported', source: 'program' };
const byCaller: ChainLink = { id: 'sub-agent', identity: 'self-reported', source: 'caller' };
const byToken: ChainLink = {
  ...{ id: 'user-1', type: 'user', identity: 'verified', issuer: 'https://issuer.example', source: 'token' },
};

/** The chain of a record, and the record, after redaction. */
function redacted(chain: readonly ChainLink[], options: RedactionOptions = {}, mcp: object = {}) {
  const draft = draftRecord(mcp, { actor_id: 'agent', on_behalf_of: 'user-1', actor_chain: chain });
  const record = createRedactor(options).record(draft);
  return { record, chain: record.actor_chain as readonly (ChainLink | string)[] };
}

describe('redaction of a chain of actors', () => {
  it('keeps names as it keeps those of actors, though they look like personal data', () => {
    const links = [agent, { ...agent, id: 'ada@example.com' }, byToken];
    expect(redacted(links, { packs: { contact: true } }).chain).to.deep.equal(links);
  });

  it("searches a caller's own word for secrets, and hides there what is a secret elsewhere", () => {
    const chain = [{ ...byCaller, id: `Bearer ${TOKEN}` }, { ...byCaller, id: 'hunter2222' }, agent];
    const shown = redacted(chain, {}, { tool_arguments: { password: 'hunter2222' } });
    expect(JSON.stringify(shown.record)).not.to.include(TOKEN).and.not.to.include('hunter2222');
    expect(shown.chain[2]).to.deep.equal(agent);
  });

  it('cuts names that are too long, and makes them well-formed', () => {
    const { record, chain } = redacted([
      { ...byCaller, id: 'x'.repeat(5_000) },
      { ...agent, id: 'half \ud800' },
    ]);
    expect((chain[0] as ChainLink).id.length).to.be.lessThan(1_100);
    expect((chain[1] as ChainLink).id).to.equal('half \ufffd');
    expect(record.truncated?.map(({ path }) => path)).to.deep.equal(['actor_chain.0.id']);
  });

  it('hides the names where the policy hides who acts, and the rest stays', () => {
    for (const path of ['actor_id', 'on_behalf_of']) {
      const { record } = redacted([byCaller, agent, byToken], { redactPaths: [path] });
      expect(record.actor_chain?.map(({ id }) => id)).to.deep.equal(Array(3).fill('[REDACTED]'));
      expect(record.actor_chain?.[2]).to.include({ identity: 'verified', source: 'token' });
    }
    const dropped = redacted([agent, byToken], { redactPaths: ['actor_id'], replacement: 'drop' });
    expect(dropped.record.actor_chain?.map(({ id }) => id)).to.deep.equal(['[REDACTED]', '[REDACTED]']);
  });

  it('follows paths into the chain, and hides the whole of it', () => {
    expect(redacted([agent, byToken], { redactPaths: ['actor_chain[*].issuer'] }).chain).to.deep.equal([
      agent,
      { ...byToken, issuer: '[REDACTED]' },
    ]);
    expect(redacted([agent, byToken], { redactPaths: ['actor_chain'] }).record.actor_chain).to.equal(
      '[REDACTED]',
    );
  });

  it('keeps a record within its bounds', () => {
    const chain = Array.from({ length: 10 }, (_, index) => ({ ...byCaller, id: `${index}`.repeat(1_000) }));
    const { record } = redacted(
      chain,
      { limits: { totalBytes: 16_384 } },
      {
        tool_arguments: { text: 'y'.repeat(60_000) },
      },
    );
    expect(Buffer.byteLength(JSON.stringify(record))).to.be.at.most(16_384);
  });
});
