import {
  behind,
  hideShapes,
  isDayOfYear,
  luhn,
  mod11And10,
  mod11And2,
  verhoeff,
  weightedSum,
  type Shape,
} from './finance.js';
import type { Pack } from './detector.js';

/** A number that a state assigns to people. */
interface NationalId {
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly name: string;
  readonly shape: Shape;
}

const shape = (pattern: string, holds?: Shape['holds']): Shape => ({
  pattern: new RegExp(`(?<![A-Za-z\\d])${pattern}(?![A-Za-z\\d])`, 'gi'),
  ...(holds && { holds }),
});

/**
 * By country. A number with strong check digits or a form of its own is found anywhere; other numbers are found only behind a
 * word for them.
 */
export const NATIONAL_IDS: readonly NationalId[] = [
  {
    country: 'AU',
    name: 'tax file number',
    shape: behind('tfn|tax file (?:number|no\\.?)', '\\d{3}[ -]?\\d{3}[ -]?\\d{3}', isTfn),
  },
  {
    country: 'AU',
    name: 'Medicare number',
    shape: behind(
      'medicare(?: (?:number|no\\.?|card))?',
      '[2-6]\\d{3}[ -]?\\d{5}[ -]?\\d(?:[ -]?\\d)?',
      isAuMedicare,
    ),
  },
  {
    country: 'BE',
    name: 'national number',
    shape: shape('\\d{2}[.]?\\d{2}[.]?\\d{2}[- ]\\d{3}[. ]?\\d{2}', isBelgian),
  },
  { country: 'BR', name: 'CPF', shape: shape('\\d{3}\\.\\d{3}\\.\\d{3}-\\d{2}', isCpf) },
  { country: 'BR', name: 'CPF', shape: behind('cpf', '\\d{11}', isCpf) },
  { country: 'CA', name: 'social insurance number', shape: shape('[0-79]\\d{2}[ -]\\d{3}[ -]\\d{3}', luhn) },
  {
    country: 'CA',
    name: 'social insurance number',
    shape: behind('sin|social insurance (?:number|no\\.?)', '[0-79]\\d{8}', luhn),
  },
  { country: 'CH', name: 'AHV number', shape: shape('756\\.?\\d{4}\\.?\\d{4}\\.?\\d{2}', isEan13) },
  { country: 'CL', name: 'RUN', shape: shape('\\d{1,2}\\.?\\d{3}\\.?\\d{3}-[\\dK]', isRun) },
  {
    country: 'CN',
    name: 'resident identity number',
    shape: shape('[1-9]\\d{5}(?:19|20)\\d{9}[\\dX]', isChinese),
  },
  {
    country: 'DE',
    name: 'tax identification number',
    shape: behind(
      'steuer-?id(?:entifikationsnummer)?|idnr\\.?|tin|tax id(?:entification number)?',
      '[1-9]\\d(?: ?\\d{3}){3}',
      mod11And10,
    ),
  },
  {
    country: 'DK',
    name: 'CPR number',
    shape: shape('[0-3]\\d[01]\\d{3}-\\d{4}', (id) => isDayOfYear(id.slice(2, 4), id.slice(0, 2))),
  },
  { country: 'ES', name: 'DNI and NIE', shape: shape('(?:\\d{8}|[XYZ]-?\\d{7})-?[A-HJ-NP-TV-Z]', isSpanish) },
  {
    country: 'FI',
    name: 'personal identity code',
    shape: shape('[0-3]\\d[01]\\d{3}[-+A-FU-Y]\\d{3}[\\dA-FHJ-NPR-Y]', (_, id) =>
      isFinnish(id.toUpperCase()),
    ),
  },
  {
    country: 'FR',
    name: 'NIR',
    shape: shape('[12] ?\\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\\d) ?\\d[\\dAB] ?\\d{3} ?\\d{3} ?\\d{2}', isNir),
  },
  {
    country: 'GB',
    name: 'National Insurance number',
    shape: shape(
      '(?!BG|GB|NK|KN|TN|NT|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]',
    ),
  },
  {
    country: 'GB',
    name: 'NHS number',
    shape: behind('nhs(?: (?:number|no\\.?))?', '\\d{3}[ -]?\\d{3}[ -]?\\d{4}', isNhs),
  },
  {
    country: 'IL',
    name: 'identity number',
    shape: behind('teudat zehut|israeli id|mispar zehut|ת\\.?ז\\.?', '\\d{9}', luhn),
  },
  { country: 'IN', name: 'Aadhaar', shape: shape('[2-9]\\d{3}[ -]\\d{4}[ -]\\d{4}', verhoeff) },
  { country: 'IN', name: 'Aadhaar', shape: behind('aadhaar|aadhar|uid(?:ai)?', '[2-9]\\d{11}', verhoeff) },
  { country: 'IN', name: 'PAN', shape: shape('[A-Z]{3}[ABCFGHLJPT][A-Z]\\d{4}[A-Z]') },
  {
    country: 'IT',
    name: 'codice fiscale',
    shape: shape('[A-Z]{6}[\\dL-NP-V]{2}[A-EHLMPRST][\\dL-NP-V]{2}[A-Z][\\dL-NP-V]{3}[A-Z]', isCodiceFiscale),
  },
  {
    country: 'JP',
    name: 'My Number',
    shape: behind('my ?number|マイナンバー|個人番号', '\\d{4}[ -]?\\d{4}[ -]?\\d{4}', isMyNumber),
  },
  {
    country: 'KR',
    name: 'resident registration number',
    shape: shape('\\d{6}-[1-8]\\d{6}', (id) => isDayOfYear(id.slice(2, 4), id.slice(4, 6))),
  },
  {
    country: 'MX',
    name: 'CURP',
    shape: shape('[A-Z][AEIOUX][A-Z]{2}\\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z\\d]\\d', isCurp),
  },
  {
    country: 'NL',
    name: 'BSN',
    shape: behind('bsn|burgerservicenummer|sofi(?:nummer)?', '\\d{4}[. ]?\\d{2}[. ]?\\d{3}|\\d{9}', isBsn),
  },
  { country: 'NO', name: 'fødselsnummer', shape: shape('[0-7]\\d[0-9]\\d{3} \\d{5}', isNorwegian) },
  {
    country: 'NO',
    name: 'fødselsnummer',
    shape: behind('f[øo]dselsnummer|personnummer|d-nummer|fnr', '\\d{11}', isNorwegian),
  },
  { country: 'PL', name: 'PESEL', shape: behind('pesel', '\\d{11}', isPesel) },
  { country: 'SE', name: 'personnummer', shape: shape('(?:19|20)?\\d{6}[-+]\\d{4}', isSwedish) },
  { country: 'SG', name: 'NRIC and FIN', shape: shape('[STFGM]\\d{7}[A-Z]', isNric) },
  {
    country: 'TR',
    name: 'identity number',
    shape: behind('t\\.?c\\.?(?: kimlik)?(?: no)?|tckn', '[1-9]\\d{10}', isTckn),
  },
  {
    country: 'US',
    name: 'individual taxpayer number',
    shape: shape('9\\d{2}-(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])-\\d{4}'),
  },
  {
    country: 'ZA',
    name: 'identity number',
    shape: behind('(?:sa |south african )?id(?:entity)? (?:number|no\\.?)', '\\d{10}[01][89]\\d', luhn),
  },
];

