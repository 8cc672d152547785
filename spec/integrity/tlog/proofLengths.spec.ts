import { expect } from 'chai';
import { leafHash, nodeHash, CompactRange, type Hash } from '../../../lib/integrity/tlog/merkle.js';
import {
  consistencyRanges,
  inclusionRanges,
  ProofCollector,
  verifyConsistency,
  verifyInclusion,
  type LeafRange,
} from '../../../lib/integrity/tlog/proof.js';
import { numberedLines } from '../../support/referenceTree.js';

const MOST = 20;
const leaves = numberedLines(MOST).map((line) => leafHash(line));
const extra = leafHash(Buffer.from('extra'));

function rootOf(size: number): Hash {
  const tree = new CompactRange();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return tree.root();
}

function proofOf(ranges: readonly LeafRange[]): Hash[] {
  const collector = new ProofCollector(ranges);
  for (const leaf of leaves) collector.add(leaf);
  return collector.proof();
}

/** Every proof that is one hash longer or shorter than this one, or has none. */
function otherLengths(proof: readonly Hash[]): Hash[][] {
  const longer = [...proof, extra].flatMap((_, place) =>
    [extra, proof[place] ?? extra].map((hash) => [...proof.slice(0, place), hash, ...proof.slice(place)]),
  );
  const shorter = proof.map((_, place) => [...proof.slice(0, place), ...proof.slice(place + 1)]);
  return [...longer, ...shorter, ...(proof.length > 0 ? [[]] : [])];
}

/** The proof with each of its hashes cut, prolonged, or replaced by what is no hash. */
function otherWidths(proof: readonly Hash[]): Hash[][] {
  const wrong = (hash: Hash) => [hash.slice(1), `${hash}\0`, '', `${hash.slice(1)}\u0100`, hash + hash];
  return proof.flatMap((hash, place) =>
    wrong(hash).map((bad) => proof.map((other, n) => (n === place ? (bad as Hash) : other))),
  );
}

/** Every root to which the hashes of a proof lead from a leaf, whichever side each of them is taken to be on. */
function rootsWithin(leaf: Hash, proof: readonly Hash[]): Set<Hash> {
  let roots = new Set([leaf]);
  for (const hash of proof)
    roots = new Set([...roots].flatMap((root) => [nodeHash(root, hash), nodeHash(hash, root)]));
  return roots;
}

describe('integrity: the length of a proof', () => {
  it('of inclusion is the one that RFC 9162 has for this leaf and this size, and no other', () => {
    for (let size = 1; size <= MOST; size++)
      for (let index = 0; index < size; index++) {
        const proof = proofOf(inclusionRanges(index, size));
        const claim = { index, size, leaf: leaves[index] ?? expect.fail(), root: rootOf(size) };
        expect(verifyInclusion(claim, proof), `${index} of ${size}`).to.equal(true);
        for (const other of [...otherLengths(proof), ...otherWidths(proof)])
          expect(verifyInclusion(claim, other), `${index} of ${size}`).to.equal(false);
      }
  });

  it('of inclusion is checked even where the hashes lead to the root that is claimed', () => {
    for (let size = 1; size <= 12; size++)
      for (let index = 0; index < size; index++) {
        const leaf = leaves[index] ?? expect.fail();
        for (const proof of otherLengths(proofOf(inclusionRanges(index, size))).filter(
          (hashes) => hashes.length < 6,
        ))
          for (const root of rootsWithin(leaf, proof))
            expect(verifyInclusion({ index, size, leaf, root }, proof), `${index} of ${size}`).to.equal(
              false,
            );
      }
  });

  it('of inclusion belongs to its size: a tree of other depth does not take it', () => {
    for (let size = 1; size <= MOST; size++)
      for (let index = 0; index < size; index++) {
        const proof = proofOf(inclusionRanges(index, size));
        const claim = { index, leaf: leaves[index] ?? expect.fail(), root: rootOf(size) };
        for (let other = index + 1; other <= MOST; other++)
          if (inclusionRanges(index, other).length !== proof.length)
            expect(verifyInclusion({ ...claim, size: other }, proof), `${index} of ${other}`).to.equal(false);
      }
  });

  it('of consistency is the one that RFC 9162 has for these sizes, and no other', () => {
    for (let size = 1; size <= MOST; size++)
      for (let older = 1; older <= size; older++) {
        const proof = proofOf(consistencyRanges(older, size));
        const claim = { older: { size: older, root: rootOf(older) }, newer: { size, root: rootOf(size) } };
        expect(verifyConsistency(claim, proof), `${older} to ${size}`).to.equal(true);
        for (const other of [...otherLengths(proof), ...otherWidths(proof)])
          expect(verifyConsistency(claim, other), `${older} to ${size}`).to.equal(false);
      }
  });

  it('of hashes of another width makes a leaf or a root no proof, either', () => {
    const claim = { index: 0, size: 2, leaf: leaves[0] ?? expect.fail(), root: rootOf(2) };
    const proof = proofOf(inclusionRanges(0, 2));
    for (const bad of [claim.leaf.slice(1), `${claim.leaf}\0`, ''] as Hash[]) {
      expect(verifyInclusion({ ...claim, leaf: bad }, proof)).to.equal(false);
      expect(verifyInclusion({ ...claim, root: bad }, proof)).to.equal(false);
      const pair = { older: { size: 2, root: bad }, newer: { size: 2, root: bad } };
      expect(verifyConsistency(pair, [])).to.equal(false);
    }
  });
});
