import { expect } from 'chai';
import { IntegrityError } from '../../../lib/errors.js';
import { formatTreeHead, openCheckpoint } from '../../../lib/integrity/tlog/checkpoint.js';
import { hashToBase64, leafHash, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import { resolveSigner } from '../../../lib/integrity/sealing/keys.js';
import { consistencyRanges, inclusionRanges, ProofCollector } from '../../../lib/integrity/tlog/proof.js';
import {
  checkConsistencyProof,
  checkTlogProof,
  formatConsistencyProof,
  formatTlogProof,
  parseConsistencyProof,
  parseTlogProof,
} from '../../../lib/integrity/tlog/tlogProof.js';
import { numberedLines } from '../../support/referenceTree.js';
import { newKey } from '../../support/signing.js';

const SIZE = 11;
const lines = numberedLines(SIZE);
const { pem, verifier } = newKey('example.com/log');

async function checkpointOf(size: number, origin = 'example.com/log'): Promise<string> {
  const tree = new CompactRange();
  for (const line of lines.slice(0, size)) tree.append(leafHash(line));
  return resolveSigner('integrity', origin, { pem }).sign(
    formatTreeHead({ origin, size, root: tree.root() }),
  );
}

function hashes(collector: ProofCollector) {
  for (const line of lines) collector.add(leafHash(line));
  return collector.proof();
}

describe('integrity: proofs as text', () => {
  it('of a record have the form that the specification shows', async () => {
    const checkpoint = await checkpointOf(SIZE);
    const proof = { index: 4, hashes: hashes(new ProofCollector(inclusionRanges(4, SIZE))), checkpoint };
    const text = formatTlogProof({ ...proof, extra: Buffer.from('age') });
    const path = proof.hashes.map((hash) => `${hashToBase64(hash)}\n`).join('');
    expect(text).to.equal(`c2sp.org/tlog-proof@v1\nextra YWdl\nindex 4\n${path}\n${checkpoint}`);
    expect(parseTlogProof(text)).to.deep.equal({ ...proof, extra: Buffer.from('age') });
    expect(parseTlogProof(formatTlogProof(proof))).to.deep.equal(proof);
    expect(checkTlogProof(parseTlogProof(text), lines[4] ?? expect.fail(), [verifier]).size).to.equal(SIZE);
  });

  it('of the only record of a log hold no hashes', async () => {
    const proof = { index: 0, hashes: [], checkpoint: await checkpointOf(1) };
    const parsed = parseTlogProof(formatTlogProof(proof));
    expect(parsed).to.deep.equal(proof);
    expect(checkTlogProof(parsed, lines[0] ?? expect.fail(), [verifier]).size).to.equal(1);
  });

  it('of a record are rejected in any other form', async () => {
    const checkpoint = await checkpointOf(1);
    for (const text of [
      '',
      checkpoint,
      `c2sp.org/tlog-proof@v2\nindex 0\n\n${checkpoint}`,
      `c2sp.org/tlog-proof@v1\n\n${checkpoint}`,
      `c2sp.org/tlog-proof@v1\nindex 00\n\n${checkpoint}`,
      `c2sp.org/tlog-proof@v1\nindex -1\n\n${checkpoint}`,
      `c2sp.org/tlog-proof@v1\nextra ???\nindex 0\n\n${checkpoint}`,
      `c2sp.org/tlog-proof@v1\nindex 0\nshort\n\n${checkpoint}`,
      `c2sp.org/tlog-proof@v1\nindex 0\n${`${'A'.repeat(43)}=\n`.repeat(64)}\n${checkpoint}`,
    ])
      expect(() => parseTlogProof(text), text.slice(0, 60)).to.throw(IntegrityError, /not a (tlog-)?proof/);
  });

  it('between checkpoints are what a witness takes', async () => {
    const older = openCheckpoint(await checkpointOf(6), [verifier]);
    const checkpoint = await checkpointOf(SIZE);
    const proof = { older: 6, hashes: hashes(new ProofCollector(consistencyRanges(6, SIZE))), checkpoint };
    const text = formatConsistencyProof(proof);
    expect(text).to.match(/^old 6\n(?:[A-Za-z0-9+/]{43}=\n)+\nexample\.com\/log\n11\n/);
    expect(parseConsistencyProof(text)).to.deep.equal(proof);
    expect(checkConsistencyProof(parseConsistencyProof(text), older, [verifier]).size).to.equal(SIZE);
    expect(() => checkConsistencyProof({ ...proof, older: 5 }, older, [verifier])).to.throw(
      'the proof is of another checkpoint',
    );
    const [first = '', ...rest] = proof.hashes;
    const damaged = [[], rest, [...proof.hashes, first], [leafHash(Buffer.from('x')), ...rest]];
    for (const changed of damaged)
      expect(() => checkConsistencyProof({ ...proof, hashes: changed }, older, [verifier])).to.throw(
        'it is damaged, or not of these two checkpoints',
      );
    const rewritten = { ...older, root: leafHash(Buffer.from('another history')) };
    expect(() => checkConsistencyProof(proof, rewritten, [verifier])).to.throw('history was rewritten');
  });

  it('are not made between two logs', async () => {
    const other = newKey('example.com/other');
    const head = formatTreeHead({
      origin: 'example.com/other',
      size: 1,
      root: leafHash(lines[0] ?? expect.fail()),
    });
    const note = await resolveSigner('integrity', 'example.com/other', { pem: other.pem }).sign(head);
    const older = openCheckpoint(note, [other.verifier]);
    const proof = { older: 1, hashes: [], checkpoint: await checkpointOf(1) };
    expect(() => checkConsistencyProof(proof, older, [verifier])).to.throw(IntegrityError, 'of two logs');
  });
});
