import { expect } from 'chai';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { EMPTY_ROOT, leafHash, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import { LeafCursor, countLeaves, LeafFile, readLeaves } from '../../../lib/integrity/storage/leafFile.js';
import {
  appendToFile,
  formatState,
  makeFolder,
  parseState,
  readIfThere,
  replaceFile,
  stateOf,
} from '../../../lib/integrity/storage/files.js';
import { numberedLines } from '../../support/referenceTree.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

type Write = (bytes: Uint8Array, offset: number, length: number, position: number) => Promise<unknown>;

const leaves = numberedLines(70_000).map((line) => leafHash(line));
const treeOf = (size: number) => {
  const tree = new CompactRange();
  for (const leaf of leaves.slice(0, size)) tree.append(leaf);
  return tree;
};

describe('integrity: the saved state', () => {
  const state = stateOf(treeOf(11), { segment: 4, offset: 99 });

  it('comes back as it was saved', () => {
    expect(state).to.deep.include({ version: 1, size: 11, segment: 4, offset: 99, closed: false });
    expect(parseState(formatState(state))).to.deep.equal(state);
    const closed = stateOf(treeOf(0), { segment: 0, offset: 0 }, true);
    expect(closed).to.deep.include({ size: 0, subtrees: [], closed: true });
    expect(parseState(formatState(closed))).to.deep.equal(closed);
    expect(formatState(state)).to.match(/\}\n$/);
  });

  it('is of the tree as it was then', () => {
    const tree = treeOf(3);
    const then = stateOf(tree, { segment: 0, offset: 0 });
    tree.append(EMPTY_ROOT);
    expect(CompactRange.restore(then.size, then.subtrees)?.root()).to.equal(treeOf(3).root());
  });

  for (const [what, change] of [
    ['of another version', { version: 2 }],
    ['without a size', { size: undefined }],
    ['with a size that is text', { size: '11' }],
    ['with a size below 0', { size: -1 }],
    ['with half an offset', { offset: 0.5 }],
    ['with an offset below 0', { offset: -1 }],
    ['without a segment', { segment: undefined }],
    ['without hashes', { subtrees: undefined }],
    ['with a hash that is none', { subtrees: ['AAAA'] }],
    ['with a number for a hash', { subtrees: [7] }],
  ] as const) {
    it(`is passed over when it is ${what}`, () => {
      const text = JSON.stringify({ ...(JSON.parse(formatState(state)) as object), ...change });
      expect(parseState(text)).to.equal(undefined);
    });
  }

  it('is passed over when it is cut off, or no state at all', () => {
    for (const text of ['', 'null', '7', formatState(state).slice(0, 40)])
      expect(parseState(text), text).to.equal(undefined);
  });
});

describe('integrity: the files of the evidence', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const path = (name: string) => join(folder.path, name);
  const modeOf = (name: string) => statSync(path(name)).mode & 0o777;

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('are read where they are, and what else keeps them from being read is told', async () => {
    writeFileSync(path('there'), 'text');
    expect(await readIfThere(path('there'))).to.equal('text');
    expect(await readIfThere(path('none'))).to.equal(undefined);
    const failure = await readIfThere(folder.path).catch((error: unknown) => error);
    expect(failure).to.include({ code: 'EISDIR' });
  });

  it('are for their owner alone, and so is their folder, also one that was there', async () => {
    mkdirSync(path('folder'), { mode: 0o755 });
    await makeFolder(path('folder'));
    expect(modeOf('folder')).to.equal(0o700);
    await makeFolder(path('a/b'));
    expect([modeOf('a'), modeOf('a/b')]).to.deep.equal([0o700, 0o700]);
    for (const durable of [true, false]) {
      await replaceFile(path(`replaced ${durable}`), 'x', durable);
      await appendToFile(path(`appended ${durable}`), 'x', durable);
      expect([modeOf(`replaced ${durable}`), modeOf(`appended ${durable}`)]).to.deep.equal([0o600, 0o600]);
    }
  });

  it('are replaced as a whole, and added to at their end', async () => {
    for (const durable of [true, false]) {
      await replaceFile(path('file'), 'a long old content', durable);
      await replaceFile(path('file'), 'new', durable);
      await appendToFile(path('file'), ' and more', durable);
      expect(readFileSync(path('file'), 'utf8')).to.equal('new and more');
      expect(existsSync(path('file.new'))).to.equal(false);
    }
  });
});

