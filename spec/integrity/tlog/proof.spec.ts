import { expect } from 'chai';
import fc from 'fast-check';
import { EMPTY_ROOT, leafHash, CompactRange, type Hash } from '../../../lib/integrity/tlog/merkle.js';
import {
  consistencyRanges,
  inclusionRanges,
  ProofCollector,
  verifyConsistency,
  verifyInclusion,
  type LeafRange,
} from '../../../lib/integrity/tlog/proof.js';
import { hex, numberedLines } from '../../support/referenceTree.js';

const MAX = 300;
const leaves = numberedLines(MAX).map((line) => leafHash(line));
const tree = new CompactRange();
const roots = [EMPTY_ROOT, ...leaves.map((leaf) => (tree.append(leaf), tree.root()))];
const rootAt = (size: number) => roots[size] ?? expect.fail();
const leafAt = (index: number) => leaves[index] ?? expect.fail();

function prove(ranges: readonly LeafRange[], size: number): Hash[] {
  const collector = new ProofCollector(ranges);
  for (const leaf of leaves.slice(0, size)) collector.add(leaf);
  return collector.proof();
}

function replaced(proof: readonly Hash[], at: number, hash: Hash): Hash[] {
  return proof.map((old, index) => (index === at ? hash : old));
}

/** Every way to spoil a proof by one step: a bit of a hash, a hash less, a hash more, two exchanged. */
function mutations(proof: readonly Hash[], at: number, bit: number): Hash[][] {
  const spoiled: Hash[][] = [
    [...proof, EMPTY_ROOT],
    [EMPTY_ROOT, ...proof],
  ];
  if (proof.length === 0) return spoiled;
  const place = at % proof.length;
  const bytes = Buffer.from(proof[place] ?? '', 'latin1');
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  spoiled.push(
    replaced(proof, place, bytes.toString('latin1')),
    proof.filter((_, i) => i !== place),
  );
  const [one, other] = [proof[place] ?? '', proof[(place + 1) % proof.length] ?? ''];
  if (one !== other) spoiled.push(replaced(replaced(proof, place, other), (place + 1) % proof.length, one));
  return spoiled;
}

const sizes = fc.integer({ min: 1, max: MAX });
const bits = fc.integer({ min: 0, max: 255 });

describe('integrity: proofs of RFC 6962', () => {
  it('are those of the example in section 2.1.3', () => {
    // The seven-leaf tree there: PATH(0), PATH(3), PATH(4), PATH(6); PROOF(3), PROOF(4), PROOF(6).
    const spans = (ranges: readonly LeafRange[]) =>
      ranges.map(({ first, end }) => `${first}-${end}`).join(' ');
    expect(spans(inclusionRanges(0, 7))).to.equal('1-2 2-4 4-7');
    expect(spans(inclusionRanges(3, 7))).to.equal('2-3 0-2 4-7');
    expect(spans(inclusionRanges(4, 7))).to.equal('5-6 6-7 0-4');
    expect(spans(inclusionRanges(6, 7))).to.equal('4-6 0-4');
    expect(spans(consistencyRanges(3, 7))).to.equal('2-3 3-4 0-2 4-7');
    expect(spans(consistencyRanges(4, 7))).to.equal('4-7');
    expect(spans(consistencyRanges(6, 7))).to.equal('4-6 6-7 0-4');
  });

  it('of inclusion hold for every leaf of every tree up to 64, and only there', () => {
    for (let size = 1; size <= 64; size++) {
      for (let index = 0; index < size; index++) {
        const proof = prove(inclusionRanges(index, size), size);
        const claim = { index, size, leaf: leafAt(index), root: rootAt(size) };
        expect(verifyInclusion(claim, proof), `${index} of ${size}`).to.equal(true);
        expect(verifyInclusion({ ...claim, leaf: leafAt(index + 1) }, proof)).to.equal(false);
        if (index + 1 < size) expect(verifyInclusion({ ...claim, index: index + 1 }, proof)).to.equal(false);
      }
    }
  });

  it('of consistency hold between every two trees up to 64', () => {
    for (let size = 0; size <= 64; size++) {
      for (let older = 0; older <= size; older++) {
        const proof = prove(consistencyRanges(older, size), size);
        const claim = {
          older: { size: older, root: rootAt(older) },
          newer: { size, root: rootAt(size) },
        };
        expect(verifyConsistency(claim, proof), `${older} to ${size}`).to.equal(true);
      }
    }
  });

  it('of inclusion fail when anything in them is changed', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), bits, (size, place, at, bit) => {
        const index = place % size;
        const proof = prove(inclusionRanges(index, size), size);
        const claim = { index, size, leaf: leafAt(index), root: rootAt(size) };
        expect(verifyInclusion(claim, proof)).to.equal(true);
        for (const spoiled of mutations(proof, at, bit))
          expect(verifyInclusion(claim, spoiled)).to.equal(false);
        expect(verifyInclusion({ ...claim, root: rootAt(size - 1) }, proof)).to.equal(false);
        expect(verifyInclusion({ ...claim, index: size }, proof)).to.equal(false);
        expect(verifyInclusion({ ...claim, index: -1 }, proof)).to.equal(false);
      }),
    );
  });

  it('of consistency fail when anything in them is changed', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), bits, (size, place, at, bit) => {
        const older = 1 + (place % size);
        const proof = prove(consistencyRanges(older, size), size);
        const claim = {
          older: { size: older, root: rootAt(older) },
          newer: { size, root: rootAt(size) },
        };
        expect(verifyConsistency(claim, proof)).to.equal(true);
        for (const spoiled of mutations(proof, at, bit))
          expect(verifyConsistency(claim, spoiled)).to.equal(false);
        const foreign = { ...claim, older: { size: older, root: leafHash(Buffer.from('foreign')) } };
        expect(verifyConsistency(foreign, proof)).to.equal(false);
        const rewritten = { ...claim, newer: { size, root: leafHash(Buffer.from('rewritten')) } };
        expect(verifyConsistency(rewritten, proof)).to.equal(false);
        expect(verifyConsistency({ older: claim.newer, newer: claim.older }, proof)).to.equal(older === size);
      }),
    );
  });

  it('are found beyond 32 bits', () => {
    const size = 2 ** 40 + 3;
    expect(inclusionRanges(2 ** 40, size)).to.deep.equal([
      { first: 2 ** 40 + 1, end: 2 ** 40 + 2 },
      { first: 2 ** 40 + 2, end: 2 ** 40 + 3 },
      { first: 0, end: 2 ** 40 },
    ]);
    const [leaf, sibling, last, left] = [leafAt(0), leafAt(1), leafAt(2), leafAt(3)];
    const right = new CompactRange();
    for (const hash of [leaf, sibling, last]) right.append(hash);
    const whole = CompactRange.restore(size, [left, ...right.subtrees]) ?? expect.fail();
    const claim = { index: 2 ** 40, size, leaf, root: whole.root() };
    expect(verifyInclusion(claim, [sibling, last, left])).to.equal(true);
    expect(hex(whole.root())).to.have.length(64);
  });

  it('are refused for a leaf that is not there, and before all leaves have passed', () => {
    expect(() => inclusionRanges(5, 5)).to.throw(RangeError, 'no leaf 5');
    expect(() => consistencyRanges(6, 5)).to.throw(RangeError);
    expect(() => new ProofCollector(inclusionRanges(0, 2)).proof()).to.throw(
      RangeError,
      'more than 0 leaves',
    );
  });
});
