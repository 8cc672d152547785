import { expect } from 'chai';
import { IntegrityError } from '../../../lib/errors.js';
import { leafHash, MAX_LINE_BYTES, tilePath, TileWriter } from '../../../lib/integrity/tlog/merkle.js';
import { numberedLines, referenceRoot } from '../../support/referenceTree.js';

function tilesOf(lines: readonly Buffer[]): Map<string, Buffer> {
  const writer = new TileWriter();
  const files = lines.flatMap((line) => writer.add(line, leafHash(line)));
  return new Map([...files, ...writer.finish()].map(({ path, data }) => [path, data]));
}

describe('integrity: tiles', () => {
  it('have the paths that the specification names', () => {
    expect(tilePath(0, 1234067)).to.equal('tile/0/x001/x234/067');
    expect(tilePath(5, 0)).to.equal('tile/5/000');
    expect(tilePath('entries', 1000, 17)).to.equal('tile/entries/x001/000.p/17');
  });

  it('of a tree of 256 are a full one and, above it, one of width 1', () => {
    expect([...tilesOf(numberedLines(256)).keys()].sort()).to.deep.equal([
      'tile/0/000',
      'tile/1/000.p/1',
      'tile/entries/000',
    ]);
    expect([...tilesOf([]).keys()]).to.deep.equal([]);
  });

  it('of a tree of 70,000 are those of the example in the specification', () => {
    const widths = new Map<string, number[]>();
    for (const [path, data] of tilesOf(numberedLines(70_000))) {
      const level = path.split('/')[1] ?? '';
      if (level !== 'entries') widths.set(level, [...(widths.get(level) ?? []), data.length / 32]);
    }
    const full = (count: number) => Array.from({ length: count }, () => 256);
    expect(widths.get('0')).to.deep.equal([...full(273), 112]);
    expect(widths.get('1')).to.deep.equal([...full(1), 17]);
    expect(widths.get('2')).to.deep.equal([1]);
    expect(widths.size).to.equal(3);
  });

  it('hold the hashes of the definition, and the entries with their lengths', () => {
    const lines = numberedLines(600);
    const tiles = tilesOf(lines);
    const level0 = Buffer.concat(
      ['tile/0/000', 'tile/0/001', 'tile/0/002.p/88'].map((p) => tiles.get(p) ?? Buffer.of()),
    );
    expect(level0).to.deep.equal(Buffer.concat(lines.map((line) => referenceRoot([line]))));
    expect(tiles.get('tile/1/000.p/2')).to.deep.equal(
      Buffer.concat([referenceRoot(lines.slice(0, 256)), referenceRoot(lines.slice(256, 512))]),
    );
    const bundle = tiles.get('tile/entries/002.p/88') ?? Buffer.of();
    const entries: string[] = [];
    for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at))
      entries.push(bundle.toString('utf8', at + 2, at + 2 + bundle.readUInt16BE(at)));
    expect(entries).to.deep.equal(lines.slice(512).map(String));
  });

  it('take no line that their length field cannot hold', () => {
    const writer = new TileWriter();
    const longest = Buffer.alloc(MAX_LINE_BYTES, 'x');
    writer.add(longest, leafHash(longest));
    const longer = Buffer.alloc(MAX_LINE_BYTES + 1, 'x');
    expect(() => writer.add(longer, leafHash(longer))).to.throw(IntegrityError, 'record 1 has 65536 bytes');
  });
});
