import type { PackName } from '../../../lib/redaction/detectors/detector.js';
import * as numbers from './numbers.js';
import type { Random } from './random.js';
import type { Sample } from './samples.js';

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const MBI_LETTERS = 'ACDEFGHJKMNPQRTUVWXY';
/** Samples of each kind. */
const EACH = 8;

type Make = (random: Random) => string;
/** A kind of value, how it is made, how texts give it, and what becomes of its check digit in a near miss; none has one without. */
type Kind = readonly [kind: string, make: Make, texts: readonly string[], near?: (value: string) => string];

/** The last digit or letter, which depends on all others, is another one. */
function otherEnd(value: string): string {
  const last = value.slice(-1);
  const run = /\d/.test(last) ? DIGITS : LETTERS;
  return value.slice(0, -1) + run.charAt((run.indexOf(last) + 1) % run.length);
}

/** Without its check letter a Finnish code could be a Danish one, so it gets another letter. */
const otherFinnish = (id: string): string => id.slice(0, -1) + (id.endsWith('H') ? 'J' : 'H');

const otherVinDigit = (vin: string): string =>
  vin.slice(0, 8) + (vin[8] === 'X' ? '0' : '123456789X'.charAt(Number(vin[8]))) + vin.slice(9);

const two = (value: number): string => String(value).padStart(2, '0');
const date: Make = (random) => {
  const [year, month, day] = [
    random.between(1930, 2020),
    two(random.between(1, 12)),
    two(random.between(1, 28)),
  ];
  return random.of([`${year}-${month}-${day}`, `${month}/${day}/${year}`, `${day}.${month}.${year}`]);
};
const mbi: Make = (random) => {
  const letter = () => random.of([...MBI_LETTERS]);
  const digit = () => String(random.between(1, 9));
  const either = () => random.of([letter(), digit()]);
  const parts = [
    digit() + letter() + either() + digit(),
    letter() + either() + digit(),
    letter() + letter() + random.text(DIGITS, 2),
  ];
  return parts.join(random.of(['-', '']));
};
const record: Make = (random) => random.of(['', 'A-', 'P']) + random.text('123456789', 8);
const octet = (random: Random): number => random.between(1, 254);

const PHI: readonly Kind[] = [
  ['NPI', numbers.luhnNumber('1', 10, '80840'), ['NPI % signed', 'prescriber: %', 'provider %,'], otherEnd],
  ['DEA', numbers.dea, ['DEA % on file', '(%)'], otherEnd],
  ['VIN', numbers.vin, ['drives %.', 'vehicle %'], otherVinDigit],
  ['MBI', mbi, ['card % shown', '"%"']],
  ['medical record', record, ['MRN: % seen', 'medical record number is %', 'patient ID %,']],
  ['health plan', record, ['member id % active', 'policy number: %']],
  ['licence', record, ["driver's license number %", 'medical license no. %']],
  ['date', date, ['DOB % noted', 'born on %,', 'date of death: %', 'admitted on % with']],
  ['age', (random) => String(random.between(90, 109)), ['aged % and well', 'a %-year-old patient']],
];

const STREETS = ['Oak Street', 'North Baker Street', 'Sunset Blvd', 'Elm Avenue', 'Mill Road', 'River Lane'];
const CITIES = ['Springfield, IL', 'Portland, OR', 'Austin, TX', 'Salem, MA'];
const PHONES = [
  '+1 212 555 01##',
  '+44 20 7946 0###',
  '+49 30 2093 ####',
  '+33 1 42 68 53 ##',
  '+91 98765 43###',
];

