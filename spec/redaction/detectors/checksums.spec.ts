import { expect } from 'chai';
import { CHECKSUMS, parseTemplate } from '../../../lib/redaction/detectors/template.js';
import { findKeys } from '../../../lib/redaction/detectors/providerKeys.js';
import { SHAPES } from '../../../lib/redaction/detectors/shapes.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { COMPLETED } from '../score/checksums.js';
import { randomFrom } from '../score/random.js';
import { keyOf } from '../score/samples.js';

/** What the providers and the standards publish as examples, in parts: whole, scanners would take them for leaks. */
const PUBLISHED = {
  crc32Base62: [
    ['ghp_zQWBuTSOoRi4A9spHcVY5ncn', 'sDkxkJ0mLq17'],
    ['ghp_M7H4jxUDDWHP4kZ6A4dxlQYs', 'QIWJuq11T4V4'],
  ],
  crc32Hex: [['cfut_WmHcE131Up3QBmRVvjfAyMBSik', '11OpgJpZikzYiu5bdbfa91']],
  crc32HexOfAll: [['ATBBcCe6fczW96Vzwgvb', '4r8F2gZS54D591C4']],
  crc32HexReversed: [['glsa_yscW25imSKJIuav8zF37', 'RZmnbiDvB05G_fcaaf58a']],
  bech32: [
    ['nsec1vl029mgpspedva04g90vltkh6fvh240z', 'qtv9k0t9af8935ke9laqsnlfe5'],
    ['AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZ', 'GFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX'],
  ],
} as const;

const LINES = SHAPES.filter(([, , , checksum]) => checksum !== undefined);
const redactor = createRedactor();

/** Keys that a line describes, as drawn, so with a checksum that is wrong, and with the right one. */
function keys([, template, , checksum]: (typeof LINES)[number], seed: number) {
  const random = randomFrom(seed);
  return parseTemplate(template, checksum).map((shape) => {
    const wrong = keyOf(shape, random);
    return { wrong, right: checksum === undefined ? wrong : COMPLETED[checksum](wrong) };
  });
}

describe('the checksum of a key', () => {
  for (const [name, examples] of Object.entries(PUBLISHED))
    it(`is that of published keys: ${name}`, () => {
      const holds = CHECKSUMS[name as keyof typeof CHECKSUMS];
      for (const parts of examples) {
        const key = parts.join('');
        expect(holds(key), key).to.equal(true);
        expect(holds(key.replace(/.(?=.{12}$)/, (char) => (char === 'P' ? 'Q' : 'P'))), 'changed').to.equal(
          false,
        );
      }
    });

  for (const line of LINES) {
    const [name, template] = line;
    it(`tells a key within a word: ${name}, ${template}`, () => {
      for (let seed = 1; seed <= 20; seed++)
        for (const { right } of keys(line, seed)) {
          const start = 2;
          const found = findKeys(`xq${right}Q2 and so on`);
          expect(found[0], right).to.include({ start });
          expect(found[0]?.end, right).to.be.at.least(start + right.length);
        }
    });

    it(`does not have to hold where a word begins: ${name}, ${template}`, () => {
      for (let seed = 1; seed <= 20; seed++)
        for (const { wrong } of keys(line, seed))
          expect(redactor.value({ text: `used ${wrong} now` })).to.deep.equal({
            text: 'used [REDACTED] now',
          });
    });
  }

  it('keeps words that only look like a key within', () => {
    const shown = `laughp_${'Ab1'.repeat(12)} and vnpm_${'x7Q'.repeat(12)}`;
    expect(redactor.value({ text: shown })).to.deep.equal({ text: shown });
  });

  it('is known of these', () => {
    expect([...new Set(LINES.map(([name]) => name))]).to.have.members([
      'age-secret-key',
      'atlassian-bitbucket-app-password',
      'cloudflare-token',
      'github-app-token',
      'github-oauth',
      'github-pat',
      'github-refresh-token',
      'grafana-service-account-token',
      'nostr-private-key',
      'npm-access-token',
    ]);
  });
});