/** Numbers that states assign to people. */
export const NATIONAL_ID: Pack = {
  name: 'nationalId',
  includes: [],
  keys: [
    ...[
      'national_id',
      'national_identity',
      'national_insurance_number',
      'nino',
      'identity_number',
      'id_card_number',
    ],
    ...[
      'passport',
      'passport_number',
      'passport_no',
      'social_insurance_number',
      'tax_file_number',
      'tfn',
      'aadhaar',
      'aadhar',
    ],
    ...[
      'pan_number',
      'cpf',
      'curp',
      'codice_fiscale',
      'dni',
      'nie',
      'nir',
      'bsn',
      'pesel',
      'personnummer',
      'fodselsnummer',
    ],
    ...[
      'cpr_number',
      'nric',
      'my_number',
      'resident_id',
      'nhs_number',
      'steuer_id',
      'tckn',
      'itin',
      'voter_id',
      'residence_permit',
    ],
  ],
  detectors: [
    {
      name: 'nationalId',
      finds: `national numbers of people of ${new Set(NATIONAL_IDS.map(({ country }) => country)).size} countries (${[...new Set(NATIONAL_IDS.map(({ country }) => country))].join(', ')}), by their check digits where they have some`,
      source: 'the definitions of the issuing authorities; ISO/IEC 7064',
      trigger: () => ({ digits: 4 }),
      redact: hideShapes(NATIONAL_IDS.map((id) => id.shape)),
    },
  ],
};

