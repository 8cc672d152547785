import { behind, hideShapes, mod97, weightedSum } from './numbers.js';
import type { Pack } from '../detector.js';

/** Lengths of IBANs by country (the SWIFT IBAN registry). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 ' +
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
    'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** ISO 13616-1: the length of the country, and MOD 97-10 with the first four characters moved to the end. */
function isIban(text: string): boolean {
  if (IBAN_LENGTHS[text.slice(0, 2)] !== text.length || !/^[A-Z]{2}\d{2}[A-Z\d]+$/.test(text)) return false;
  return mod97(text.slice(4) + text.slice(0, 4)) === 1;
}

/** A routing number of the American Bankers Association, by its check digit. */
function isRoutingNumber(digits: string): boolean {
  return (
    /^(?:0[0-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)\d{7}$/.test(digits) &&
    weightedSum(digits, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0
  );
}

/** An expression for the IBANs of this length: groups of four and a rest. */
function ibanOf(length: number): string {
  const countries = Object.keys(IBAN_LENGTHS).filter((country) => IBAN_LENGTHS[country] === length);
  const rest = length % 4 === 0 ? '' : `[ -]?[A-Z\\d]{${length % 4}}`;
  return `(?:${countries.join('|')})\\d{2}(?:[ -]?[A-Z\\d]{4}){${Math.floor(length / 4) - 1}}${rest}`;
}

const IBAN = new RegExp(
  `(?<![A-Za-z\\d])(?:${[...new Set(Object.values(IBAN_LENGTHS))].map(ibanOf).join('|')})(?![A-Za-z\\d])`,
  'gi',
);

/** Bank accounts. */
export const FINANCE: Pack = {
  name: 'finance',
  includes: [],
  keys: [
    ...[
      'iban',
      'account_number',
      'account_no',
      'acct_number',
      'bank_account',
      'routing_number',
      'aba_number',
      'sort_code',
    ],
    ...['swift_code', 'bsb', 'ifsc', 'clabe', 'salary', 'annual_income', 'credit_score', 'tax_id', 'ein'],
  ],
  detectors: [
    {
      name: 'iban',
      finds: 'International Bank Account Numbers, by the length of their country and their check digits',
      source: 'ISO 13616-1; the SWIFT IBAN registry',
      trigger: () => ({ digits: 8 }),
      redact: hideShapes([{ pattern: IBAN, holds: isIban }]),
    },
    {
      name: 'accountNumber',
      finds: 'account numbers, sort codes and routing numbers behind the words for them',
      source: "NACHA's and the ABA's formats; UK sort codes",
      trigger: () => ({ digits: 6 }),
      redact: hideShapes([
        behind(
          '(?:bank |checking |savings |deposit |debit |giro )?(?:account|acct|a/c)(?: (?:number|num|no\\.?|nr\\.?|#))?',
          '\\d{3,6}(?:[ -]?\\d{2,6}){1,3}',
          (digits) => digits.length >= 6 && digits.length <= 17,
        ),
        behind('routing(?: transit)?(?: (?:number|no\\.?))?|aba|rtn', '\\d{9}', isRoutingNumber),
        behind('sort ?code', '\\d{2}[- ]?\\d{2}[- ]?\\d{2}'),
        behind('clabe', '\\d{18}'),
      ]),
    },
  ],
};
