import fc from 'fast-check';
import { expect } from 'chai';
import { toTimestamp } from '../../lib/schema/ids.js';

/** The furthest that a `Date` reaches (ECMA-262, section 21.4.1.1). */
const MAX_TIME = 8.64e15;

describe('toTimestamp', () => {
  it('says what toISOString says, whatever came before', () => {
    const near = fc.integer({ min: 0, max: 2_500 }).map((offset) => 1_795_000_000_000 + offset);
    const far = fc.double({ min: -MAX_TIME, max: MAX_TIME, noNaN: true });
    fc.assert(
      fc.property(fc.oneof(near, far), (time) => {
        expect(toTimestamp(time)).to.equal(new Date(time).toISOString());
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses what is no time', () => {
    expect(() => toTimestamp(Number.NaN)).to.throw(RangeError);
    expect(() => toTimestamp(MAX_TIME + 1_000)).to.throw(RangeError);
  });
});