function isTfn(digits: string): boolean {
  return weightedSum(digits, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0;
}

function isAuMedicare(digits: string): boolean {
  return weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(digits[8]);
}

/** MOD 97 of the first nine digits; people born from 2000 on have a 2 before them. */
function isBelgian(digits: string): boolean {
  const [base, check] = [Number(digits.slice(0, 9)), Number(digits.slice(9))];
  return [base, base + 2_000_000_000].some((number) => 97 - (number % 97) === check);
}

function isCpf(digits: string): boolean {
  if (/^(\d)\1+$/.test(digits)) return false;
  const check = (length: number): number => {
    const weights = Array.from({ length }, (_, index) => length + 1 - index);
    return ((weightedSum(digits, weights) * 10) % 11) % 10;
  };
  return check(9) === Number(digits[9]) && check(10) === Number(digits[10]);
}

/** The check digit of GS1, which AHV numbers have. */
function isEan13(digits: string): boolean {
  return weightedSum(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0;
}

function isRun(text: string): boolean {
  const digits = [...text.slice(0, -1)].reverse();
  const sum = digits.reduce((total, char, index) => total + Number(char) * (2 + (index % 6)), 0);
  return text.at(-1) === ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'K', '0'][11 - (sum % 11)];
}

function isChinese(text: string): boolean {
  return isDayOfYear(text.slice(10, 12), text.slice(12, 14)) && mod11And2(text);
}

function isSpanish(text: string): boolean {
  const number = Number(text.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter))));
  return text.at(-1) === 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23];
}

function isFinnish(text: string): boolean {
  const number = Number(text.slice(0, 6) + text.slice(7, 10));
  return (
    isDayOfYear(text.slice(2, 4), text.slice(0, 2)) &&
    text[10] === '0123456789ABCDEFHJKLMNPRSTUVWXY'[number % 31]
  );
}

/** The departments of Corsica contain a letter, which counts as 19 (A) or 18 (B). */
function isNir(text: string): boolean {
  const digits = text.slice(0, 13).replace('A', '0').replace('B', '0');
  const less = text.includes('A') ? 1_000_000 : text.includes('B') ? 2_000_000 : 0;
  return 97 - ((Number(digits) - less) % 97) === Number(text.slice(13));
}

function isNhs(digits: string): boolean {
  return (11 - (weightedSum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === Number(digits[9]);
}

/** Decreto ministeriale 12 marzo 1974: characters at odd places count by a table, those at even places by their value. */
function isCodiceFiscale(text: string): boolean {
  const value = (char: string): number => (/\d/.test(char) ? Number(char) : char.charCodeAt(0) - 65);
  const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
  let sum = 0;
  for (let index = 0; index < 15; index++) {
    const place = value(text[index] ?? '');
    sum += index % 2 === 0 ? (odd[place] ?? 0) : place;
  }
  return text.charCodeAt(15) - 65 === sum % 26;
}

function isMyNumber(digits: string): boolean {
  const rest = weightedSum(digits, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return Number(digits[11]) === (rest <= 1 ? 0 : 11 - rest);
}

function isCurp(text: string): boolean {
  const alphabet = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';
  const sum = [...text.slice(0, 17)].reduce(
    (total, char, index) => total + alphabet.indexOf(char) * (18 - index),
    0,
  );
  return Number(text[17]) === (10 - (sum % 10)) % 10;
}

function isBsn(digits: string): boolean {
  return weightedSum(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && Number(digits) > 0;
}

function isNorwegian(digits: string): boolean {
  const first = weightedSum(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11;
  const second = weightedSum(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11;
  return first === 0 && second === 0;
}

function isPesel(digits: string): boolean {
  return weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

/** Coordination numbers, for people who are not registered, have 60 added to the day. */
function isSwedish(digits: string): boolean {
  const ten = digits.replace('+', '').slice(-10);
  const day = Number(ten.slice(4, 6));
  return luhn(ten) && isDayOfYear(ten.slice(2, 4), String(day > 60 ? day - 60 : day).padStart(2, '0'));
}

function isNric(text: string): boolean {
  const first = text[0] ?? '';
  const sum =
    weightedSum(text.slice(1, 8), [2, 7, 6, 5, 4, 3, 2]) +
    (first === 'T' || first === 'G' ? 4 : 0) +
    (first === 'M' ? 3 : 0);
  if (first === 'M') return text[8] === 'KLJNPQRTUWX'[10 - (sum % 11)];
  return text[8] === (first === 'S' || first === 'T' ? 'JZIHGFEDCBA' : 'XWUTRQPNMLK')[sum % 11];
}

function isTckn(digits: string): boolean {
  const odd = weightedSum(digits, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weightedSum(digits, [0, 1, 0, 1, 0, 1, 0, 1]);
  const sum = [...digits.slice(0, 10)].reduce((total, char) => total + Number(char), 0);
  return (((odd * 7 - even) % 10) + 10) % 10 === Number(digits[9]) && sum % 10 === Number(digits[10]);
}