describe('integrity: the stored leaf hashes', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  const stored = async (count?: number) => {
    const all: string[] = [];
    for await (const batch of readLeaves(path, count)) all.push(...batch);
    return all;
  };

  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'leaves');
  });
  afterEach(() => folder.remove());

  async function write(size: number, from: number, to: number): Promise<void> {
    const file = await LeafFile.open(path, size);
    for (const leaf of leaves.slice(from, to)) file.add(leaf);
    expect(file.pending).to.equal(to - from);
    await file.flush();
    expect(file.pending).to.equal(0);
    await file.close();
  }

  it('are written and read in order, however many there are', async () => {
    await write(0, 0, 70_000);
    expect(statSync(path)).to.include({ size: 70_000 * 32 });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(await countLeaves(path)).to.equal(70_000);
    expect((await stored()).every((leaf, index) => leaf === leaves[index])).to.equal(true);
    for (const count of [0, 1, 32_768, 32_769, 69_999, 80_000])
      expect((await stored(count)).length).to.equal(Math.min(count, 70_000));
  });

  it('go on behind those that count; the others are cut off', async () => {
    await write(0, 0, 9);
    await write(5, 20, 22);
    expect(await stored()).to.deep.equal([...leaves.slice(0, 5), ...leaves.slice(20, 22)]);
    await write(0, 3, 4);
    expect(await stored()).to.deep.equal([leaves[3]]);
  });

  it('are written more than once by one writer', async () => {
    const file = await LeafFile.open(path, 0);
    for (const leaf of leaves.slice(0, 3)) {
      file.add(leaf);
      await file.flush();
    }
    await file.flush();
    await file.close();
    expect(await stored()).to.deep.equal(leaves.slice(0, 3));
  });

  it('are written whole where the disk takes a few bytes at a time', async () => {
    const file = await LeafFile.open(path, 0);
    const probe = await open(path, 'r');
    const prototype = Object.getPrototypeOf(probe) as { write: Write };
    await probe.close();
    const { write: whole } = prototype;
    prototype.write = function (buffer, offset, length, position) {
      return whole.call(this, buffer, offset, Math.min(length, 10), position);
    };
    try {
      for (const from of [0, 2]) {
        for (const leaf of leaves.slice(from, from + 2)) file.add(leaf);
        await file.flush();
      }
    } finally {
      prototype.write = whole;
    }
    await file.close();
    expect(await stored()).to.deep.equal(leaves.slice(0, 4));
  });

  it('count as far as they are whole', async () => {
    expect(await countLeaves(path)).to.equal(0);
    writeFileSync(path, Buffer.alloc(95));
    expect(await countLeaves(path)).to.equal(2);
    expect(await stored()).to.have.length(2);
    writeFileSync(path, Buffer.alloc(31));
    expect(await stored()).to.deep.equal([]);
  });

  it('are taken out of batches in portions of any size', async () => {
    async function* batches() {
      for (const [first, end] of [
        [0, 3],
        [3, 3],
        [3, 4],
        [4, 10],
      ] as const)
        yield leaves.slice(first, end);
    }
    const cursor = new LeafCursor(batches());
    expect(await cursor.take(0)).to.deep.equal([]);
    expect(await cursor.take(2)).to.deep.equal(leaves.slice(0, 2));
    expect(await cursor.take(3)).to.deep.equal(leaves.slice(2, 5));
    expect(await cursor.take(1)).to.deep.equal(leaves.slice(5, 6));
    expect(await cursor.take(99)).to.deep.equal(leaves.slice(6, 10));
    expect(await cursor.take(1)).to.deep.equal([]);
  });

  it('are let go of when no more are wanted', async () => {
    let closed = false;
    async function* batches() {
      try {
        yield leaves.slice(0, 3);
        yield leaves.slice(3, 6);
      } finally {
        closed = true;
      }
    }
    const cursor = new LeafCursor(batches());
    await cursor.take(1);
    expect(closed).to.equal(false);
    await cursor.close();
    expect(closed).to.equal(true);
  });

  it('may come from a source that does not mind whether it is let go of', async () => {
    const given = [leaves.slice(0, 3)];
    const next = async () => ({ done: given.length === 0, value: given.shift() });
    const cursor = new LeafCursor({ [Symbol.asyncIterator]: () => ({ next }) } as AsyncIterable<string[]>);
    expect(await cursor.take(2)).to.deep.equal(leaves.slice(0, 2));
    await cursor.close();
    expect(await cursor.take(2)).to.deep.equal(leaves.slice(2, 3));
  });
});
