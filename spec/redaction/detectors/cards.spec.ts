import { expect } from 'chai';
import { isCard } from '../../../lib/redaction/detectors/finance.js';
import { luhnDigit } from '../score/numbers.js';

/** A number of so many digits that begins so, with the last digit that the others ask for (ISO/IEC 7812-1, annex B). */
function complete(prefix: string, length: number): string {
  const digits = prefix.padEnd(length - 1, '0');
  return digits + luhnDigit(digits);
}

const LENGTHS = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
const from = (least: number, most: number) => LENGTHS.filter((length) => length >= least && length <= most);

describe('a number of a card', () => {
  for (const [issuer, prefixes, lengths] of [
    ['Visa', ['4', '49'], [13, 16, 19]],
    ['Mastercard', ['51', '55', '2221', '2229', '2230', '2300', '2699', '2700', '2719', '2720'], [16]],
    ['American Express', ['34', '37'], [15]],
    ['Diners Club', ['300', '305', '36', '38', '39'], [14]],
    ['JCB', ['3528', '3529', '3530', '3589'], from(16, 19)],
    ['Discover', ['6011', '644', '649', '65'], from(12, 19)],
    ['UnionPay', ['62'], from(12, 19)],
    ['Maestro', ['50', '56', '57', '58'], from(13, 19)],
    ['Maestro, by its first digit', ['60', '63', '66', '69'], from(12, 18)],
    ['Mir', ['2200', '2205'], from(16, 19)],
    ['RuPay and UzCard', ['81', '82', '8600'], [16]],
    ['Napas', ['9704'], from(16, 19)],
    ['Troy, Humo and GPN', ['9792', '9860', '1946'], [16]],
    ['China T-Union', ['31'], [19]],
    ['nobody', ['0', '1', '20', '2206', '2219', '2721', '2730', '28', '306', '309', '32', '33'], []],
    ['nobody else', ['3527', '3590', '59', '7', '8', '9', '94'], []],
  ] as const)
    it(`is told by its beginning and its length: ${issuer}`, () => {
      for (const prefix of prefixes)
        expect(
          LENGTHS.filter((length) => isCard(complete(prefix, length))),
          prefix,
        ).to.deep.equal(lengths);
    });

  it('has the right last digit', () => {
    const number = complete('4', 16);
    const others = [...'0123456789'].map((digit) => number.slice(0, -1) + digit);
    expect(others.filter(isCard)).to.deep.equal([number]);
  });
});
