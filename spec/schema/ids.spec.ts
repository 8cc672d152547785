import { expect } from 'chai';
import { newRecordId } from '../../lib/schema/ids.js';

const TIME = 1_700_000_000_000;
const MANY = 2_000;

const idsOf = (time: number) => Array.from({ length: MANY }, () => newRecordId(time));

describe('newRecordId', () => {
  it('is a UUID of version 7 and of the variant of RFC 9562', () => {
    for (const id of idsOf(TIME))
      expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('begins with the milliseconds that it was made at, also where an earlier id was made at others', () => {
    const times = [TIME, TIME + 1, TIME, 0, 2 ** 48 - 1];
    const read = times.map((time) => Number.parseInt(newRecordId(time).replace('-', '').slice(0, 12), 16));
    expect(read).to.deep.equal(times);
  });

  it('cuts a fraction of a millisecond off, and takes a time before 1970 for its beginning', () => {
    expect(newRecordId(TIME + 0.9).slice(0, 13)).to.equal(newRecordId(TIME).slice(0, 13));
    expect(newRecordId(-5).slice(0, 13)).to.equal('00000000-0000');
  });

  it('never comes twice', () => {
    expect(new Set(idsOf(TIME))).to.have.lengthOf(MANY);
  });

  it('takes every value in each random digit', () => {
    const ids = idsOf(TIME);
    const digits = [15, 16, 17, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35];
    for (const place of digits) expect(new Set(ids.map((id) => id[place]))).to.have.lengthOf(16);
    expect(new Set(ids.map((id) => id[19]))).to.have.lengthOf(4);
  });
});