const CONTACT: readonly Kind[] = [
  [
    'e-mail',
    (random) => `${random.text('abcdefgh', 6)}@example.org`,
    ['write to %.', '<%>', 'from % at noon'],
  ],
  [
    'telephone',
    (random) => random.of(PHONES).replace(/#/g, () => random.text(DIGITS, 1)),
    ['call % today', 'tel: %', '(%)'],
  ],
  [
    'IPv4',
    (random) => `203.${octet(random)}.${octet(random)}.${octet(random)}`,
    ['from % at noon', 'ip=%', '[%]'],
  ],
  [
    'IPv6',
    (random) => `2001:db8:${random.text('123456789abcdef', 4)}::${random.text('123456789', 3)}`,
    ['from % at noon'],
  ],
  [
    'address',
    (random) =>
      `${random.between(1, 9999)} ${random.of(STREETS)}, ${random.of(CITIES)} ${random.text('123456789', 5)}`,
    ['lives at %.', 'ship to % today'],
  ],
  ['ZIP code', (random) => random.text('123456789', 5), ['ZIP % only', 'postal code: %']],
];

const FINANCE: readonly Kind[] = [
  ['IBAN', numbers.iban, ['pay % today', 'IBAN: %', '(%)'], otherEnd],
  [
    'IBAN in groups',
    (random) => numbers.iban(random).replace(/(.{4})(?!$)/g, '$1 '),
    ['pay % today', 'IBAN: %'],
    otherEnd,
  ],
  ['routing number', numbers.routing, ['routing number % used', 'ABA %'], otherEnd],
  ['account', (random) => random.text('123456789', 10), ['account number: % closed', 'acct no. %']],
  ['sort code', (random) => random.text('123456789', 6).replace(/(..)(..)/, '$1-$2-'), ['sort code %,']],
];

const NATIONAL_ID: readonly Kind[] = [
  [
    'IN Aadhaar',
    (random) => numbers.aadhaar(random).replace(/(.{4})(?!$)/g, '$1 '),
    ['id % shown'],
    otherEnd,
  ],
  [
    'CA SIN',
    (random) =>
      numbers
        .luhnNumber(
          '1',
          9,
        )(random)
        .replace(/(...)(?!$)/g, '$1-'),
    ['SIN %,'],
    otherEnd,
  ],
  [
    'ZA id',
    (random) => numbers.luhnNumber(`80010150${random.between(10, 99)}08`, 13)(random),
    ['identity number %'],
    otherEnd,
  ],
  ['BR CPF', numbers.cpf, ['CPF % ok', 'by %'], otherEnd],
  ['GB NHS', numbers.nhs, ['NHS number % seen'], otherEnd],
  ['GB NI', (random) => `AB${random.text(DIGITS, 6)}C`, ['NI number % ok', '(%)']],
  ['FR NIR', numbers.nir, ['NIR % ok', 'n° %'], otherEnd],
  ['NL BSN', numbers.bsn, ['BSN % ok'], otherEnd],
  ['ES DNI', numbers.dni, ['DNI % ok', 'by %'], otherEnd],
  ['PL PESEL', numbers.pesel, ['PESEL % ok'], otherEnd],
  ['CN id', numbers.chinese, ['id % ok', 'by %'], otherEnd],
  ['FI HETU', numbers.finnish, ['HETU % ok', 'by %'], otherFinnish],
  ['DE Steuer-ID', numbers.steuerId, ['Steuer-ID % ok'], otherEnd],
  ['CH AHV', numbers.ahv, ['AHV % ok', 'by %'], otherEnd],
  ['TR id', numbers.turkish, ['TC kimlik no % ok'], otherEnd],
  ['SE personnummer', numbers.swedish, ['by % today'], otherEnd],
  ['SG NRIC', numbers.nric, ['NRIC % ok', 'by %'], otherEnd],
  ['CL RUT', numbers.rut, ['RUT % ok', 'by %'], otherEnd],
  [
    'US ITIN',
    (random) => `9${random.text(DIGITS, 2)}-7${random.text(DIGITS, 1)}-${random.text(DIGITS, 4)}`,
    ['ITIN %.'],
  ],
];

const KINDS: Readonly<Record<PackName, readonly Kind[]>> = {
  phi: PHI,
  contact: CONTACT,
  finance: FINANCE,
  nationalId: NATIONAL_ID,
};
export const PACK_NAMES = Object.keys(KINDS) as PackName[];

/** Texts with numbers that no pack may take for one of a person. */
const PLAIN: readonly Make[] = [
  (random) => `commit ${random.text('0123456789abcdef', 40)}`,
  (random) => `order ${[8, 4, 4, 4, 12].map((length) => random.text('0123456789abcdef', length)).join('-')}`,
  (random) => `2026-0${random.between(1, 9)}-1${random.between(0, 9)}T10:20:30.${random.text(DIGITS, 3)}Z`,
  (random) => `upgraded from v1.${random.between(0, 99)}.3 to 2.0.${random.between(0, 99)}-rc.1`,
  (random) => `parcel ${random.text('123456789', 12)} weighs ${random.between(1, 99)}.5 kg`,
  (random) => `${random.between(1, 99)},${random.text(DIGITS, 3)}.${random.text(DIGITS, 2)} EUR in total`,
  (random) =>
    `at 52.${random.text(DIGITS, 4)}, 13.${random.text(DIGITS, 4)} since 10:${two(random.between(0, 59))}`,
  (random) => `released 2024-02-1${random.between(0, 9)}, ${random.between(20, 80)} years of history`,
  (random) =>
    `line ${random.between(1, 9999)} of file${random.between(1, 99)}.ts, exit code ${random.between(0, 9)}`,
  (random) => `ticket #${random.text('123456789', 7)}, build ${random.text('123456789', 10)}`,
];

const write = (text: string, value: string): { text: string } => ({ text: text.replace('%', () => value) });

/** What a pack has to hide. */
export function packSecrets(name: PackName, random: Random): Sample[] {
  return KINDS[name].flatMap(([kind, make, texts]) =>
    Array.from({ length: EACH }, () => {
      const secret = make(random);
      return { section: name, kind, value: write(random.of(texts), secret), secret };
    }),
  );
}

/** What it has to keep: the same numbers with a check digit that is wrong, and texts with other numbers. */
export function packHarmless(name: PackName, random: Random): Sample[] {
  const near = KINDS[name].flatMap(([kind, make, texts, miss]) =>
    miss === undefined
      ? []
      : Array.from({ length: EACH }, () => ({
          section: name,
          kind: `${kind}, wrong check digit`,
          value: write(random.of(texts), miss(make(random))),
        })),
  );
  const plain = PLAIN.flatMap((draw) =>
    Array.from({ length: 4 }, () => ({
      section: name,
      kind: 'no number of a person',
      value: { text: draw(random) },
    })),
  );
  return [...near, ...plain];
}

const FIRST = ['Ada', 'Grace', 'Alan', 'Mary', 'José', 'Yuki', 'Fatima', 'Björn', 'Olga', 'Chen'];
const LAST = [
  'Lovelace',
  'Hopper',
  'Turing',
  'Jackson',
  'García',
  'Tanaka',
  'Haddad',
  'Lindqvist',
  'Petrova',
  'Wei',
];
const SENTENCES = [
  'Please call % about the results.',
  '% was seen in the clinic today.',
  'The patient, %, has no known allergies.',
  'Dear %, thank you for your order.',
  'I met % yesterday.',
];

/** Names of people in prose, which have no form to be told by. */
export function nameSamples(random: Random): Sample[] {
  return Array.from({ length: 50 }, () => {
    const secret = `${random.of(FIRST)} ${random.of(LAST)}`;
    return { section: 'names', kind: 'a name', value: write(random.of(SENTENCES), secret), secret };
  });
}
