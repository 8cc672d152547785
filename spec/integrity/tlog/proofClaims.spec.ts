import { expect } from 'chai';
import {
  EMPTY_ROOT,
  leafHash,
  nodeHash,
  CompactRange,
  type Hash,
} from '../../../lib/integrity/tlog/merkle.js';
import {
  consistencyRanges,
  inclusionRanges,
  ProofCollector,
  verifyConsistency,
  verifyInclusion,
} from '../../../lib/integrity/tlog/proof.js';
import { numberedLines } from '../../support/referenceTree.js';

const leaves = numberedLines(5).map((line) => leafHash(line));
const at = (index: number) => leaves[index] ?? expect.fail();
const headOf = (size: number) => {
  const tree = new CompactRange();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return { size, root: tree.root() };
};
const hashesOf = (collector: ProofCollector): Hash[] => {
  for (const leaf of leaves) collector.add(leaf);
  return collector.proof();
};
const EXTRA = leafHash(Buffer.from('extra'));

// Each of these proofs would hold if its numbers were taken as they come: the hashes do lead to the roots that are claimed.
describe('integrity: a proof whose hashes lead to the root that is claimed', () => {
  const pair = { leaf: at(0), root: nodeHash(at(0), at(1)) };

  it('shows no leaf at an index, or in a tree of a size, that is no whole number', () => {
    expect(verifyInclusion({ ...pair, index: 0, size: 2 }, [at(1)])).to.equal(true);
    for (const [index, size] of [
      [0.5, 2],
      [0, 1.5],
      [-1, 2],
      [0, NaN],
      [NaN, 2],
    ] as const)
      expect(verifyInclusion({ ...pair, index, size }, [at(1)]), `${index} of ${size}`).to.equal(false);
  });

  it('shows no leaf in a tree that is too small for so many hashes', () => {
    const claim = { index: 0, size: 1, leaf: at(0), root: nodeHash(EXTRA, at(0)) };
    expect(verifyInclusion(claim, [EXTRA])).to.equal(false);
  });

  it('shows no leaf in a tree that is too large for so few', () => {
    expect(verifyInclusion({ ...pair, index: 0, size: 3 }, [at(1)])).to.equal(false);
    expect(verifyInclusion({ index: 0, size: 2, leaf: at(0), root: at(0) }, [])).to.equal(false);
  });

  it('shows no extension of, or to, a tree of a size that is no whole number', () => {
    const [one, two] = [headOf(1), headOf(2)];
    for (const [older, newer, proof] of [
      [{ ...two, size: 2 }, { ...two, size: 2.5 }, []],
      [{ ...one, size: -1 }, one, [one.root]],
      [{ ...one, size: 0.5 }, one, [one.root]],
      [{ ...two, size: NaN }, two, []],
      [two, { ...two, size: NaN }, []],
    ] as const)
      expect(verifyConsistency({ older, newer }, proof), `${older.size} to ${newer.size}`).to.equal(false);
  });

  it('shows no extension between trees that are too small for so many hashes', () => {
    const [older, newer] = [headOf(3), headOf(4)];
    const proof = [at(2), at(3), nodeHash(at(0), at(1))];
    expect(verifyConsistency({ older, newer }, proof)).to.equal(true);
    const claim = {
      older: { size: 3, root: nodeHash(EXTRA, older.root) },
      newer: { size: 4, root: nodeHash(EXTRA, newer.root) },
    };
    expect(verifyConsistency(claim, [...proof, EXTRA])).to.equal(false);
  });

  it('shows no extension to a smaller tree', () => {
    const { root } = headOf(2);
    expect(verifyConsistency({ older: { size: 2, root }, newer: { size: 1, root } }, [])).to.equal(false);
  });

  it('shows no extension to a tree that is too large for so few', () => {
    const [older, newer] = [headOf(2), headOf(3)];
    expect(verifyConsistency({ older, newer: { ...newer, size: 5 } }, [at(2)])).to.equal(false);
    expect(verifyConsistency({ older, newer: { ...older, size: 3 } }, [])).to.equal(false);
  });

  it('shows an extension only where both roots are what it leads to', () => {
    const [older, newer] = [headOf(3), headOf(5)];
    const proof = hashesOf(new ProofCollector(consistencyRanges(3, 5)));
    expect(verifyConsistency({ older, newer }, proof)).to.equal(true);
    expect(verifyConsistency({ older: { size: 3, root: EXTRA }, newer }, proof)).to.equal(false);
    expect(verifyConsistency({ older, newer: { size: 5, root: EXTRA } }, proof)).to.equal(false);
  });
});

describe('integrity: a proof of no hashes', () => {
  it('shows that every tree extends the empty one, which has one root', () => {
    const [older, newer] = [{ size: 0, root: EMPTY_ROOT }, headOf(3)];
    expect(verifyConsistency({ older, newer }, [])).to.equal(true);
    expect(verifyConsistency({ older, newer }, [newer.root])).to.equal(false);
    expect(verifyConsistency({ older: { size: 0, root: newer.root }, newer }, [])).to.equal(false);
  });

  it('shows that a tree extends itself, and no other of its size', () => {
    const head = headOf(3);
    expect(verifyConsistency({ older: head, newer: head }, [])).to.equal(true);
    expect(verifyConsistency({ older: head, newer: head }, [head.root])).to.equal(false);
    expect(verifyConsistency({ older: head, newer: { size: 3, root: EXTRA } }, [])).to.equal(false);
  });

  it('shows no extension of a tree that is no perfect one', () => {
    expect(verifyConsistency({ older: headOf(3), newer: headOf(4) }, [])).to.equal(false);
  });
});

describe('integrity: the subtrees of a proof', () => {
  it('are none for a leaf or an older tree of an impossible place', () => {
    for (const place of [-1, NaN, 6]) {
      expect(() => inclusionRanges(place, 5), String(place)).to.throw(RangeError, `no leaf ${place}`);
      expect(() => consistencyRanges(place, 5), String(place)).to.throw(
        RangeError,
        `does not extend ${place}`,
      );
    }
  });

  it('are none for a tree of one leaf, an empty older one, and the same one', () => {
    expect(inclusionRanges(0, 1)).to.deep.equal([]);
    expect(consistencyRanges(0, 5)).to.deep.equal([]);
    expect(consistencyRanges(5, 5)).to.deep.equal([]);
    expect(new ProofCollector([]).proof()).to.deep.equal([]);
  });

  it('are hashed whole: a proof lacks nothing but what has not passed by yet', () => {
    const collector = new ProofCollector(inclusionRanges(0, 5));
    for (const leaf of leaves.slice(0, 4)) collector.add(leaf);
    expect(() => collector.proof()).to.throw(RangeError, 'more than 4 leaves');
    collector.add(at(4));
    // What follows the tree of the proof is no part of it.
    collector.add(EXTRA);
    expect(collector.proof()).to.deep.equal(hashesOf(new ProofCollector(inclusionRanges(0, 5))));
  });
});
