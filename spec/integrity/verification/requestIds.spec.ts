import { expect } from 'chai';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { RequestIds } from '../../../lib/integrity/verification/requestIds.js';

const ids = fc.array(
  fc.oneof(
    fc.nat(12).map(String),
    fc.constantFrom('a', 'b', '01', '-1', '1.5', 'line\nfeed', '9007199254740993', 'é'),
  ),
);

/** What the page says: numbers by value, then the others by their bytes as JSON strings, a line feed after each. */
function written(all: readonly string[]): string {
  const isNumber = (id: string) => /^(?:0|[1-9]\d*)$/.test(id) && Number.isSafeInteger(Number(id));
  const numbers = all.filter(isNumber).sort((a, b) => Number(a) - Number(b));
  const others = all
    .filter((id) => !isNumber(id))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [...numbers, ...others.map((id) => JSON.stringify(id))].map((id) => `${id}\n`).join('');
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the ids of requests', () => {
  it('have the digest of their sorted list, in whatever order they came', () => {
    fc.assert(
      fc.property(ids, (list) => {
        const set = new RequestIds();
        for (const id of list) set.add(id);
        expect(set.size).to.equal(list.length);
        expect(set.digest()).to.equal(sha256(written(list)));
      }),
    );
  });

  it('lose what is taken away, once for each time', () => {
    fc.assert(
      fc.property(ids, ids, (list, gone) => {
        const set = new RequestIds();
        for (const id of list) set.add(id);
        const copy = set.copy();
        const left = [...list];
        for (const id of gone) {
          const at = left.indexOf(id);
          expect(set.delete(id)).to.equal(at !== -1);
          if (at !== -1) left.splice(at, 1);
        }
        expect([set.size, set.digest()]).to.deep.equal([left.length, sha256(written(left))]);
        expect(copy.digest()).to.equal(sha256(written(list)));
      }),
    );
  });
});
