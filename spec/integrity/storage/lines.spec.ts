import { expect } from 'chai';
import { leafHash, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import { readLines, type LogChunk } from '../../../lib/integrity/storage/segments.js';
import { TreeBuilder } from '../../../lib/integrity/verification/comparison.js';

type Found = readonly [index: number, line: string, segment: string, offset: number, torn: boolean];

/** Segments, each given as its content and named by a letter. */
const SEGMENTS: readonly (readonly [string, string])[] = [
  ['a', 'one\n\ntwo\nthr'],
  ['b', 'ee\nfour\n'],
  ['c', '\nfive\n'],
  ['d', 'six'],
];
const LINES: readonly Found[] = [
  [0, 'one', 'a', 0, false],
  [1, '', 'a', 4, false],
  [2, 'two', 'a', 5, false],
  [3, 'thr', 'a', 9, true],
  [4, 'ee', 'b', 0, false],
  [5, 'four', 'b', 3, false],
  [6, '', 'c', 0, false],
  [7, 'five', 'c', 1, false],
  [8, 'six', 'd', 0, true],
];

/** The bytes of the segments in pieces, from one buffer that is used again for each. */
async function* chunks(size: number): AsyncGenerator<LogChunk> {
  const buffer = Buffer.alloc(20);
  for (const [segment, content] of SEGMENTS)
    for (let offset = 0; offset < content.length; offset += size) {
      const length = buffer.write(content.slice(offset, offset + size));
      yield { data: buffer.subarray(0, length), segment, offset };
    }
}

describe('integrity: the lines of several files', () => {
  for (const size of [1, 2, 3, 5, 20]) {
    it(`have their index and their place, in pieces of ${size} bytes`, async () => {
      const lines: Found[] = [];
      for await (const batch of readLines(chunks(size))) {
        expect(batch).to.not.have.length(0);
        for (const { index, bytes, segment, offset, torn } of batch)
          lines.push([index, bytes.toString(), segment, offset, torn]);
      }
      expect(lines).to.deep.equal(LINES);
    });

    it(`become a tree whose roots are known where they are wanted, in pieces of ${size} bytes`, async () => {
      const seen: Found[] = [];
      const walk = new TreeBuilder([0, 3, 4, 6, 8], (data, start, end, index, { segment, offset }) =>
        seen.push([index, data.toString('utf8', start, end), segment, offset, false]),
      );
      const batches: [number, string, number][] = [];
      for await (const chunk of chunks(size)) {
        const { first, hashes, places } = walk.push(chunk);
        hashes.forEach((hash, i) => batches.push([first + i, hash, places[i]?.offset ?? -1]));
      }
      walk.finish();
      const whole = LINES.filter(([index]) => index < 8);
      expect(seen).to.deep.equal(
        whole.map(([index, line, segment, offset]) => [index, line, segment, offset, false]),
      );
      expect(batches).to.deep.equal(
        whole.map(([index, line, , offset]) => [index, leafHash(Buffer.from(line)), offset]),
      );
      expect(walk.torn).to.deep.equal([
        { index: 3, place: { segment: 'a', offset: 9 } },
        { index: 8, place: { segment: 'd', offset: 0 } },
      ]);
      expect(walk.end).to.deep.equal({ segment: 'd', offset: 0 });
      const tree = new CompactRange();
      const roots = new Map([[0, tree.root()]]);
      for (const [, line] of whole) {
        tree.append(leafHash(Buffer.from(line)));
        roots.set(tree.size, tree.root());
      }
      expect(walk.tree.root()).to.equal(roots.get(8));
      for (const at of [0, 3, 4, 6, 8]) expect(walk.roots.get(at), `size ${at}`).to.equal(roots.get(at));
      expect(walk.roots.size).to.equal(5);
      expect([...walk.places]).to.deep.equal([
        [0, { segment: 'a', offset: 0 }],
        [3, { segment: 'a', offset: 9 }],
        [4, { segment: 'b', offset: 0 }],
        [6, { segment: 'c', offset: 0 }],
      ]);
    });
  }

  it('are none where there are no bytes', async () => {
    for await (const _ of readLines((async function* () {})())) expect.fail('there is no line');
    const walk = new TreeBuilder([0, 1]);
    walk.finish();
    expect([walk.torn, walk.tree.size, [...walk.roots.keys()]]).to.deep.equal([[], 0, [0]]);
  });

  it('are taken by their hashes where they are not there', () => {
    const hashes = ['one', 'two', 'three'].map((line) => leafHash(Buffer.from(line)));
    const walk = new TreeBuilder([1, 2, 3, 4]);
    walk.push({ data: Buffer.from('zero\n'), segment: 'a', offset: 0 });
    walk.skip(hashes);
    const tree = new CompactRange();
    for (const hash of [leafHash(Buffer.from('zero')), ...hashes]) {
      tree.append(hash);
      expect(walk.roots.get(tree.size)).to.equal(tree.root());
    }
    expect(walk.end).to.deep.equal({ segment: 'a', offset: 5 });
  });
});
