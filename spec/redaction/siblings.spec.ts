import { expect } from 'chai';
import { createRedactor } from '../../lib/redaction/createRedactor.js';

const redactor = createRedactor();
const R = '[REDACTED]';

describe('numbers as people write them', () => {
  for (const gap of ['\u00a0', '\u2009', '\u202f', '\u2011', '\u2013', '\u3000', '\u00ad', '\u200b', ' - '])
    it(`are found with ${JSON.stringify(gap)} between their groups`, () => {
      const text = `paid by ${['4111', '1111', '1111', '1111'].join(gap)} today`;
      expect(redactor.value({ text })).to.deep.equal({ text: `paid by ${R} today` });
    });

  it('are found behind the names of what they are', () => {
    expect(redactor.text('CVV2 is 987, ssn 078051120')).to.equal(`CVV2 is ${R}, ssn ${R}`);
  });
});

describe('what was found and is repeated', () => {
  for (const [what, value, shown] of [
    [
      'percent-encoded',
      { password: 'Zx81 hunter/ä', note: 'q=Zx81%20hunter%2F%C3%A4' },
      { password: R, note: `q=${R}` },
    ],
    [
      'as the password of credentials',
      { auth: `Basic ${Buffer.from('ada:Zx81hunter').toString('base64')}`, note: 'it is Zx81hunter' },
      { auth: R, note: `it is ${R}` },
    ],
    [
      'from an object that is hidden whole',
      { password: { value: 'Zx81hunter', kind: 'plainwords' }, note: 'Zx81hunter, plainwords' },
      { password: R, note: `${R}, plainwords` },
    ],
  ] as const)
    it(`is hidden ${what}`, () => expect(redactor.value(value)).to.deep.equal(shown));
});
