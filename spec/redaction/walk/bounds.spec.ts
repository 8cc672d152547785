import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { encodedSize } from '../../../lib/redaction/fit.js';
import type { DraftRecord } from '../../../lib/schema/record.js';
import { draftRecord } from '../../support/draftRecord.js';
import { sha256 } from '../../support/sha256.js';
import { secretSamples } from '../../support/secretSamples.js';

const outputs = { levels: { default: 'RequestResponse' } } as const;
const line = (record: DraftRecord): number => encodedSize(JSON.stringify(record));

/** Everything that a codec escapes, each as long as it can get. */
const NASTY = '\u0085\u2028\u202e\u0000\ud800"\\😀é'.repeat(5_000);

describe('[attack 12] bounds', function () {
  this.timeout(120_000);

  it('the SHA-256 is of the redacted text, wherever the secret stands', () => {
    const { aws } = secretSamples();
    const around = 'lorem ipsum '.repeat(100_000);
    const record = createRedactor().record(
      draftRecord({ tool_arguments: { body: `${around}${aws} ${around}` } }),
    );
    const redacted = `${around}[REDACTED] ${around}`;
    expect(record.truncated?.[0]).to.include({ original_bytes: redacted.length, sha256: sha256(redacted) });
  });

  it('text beyond the scan budget is measured, not kept and not hashed', () => {
    const limited = createRedactor({ limits: { scanUnits: 1_000 } });
    const record = limited.record(draftRecord({ tool_arguments: { body: 'x '.repeat(5_000) } }));
    expect(record.truncated).to.deep.equal([{ path: 'mcp.tool_arguments.body', original_bytes: 10_000 }]);
    expect(record.mcp?.tool_arguments).to.deep.equal({ body: '…[10000 bytes]' });
  });

  it('breadth is cut with the number of entries that were there', () => {
    const limited = createRedactor({ limits: { breadth: 3 } });
    const record = limited.record(
      draftRecord({ tool_arguments: { list: [1, 2, 3, 4, 5], set: new Set([1, 2, 3, 4]), fits: [1, 2, 3] } }),
    );
    expect(record.mcp?.tool_arguments).to.deep.equal({
      list: [1, 2, '…[3 more]'],
      set: [1, 2, '…[2 more]'],
      fits: [1, 2, 3],
    });
    expect(record.truncated).to.deep.equal([
      { path: 'mcp.tool_arguments.list', original_entries: 5 },
      { path: 'mcp.tool_arguments.set', original_entries: 4 },
    ]);
  });

  it('a record is one line of at most 65,535 bytes, however its values are made', () => {
    const redactor = createRedactor(outputs);
    const wide = Object.fromEntries(
      Array.from({ length: 900 }, (_, index) => [`k${index}${NASTY.slice(0, 200)}`, NASTY]),
    );
    for (const detail of [
      { tool_arguments: { nasty: NASTY } },
      { tool_arguments: wide, tool_result: wide, prompt_arguments: [wide, wide] },
      { tool_arguments: Array(1_000).fill(Number.MIN_VALUE), tool_result: Array(1_000).fill(NASTY) },
      { resource_uri: `x:${NASTY}`, server_address: NASTY, tool_name: NASTY, session_id: NASTY },
    ]) {
      const record = redactor.record(
        draftRecord(detail, {
          actor_id: NASTY,
          resource: NASTY,
          message: NASTY,
          policy_tags: Array(500).fill(NASTY),
        }),
      );
      expect(line(record) + 64).to.be.at.most(65_535);
      expect(record.record_id).to.equal(draftRecord().record_id);
      expect(record.truncated).to.have.length.above(0);
      expect(JSON.stringify(redactor.record(record))).to.equal(JSON.stringify(record));
    }
  });

  it('the smallest line still holds the metadata', () => {
    const redactor = createRedactor({ ...outputs, limits: { totalBytes: 8_192 } });
    const names = {
      actor_id: NASTY,
      resource: NASTY,
      message: NASTY,
      server_id: NASTY,
      server_version: NASTY,
    };
    const more = {
      client_id: NASTY,
      client_version: NASTY,
      session_id: NASTY,
      tenant_id: NASTY,
      component: NASTY,
    };
    const record = redactor.record(
      draftRecord(
        {
          tool_arguments: [NASTY],
          tool_result: [NASTY],
          tool_name: NASTY,
          resource_uri: NASTY,
          prompt_name: NASTY,
        },
        {
          ...names,
          ...more,
          environment: NASTY,
          policy_tags: Array(500).fill(NASTY),
          error: { type: NASTY, message: NASTY },
        },
      ),
    );
    expect(line(record) + 64).to.be.at.most(8_192);
    expect(record.actor_id).to.have.length.above(0);
  });

  it('a cut never shows half of a secret or half of a marker', () => {
    const limited = createRedactor({ limits: { stringBytes: 256 } });
    for (let shift = 150; shift < 260; shift++) {
      const { github, card, jwt } = secretSamples();
      const out = limited.value(
        `${'a '.repeat(shift / 2)}${github} ${card} ${jwt} ${'b '.repeat(300)}`,
      ) as string;
      for (const secret of [github, card, jwt]) expect(out).not.to.contain(secret?.slice(0, 10));
      expect(out.replaceAll('[REDACTED]', '')).not.to.match(/\[R/);
    }
  });

  it('a path in truncated holds no secret from a key', () => {
    const { openai } = secretSamples();
    const record = createRedactor().record(
      draftRecord({ tool_arguments: { [openai ?? '']: 'x'.repeat(20_000) } }),
    );
    expect(JSON.stringify(record)).not.to.contain(openai);
    expect(record.truncated?.[0]?.path).to.equal('mcp.tool_arguments.[REDACTED]');
  });

  it('a key longer than any name is cut', () => {
    const out = createRedactor().value({ ['k'.repeat(5_000)]: 1 }) as object;
    expect(Object.keys(out)[0]).to.have.length(256);
  });
});
