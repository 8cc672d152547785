import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';

const redactor = createRedactor();
const R = '[REDACTED]';

describe('numbers as people write them', () => {
  for (const gap of ['\u00a0', '\u2009', '\u202f', '\u2011', '\u2013', '\u3000', '\u00ad', '\u200b', ' - '])
    it(`are found with ${JSON.stringify(gap)} between their groups`, () => {
      const text = `paid by ${['4111', '1111', '1111', '1111'].join(gap)} today`;
      expect(redactor.value({ text })).to.deep.equal({ text: `paid by ${R} today` });
    });

  for (const sign of ['.', '_', '/'])
    it(`are found as groups of a card with ${sign} between them`, () => {
      for (const groups of [
        ['4111', '1111', '1111', '1111'],
        ['3782', '822463', '10005'],
        ['3782', '8224', '6310', '005'],
        ['3622', '720627', '1667'],
      ])
        expect(redactor.text(`paid by ${groups.join(sign)}, thanks`)).to.equal(`paid by ${R}, thanks`);
    });

  it('stay where signs that other things have too stand between groups that are none of a card', () => {
    for (const shown of [
      '4111.1111.1111.1112',
      '4111.1111/1111.1111',
      '4111.11.111111.1111',
      '41.11.11.11.11.11.11.11',
      '1.4111.1111.1111.1111',
      '4111.1111.1111.1111.2',
      'v4111.1111.1111.1111',
      '2026/11/29/1700/0411/1111',
      '192.168.10.20:8080, 2026.11.29, 1.2.3.4567',
    ])
      expect(redactor.text(shown)).to.equal(shown);
  });

  it('are found in full-width digits, and their neighbours stay', () => {
    const wide = (text: string) =>
      text.replace(/[\d./-]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0));
    for (const card of [
      '4111111111111111',
      '4111-1111-1111-1111',
      '4111.1111.1111.1111',
      '4111/1111/1111/1111',
    ])
      expect(redactor.text(`カード${wide(card)}です`)).to.equal(`カード${R}です`);
    expect(redactor.text(`社会${wide('078-05-1120')}、${wide('2026')}年`)).to.equal(
      `社会${R}、${wide('2026')}年`,
    );
    for (const shown of [
      wide('4111111111111112'),
      wide('2026-11-29'),
      `${wide('17')}時、番号${wide('123456789012')}`,
    ])
      expect(redactor.text(shown)).to.equal(shown);
  });

  it('have one token, however they are written', () => {
    const keyed = createRedactor({ replacement: 'hmac', hmacKey: 'k'.repeat(32) });
    const tokens = ['4111111111111111', '4111.1111.1111.1111', '４１１１１１１１１１１１１１１１'].map(
      (card) => keyed.text(`by ${card}`),
    );
    expect(new Set(tokens).size, tokens.join()).to.equal(1);
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
