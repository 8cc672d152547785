import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { canonicalJson } from '../../lib/schema/canonicalJson.js';

interface Vectors {
  cases: { name: string; input: string; outhex: string }[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../vectors/canonicalJson.json', import.meta.url), 'utf8'),
) as Vectors;

describe('canonical JSON, by the test data of RFC 8785', () => {
  for (const { name, input, outhex } of cases)
    it(`gives the bytes of ${name}.json`, () =>
      expect(Buffer.from(canonicalJson(JSON.parse(input))).toString('hex')).to.equal(outhex));
});
