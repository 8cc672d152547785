import { expect } from 'chai';
import fc from 'fast-check';
import { LineCutter, type Piece } from '../../lib/relay/framing.js';

function cut(bytes: Buffer, sizes: readonly number[], limit: number): Piece[] {
  const cutter = new LineCutter(limit);
  const pieces: Piece[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length]!;
    pieces.push(...cutter.cut(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...pieces, ...cutter.end()];
}

const bytes = fc.uint8Array({ maxLength: 400 }).map((given) =>
  // Line feeds are rare among random bytes.
  Buffer.from(given.map((byte) => (byte < 20 ? 0x0a : byte))),
);
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

describe('lines out of a stream', () => {
  it('are every byte that went in, in order, however it was cut', () => {
    fc.assert(
      fc.property(bytes, sizes, fc.integer({ min: 1, max: 60 }), (given, chunks, limit) => {
        const pieces = cut(given, chunks, limit);
        expect(Buffer.concat(pieces.map((piece) => piece.bytes)).equals(given)).to.equal(true);
      }),
    );
  });

  it('are whole up to the limit, and in pieces beyond it', () => {
    fc.assert(
      fc.property(bytes, sizes, fc.integer({ min: 1, max: 60 }), (given, chunks, limit) => {
        const lines: { text: string; kinds: string[] }[] = [];
        let line: (typeof lines)[number] | undefined;
        for (const piece of cut(given, chunks, limit)) {
          if (piece.kind === 'line' || piece.isFirst) lines.push((line = { text: '', kinds: [] }));
          line!.text += piece.bytes.toString('latin1');
          line!.kinds.push(piece.kind);
        }
        const expected = given.toString('latin1').match(/[^\n]*\n|[^\n]+$/g) ?? [];
        expect(lines.map(({ text }) => text)).to.deep.equal([...expected]);
        for (const { text, kinds } of lines)
          expect(kinds.includes('line'), `${text.length} bytes, limit ${limit}`).to.equal(
            text.length <= limit,
          );
      }),
    );
  });

  it('never keep more than the limit and one chunk', () => {
    const cutter = new LineCutter(10);
    expect([...cutter.cut(Buffer.alloc(11, 'a'))]).to.have.length(1);
    for (let index = 0; index < 5; index++) expect([...cutter.cut(Buffer.from('b'))]).to.have.length(1);
    expect([...cutter.end()]).to.deep.include({
      kind: 'part',
      bytes: Buffer.alloc(0),
      isFirst: false,
      isLast: true,
    });
  });
});
