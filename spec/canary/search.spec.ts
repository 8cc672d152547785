import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { Canaries } from './canaries.js';
import { LeakSearch } from './search.js';

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
});
