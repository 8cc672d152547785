import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { draftRecord } from '../../support/draftRecord.js';
import { sha256 } from '../../support/sha256.js';

describe('[attack 12] bounds of what is large', () => {
  it('a 50 MB argument keeps the metadata, its length and its SHA-256', () => {
    const big = 'lorem ipsum '.repeat(50_000_000 / 12);
    const heapBefore = process.memoryUsage().heapUsed;
    const record = createRedactor().record(draftRecord({ tool_arguments: { body: big, after: 1 } }));
    expect(process.memoryUsage().heapUsed - heapBefore).to.be.below(200_000_000);
    expect(Buffer.byteLength(JSON.stringify(record))).to.be.below(65_536);
    expect(record.mcp?.tool_arguments).to.have.property('after', 1);
    expect(record.actor_id).to.equal(draftRecord().actor_id);
    expect(record.truncated).to.deep.equal([
      {
        path: 'mcp.tool_arguments.body',
        original_bytes: big.length,
        sha256: sha256(big),
      },
    ]);
  });
});
