import { expect } from 'chai';
import { Marker } from '../../../lib/redaction/text/replacement.js';
import { open } from '../../../lib/redaction/walk/values.js';

/** How many parts of a converted object are looked at. */
const BREADTH = 10;

describe('an object as the walk sees it', () => {
  const plain: object[] = [
    {},
    { a: 1, b: 2 },
    Object.assign(Object.create(null) as object, { a: 1 }),
    { type: 'Buffer', data: 'no list' },
    { type: 'Buffer', more: [1] },
    { type: 'File', data: [1] },
    { kind: 'Buffer', data: [1] },
    { type: 'Buffer', data: [1], more: 1 },
  ];
  for (const source of plain)
    it(`has the parts of ${JSON.stringify(source)}`, () => {
      const keys = Object.keys(source);
      expect(open(source, BREADTH)).to.deep.equal({ kind: 'object', source, keys, total: keys.length });
    });

  it('has the items of a list', () => {
    expect(open([1, 2, 3], BREADTH)).to.deep.equal({ kind: 'array', source: [1, 2, 3], total: 3 });
  });

  it('is the same for bytes and for what JSON makes of them', () => {
    const bytes = Buffer.from('abc');
    const parsed = JSON.parse(JSON.stringify(bytes)) as object;
    expect(open(parsed, BREADTH)).to.have.property('kind', 'value');
    expect(open(parsed, BREADTH)).to.deep.equal(open(bytes, BREADTH));
  });

  it('is what its toJSON says, unless that is itself', () => {
    expect(open({ toJSON: () => 5 }, BREADTH)).to.deep.equal({ kind: 'value', value: 5 });
    expect(open({ toJSON: () => null }, BREADTH)).to.deep.equal({ kind: 'value', value: null });
    const itself = {
      a: 1,
      toJSON() {
        return this;
      },
    };
    expect(open(itself, BREADTH)).to.have.property('kind', 'object');
  });

  it('is named where it throws', () => {
    const throwing = {
      toJSON() {
        throw new Error('no');
      },
    };
    expect(open(throwing, BREADTH)).to.deep.equal({ kind: 'value', value: Marker.threw });
  });
});
