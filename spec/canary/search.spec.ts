import { expect } from 'chai';
import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Canaries } from './canaries.js';
import { LeakSearch, report } from './search.js';

const canaries = new Canaries(7);
canaries.native('somewhere');
const search = new LeakSearch(canaries.planted);
const find = (text: string | Buffer) =>
  new Set(search.hits([{ name: 'output', bytes: Buffer.from(text as string) }]).map(({ secret }) => secret));

/** Ways in which a secret may leave. */
const LEAKS: Record<string, (secret: string) => string | Buffer> = {
  'as it is': (secret) => `x${secret}x`,
  'as JSON': (secret) => JSON.stringify({ secret }),
  'as JSON within JSON': (secret) => JSON.stringify({ text: JSON.stringify({ secret }) }),
  'with unicode escapes': (secret) =>
    [...secret].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  'percent-encoded': (secret) => Buffer.from(secret).toString('hex').replace(/../g, '%$&'),
  'in hex': (secret) => `x ${Buffer.from(secret).toString('hex')}`,
  'in Base64': (secret) => Buffer.from(secret).toString('base64'),
  'in Base64, one byte on': (secret) => Buffer.from(`.${secret}`).toString('base64'),
  'in Base64, two bytes on': (secret) => Buffer.from(`..${secret}`).toString('base64url'),
  compressed: (secret) => gzipSync(secret),
  'but for its end': (secret) => secret.slice(0, -1),
  'but for its beginning': (secret) => secret.slice(1),
};

describe('the search for canaries', () => {
  for (const [way, leak] of Object.entries(LEAKS))
    it(`finds a secret ${way}`, () => {
      for (const { secret, kind } of canaries.planted) {
        // A social security number is as short as what counts as found.
        if (way.startsWith('but for') && kind === 'ssn') continue;
        expect(find(leak(secret)), `${kind} ${way}`).to.include(secret);
      }
    });

  it('finds nothing where nothing is', () => {
    const others = new Canaries(8);
    expect([...find(JSON.stringify(others.json('elsewhere')))]).to.deep.equal([]);
  });

  it('takes no few digits that a hash and a secret have in common for a leak', () => {
    const secret = 'canarybb5887eeceb8e10e';
    const hash = createHmac('sha256', 'k'.repeat(32)).update('canary909b7a07021f4646').digest('hex');
    expect(hash).to.include(secret.slice(7, 18));
    const planted = [{ secret, kind: 'word', place: 'a test' }];
    const hits = new LeakSearch(planted).hits([{ name: 'output', bytes: Buffer.from(hash) }]);
    expect(hits).to.deep.equal([]);
  });

  it('reports which secret is where, how much of it, and what stands around it, without the secret', () => {
    const [planted] = canaries.planted.filter(({ kind }) => kind === 'bearer');
    const part = planted!.secret.slice(2, -1);
    const bytes = Buffer.from(`the token ${part}, in clear`);
    expect(report(search.hits([{ name: 'stderr', bytes }]))).to.deep.equal([
      `bearer of ${planted!.place} in stderr, as it is, at 14: 15 of 22 characters: "the token nary${'·'.repeat(15)}, in clear"`,
    ]);
  });
});
