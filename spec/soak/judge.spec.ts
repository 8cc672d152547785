import { expect } from 'chai';
import { growthIn, type Sample } from './judge.js';

const sample = (second: number, changed: Partial<Sample> = {}): Sample => ({
  ...{
    second,
    heapUsed: 50e6,
    rss: 150e6,
    external: 4e6,
    handles: 2,
    descriptors: 30,
    records: 9,
    backlog: 0,
  },
  ...changed,
});
const samples = (change: (second: number) => Partial<Sample>) =>
  Array.from({ length: 40 }, (_, second) => sample(second, change(second)));

describe('the judge of a soak', () => {
  it('finds nothing where nothing grows, whatever happens while it warms up and in single seconds', () => {
    const warm = (second: number) => ({
      heapUsed: second < 10 ? 10e6 : second === 35 ? 500e6 : 50e6 + second * 1_000,
      descriptors: 30 + (second % 7),
    });
    expect(growthIn(samples(warm))).to.deep.equal([]);
  });

  for (const [name, perSecond] of [
    ['heapUsed', 1e6],
    ['rss', 5e6],
    ['external', 1e6],
    ['handles', 1.5],
    ['descriptors', 1.5],
  ] as const)
    it(`finds that ${name} grows`, () => {
      const [fault, ...others] = growthIn(samples((second) => ({ [name]: 30 + second * perSecond })));
      expect(fault).to.include(name);
      expect(others).to.deep.equal([]);
    });

  it('refuses to judge too few samples', () => {
    expect(() => growthIn(samples(() => ({})).slice(0, 19))).to.throw(/too few/);
  });
});
