import { expect } from 'chai';
import { leafHash, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import {
  consistencyRanges,
  ProofCollector,
  verifyConsistency,
  proveExtension,
  type TreeState,
} from '../../../lib/integrity/tlog/proof.js';
import { hex, numberedLines } from '../../support/referenceTree.js';

const leaves = numberedLines(70).map(leafHash);

function treeOf(size: number): TreeState & { root: string } {
  const tree = new CompactRange();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return { size, subtrees: [...tree.subtrees], root: tree.root() };
}

async function* inBatches(from: number, batch: number) {
  for (let at = from; at < leaves.length; at += batch) yield leaves.slice(at, at + batch);
}

describe('integrity: proofs from the tree that a witness saw last', () => {
  it('are those of RFC 6962 between all sizes, made of the added leaves alone', async () => {
    for (let newer = 1; newer <= 70; newer++) {
      for (let older = 0; older <= newer; older++) {
        const collector = new ProofCollector(consistencyRanges(older, newer));
        for (const leaf of leaves.slice(0, newer)) collector.add(leaf);
        const proof = await proveExtension(treeOf(older), newer, inBatches(older, 7));
        expect(proof.map(hex), `${older} to ${newer}`).to.deep.equal(collector.proof().map(hex));
        expect(verifyConsistency({ older: treeOf(older), newer: treeOf(newer) }, proof)).to.equal(true);
      }
    }
  });

  it('need all leaves that were added', async () => {
    const few = (async function* () {
      yield leaves.slice(10, 12);
    })();
    const failure = await proveExtension(treeOf(10), 20, few).catch((error: Error) => error);
    expect(failure).to.be.instanceOf(RangeError);
  });
});
