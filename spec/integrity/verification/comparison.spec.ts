import { expect } from 'chai';
import { LeafComparison } from '../../../lib/integrity/verification/comparison.js';
import { type Problem } from '../../../lib/integrity/verification/verdict.js';
import { leafHash, CompactRange, type Hash } from '../../../lib/integrity/tlog/merkle.js';
import { numberedLines } from '../../support/referenceTree.js';

const SIZE = 600;
const SEALED = numberedLines(SIZE).map((line) => leafHash(line));
const strange = (index: number) => leafHash(Buffer.from(`strange ${index}`));
const headOf = (leaves: readonly Hash[], size: number) => {
  const tree = new CompactRange();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return { size, root: tree.root() };
};

async function* inBatches(leaves: readonly Hash[], size: number): AsyncGenerator<Hash[]> {
  for (let at = 0; at < leaves.length; at += size) yield leaves.slice(at, at + size);
}

interface Comparing {
  readonly stored?: readonly Hash[];
  readonly sizes?: readonly number[];
  readonly batch?: number;
  readonly sealed?: number;
}

/** What is told of a log of these lines, each ten bytes long. */
async function compare(
  lines: readonly Hash[],
  { stored = SEALED, sizes = [SIZE], batch = SIZE, sealed = Math.max(...sizes) }: Comparing = {},
): Promise<Problem | 'sound' | 'unknown'> {
  const comparison = new LeafComparison(() => inBatches(stored, 50), sealed);
  for (let first = 0; first < lines.length; first += batch) {
    const hashes = lines.slice(first, first + batch);
    const places = hashes.map((_, i) => ({ segment: 'log', offset: 10 * (first + i) }));
    await comparison.compare({ first, hashes, places });
  }
  return comparison.finish(sizes.map((size) => headOf(SEALED, size)));
}

const without = (first: number, count: number) => SEALED.filter((_, i) => i < first || i >= first + count);
const withLines = (index: number, ...added: Hash[]) => [
  ...SEALED.slice(0, index),
  ...added,
  ...SEALED.slice(index),
];
const strangers = (count: number) => withLines(100, ...Array.from({ length: count }, (_, i) => strange(i)));
const edited = (first: number, count: number) =>
  SEALED.map((leaf, i) => (i >= first && i < first + count ? strange(i) : leaf));
const at = (index: number) => SEALED[index] ?? expect.fail();
const exchanged = (one: number, other: number) =>
  SEALED.map((leaf, i) => (i === one ? at(other) : i === other ? at(one) : leaf));

describe('integrity: a log beside its stored hashes', () => {
  const batches = [1, 7, 50, 100, SIZE, 2 * SIZE];

  it('is sound where they are the same, in whatever pieces it is read', async () => {
    for (const batch of batches) expect(await compare(SEALED, { batch })).to.equal('sound');
    expect(await compare([], { sizes: [0] })).to.equal('sound');
  });

  for (const [what, lines, kind, index, records] of [
    ['the first record was deleted', without(0, 1), 'deleted', 0, 'record 0 was'],
    ['records were deleted', without(99, 3), 'deleted', 99, 'records 99 to 101 were'],
    [
      'as many were deleted as are looked through',
      without(100, 255),
      'deleted',
      100,
      'records 100 to 354 were',
    ],
    ['a line was inserted', withLines(100, strange(0)), 'inserted', 100, 'a line was'],
    ['as many lines were inserted as are looked through', strangers(255), 'inserted', 100, '255 lines were'],
    ['more lines were inserted', strangers(256), 'changed', 100, 'from record 100 on'],
    ['more were deleted', without(100, 256), 'changed', 100, 'from record 100 on'],
    [
      'the last line of a log that was cut off was edited',
      edited(299, 1).slice(0, 300),
      'edited',
      299,
      '299',
    ],
    ['lines were inserted', withLines(99, strange(0), strange(1)), 'inserted', 99, '2 lines were'],
    ['a line stands there twice', withLines(100, at(99)), 'duplicated', 100, 'record 99'],
    ['a line stands there twice, within a piece', withLines(103, at(102)), 'duplicated', 103, 'record 102'],
    ['the first line stands there twice', withLines(1, at(0)), 'duplicated', 1, 'record 0'],
    [
      'records were exchanged',
      exchanged(100, 105),
      'reordered',
      100,
      'record 105 is in the place of record 100',
    ],
    ['a record was edited', edited(100, 1), 'edited', 100, 'record 100 was'],
    ['records were edited', edited(98, 5), 'edited', 98, 'records 98 to 102 were'],
    ['the last record was edited', edited(SIZE - 1, 1), 'edited', SIZE - 1, `record ${SIZE - 1} was`],
    ['as many were edited as are looked through', edited(100, 255), 'edited', 100, 'records 100 to 354 were'],
    ['more were edited', edited(100, 256), 'changed', 100, 'from record 100 on'],
  ] as const) {
    it(`differs where ${what}, in whatever pieces it is read`, async () => {
      for (const batch of batches) {
        const problem = await compare(lines, { batch });
        expect(problem).to.include({ kind, index, segment: 'log', offset: 10 * index });
        expect((problem as Problem).message).to.contain(records);
      }
    });
  }

  it('is not compared where no checkpoint vouches for the hashes', async () => {
    for (const batch of batches) {
      const options = { stored: SEALED, sizes: [10, 300], batch };
      expect(await compare(edited(300, 1), options)).to.equal('sound');
      const problem = await compare(edited(299, 5), options);
      expect(problem).to.include({ kind: 'edited', index: 299 });
      expect((problem as Problem).message, 'up to the checkpoint').to.contain('record 299 was');
      expect(await compare(edited(305, 1), { ...options, stored: SEALED.slice(0, 302) })).to.equal('sound');
    }
  });

  it('is as sound as its hashes go where some are lacking', async () => {
    for (const batch of batches) {
      const options = { stored: SEALED.slice(0, 200), sizes: [100, SIZE], batch };
      expect(await compare(SEALED, options)).to.equal('sound');
      expect(await compare(edited(50, 1), options)).to.include({ kind: 'edited', index: 50 });
      expect(await compare(edited(150, 1), options), 'no head vouches for it').to.equal('unknown');
    }
  });

  it('says nothing where the hashes do not lead to the next checkpoint', async () => {
    const stored = edited(150, 1);
    for (const batch of batches) {
      expect(await compare(SEALED, { stored, sizes: [100, SIZE], batch })).to.equal('unknown');
      const lines = edited(50, 1);
      expect(await compare(lines, { stored, sizes: [100, SIZE], batch })).to.include({ index: 50 });
      expect(await compare(lines, { stored, sizes: [SIZE], batch })).to.equal('unknown');
    }
  });

  it('gives the hashes of what is missing, and goes on behind it', async () => {
    const comparison = new LeafComparison(() => inBatches(SEALED, 50), SIZE);
    const batchOf = (first: number, hashes: readonly Hash[]) => ({
      first,
      hashes,
      places: hashes.map((_, i) => ({ segment: 'log', offset: first + i })),
    });
    await comparison.compare(batchOf(0, SEALED.slice(0, 20)));
    expect(await comparison.take(70)).to.deep.equal(SEALED.slice(20, 90));
    await comparison.compare(batchOf(90, [...SEALED.slice(90, 95), strange(95), ...SEALED.slice(96)]));
    expect(await comparison.finish([headOf(SEALED, SIZE)])).to.include({ kind: 'edited', index: 95 });
  });
});
