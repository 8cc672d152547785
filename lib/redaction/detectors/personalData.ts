import type { Pack, DetectorContext, PackDetector } from './detector.js';
import { behind, hideShapes, isDayOfYear, luhn, type Shape } from './finance.js';

/** The National Provider Identifier: Luhn over the card issuer prefix 80840 and the number (45 CFR 162.406). */
function isNpi(digits: string): boolean {
  return /^[12]\d{9}$/.test(digits) && luhn(`80840${digits}`);
}

/** A registration number of the Drug Enforcement Administration, with a check digit over the six digits before it. */
function isDea(text: string): boolean {
  const [, , digits = ''] = /^([ABCDEFGHJKLMPRSTUX][A-Z9])(\d{7})$/.exec(text) ?? [];
  const at = (index: number): number => Number(digits[index]);
  return digits !== '' && (at(0) + at(2) + at(4) + 2 * (at(1) + at(3) + at(5))) % 10 === at(6);
}

const VIN_VALUES = '0123456789.ABCDEFGH..JKLMN.P.R..STUVWXYZ';
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/** A vehicle identification number with its check digit (49 CFR 565.15). */
function isVin(text: string): boolean {
  if (!/^[A-HJ-NPR-Z\d]{17}$/.test(text)) return false;
  const sum = VIN_WEIGHTS.reduce((total, weight, index) => {
    return total + weight * (VIN_VALUES.indexOf(text[index] ?? '') % 10);
  }, 0);
  return text[8] === 'X' ? sum % 11 === 10 : sum % 11 === Number(text[8]);
}

/** The letters of a Medicare Beneficiary Identifier, without those that look like digits (CMS, MBI format). */
const MBI_LETTER = '[AC-HJKMNP-RT-Y]';
const MBI_EITHER = '[\\dAC-HJKMNP-RT-Y]';
const MBI = new RegExp(
  `(?<![A-Za-z\\d])[1-9]${MBI_LETTER}${MBI_EITHER}\\d-?${MBI_LETTER}${MBI_EITHER}\\d-?${MBI_LETTER}{2}\\d{2}(?![A-Za-z\\d])`,
  'gi',
);

const MONTHS =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const DATE = [
  '\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}',
  '\\d{1,2}[-/.]\\d{1,2}[-/.](?:\\d{4}|\\d{2})',
  `\\d{1,2}(?:st|nd|rd|th)?[ -]${MONTHS}\\.?,?[ -]\\d{2,4}`,
  `${MONTHS}\\.? \\d{1,2}(?:st|nd|rd|th)?,? \\d{4}`,
  '(?:19|20)\\d{6}',
].join('|');
/** The words for dates that Safe Harbor removes: all that relate to one person (45 CFR 164.514(b)(2)(i)(C)). */
const DATE_WORDS =
  'd\\.?o\\.?b\\.?|dates? of (?:birth|death|admission|discharge|service)|birth ?dates?|birthday|born(?: on)?|deceased(?: on)?|died(?: on)?|admitted(?: on)?|admission date|discharged(?: on)?|discharge date';

const ID = '[A-Z]{0,4}[-#]?\\d[A-Z\\d]{3,15}(?:-[A-Z\\d]{1,8}){0,3}';

const RECORD_NUMBERS: readonly Shape[] = [
  behind(
    'm\\.?r\\.?n\\.?|medical record(?: (?:number|no\\.?|num|id))?|chart (?:number|no\\.?)|patient (?:id|number|no\\.?|identifier)',
    ID,
  ),
  behind(
    'member (?:id|number|no\\.?)|subscriber (?:id|number|no\\.?)|beneficiary (?:id|number|no\\.?)|health plan (?:id|number|no\\.?|beneficiary number)|policy (?:number|no\\.?)|group (?:number|no\\.?)|insurance (?:id|number|no\\.?)|medicaid (?:id|number|no\\.?)|hicn',
    ID,
  ),
  behind(
    "(?:medical |driver'?s? |nursing )?licen[cs]e (?:number|no\\.?|id)|certificate (?:number|no\\.?)",
    ID,
  ),
  behind('device (?:id|identifier|serial)|serial (?:number|no\\.?)|udi|implant (?:id|serial)', ID),
  behind('(?:licen[cs]e )?plate(?: (?:number|no\\.?))?', '[A-Z\\d]{1,4}[ -]?[A-Z\\d]{2,5}', (text) =>
    /\d/.test(text),
  ),
  { pattern: /(?<![A-Za-z\d])[A-HJ-NPR-Z\d]{17}(?![A-Za-z\d])/gi, holds: isVin },
];

/** Ages above 89, which identify people because few reach them (45 CFR 164.514(b)(2)(i)(C)). */
const AGES: readonly Shape[] = [
  { pattern: /(?<![A-Za-z\d])age[ds]?(?:[ :=]{1,3}|: ?)(?<value>9\d|1[0-2]\d)(?![\d.%A-Za-z])/gi },
  { pattern: /(?<![\d.])(?<value>9\d|1[0-2]\d)(?=[ -]?(?:years?[ -]old|y\/?o\b|yr[ -]old))/gi },
];

const STREET =
  '(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|terrace|way|highway|hwy|parkway|pkwy|circle|cir)';
/** Addresses and ZIP codes, which are smaller than a state (45 CFR 164.514(b)(2)(i)(B)). */
const ADDRESSES: readonly Shape[] = [
  {
    pattern: new RegExp(
      `(?<![A-Za-z\\d.])\\d{1,6}(?: [NSEW]\\.?)?(?: [A-Z][A-Za-z'.-]{1,20}| \\d{1,3}(?:st|nd|rd|th)){1,3} ${STREET}\\b\\.?(?:,? (?:apt|apartment|suite|ste|unit|#)\\.? ?[A-Za-z\\d-]{1,6})?(?:,? [A-Z][A-Za-z .'-]{1,30},? [A-Z]{2}\\.? \\d{5}(?:-\\d{4})?)?`,
      'gi',
    ),
  },
  behind('zip(?: ?code)?|postal code|postcode', '\\d{5}(?:-\\d{4})?|[A-Z]{1,2}\\d[A-Z\\d]? ?\\d[A-Z]{2}'),
  { pattern: /(?<![A-Za-z\d])P\.? ?O\.? Box \d{1,6}(?!\d)/gi },
];

/** Protected health information: what HIPAA's Safe Harbor lists and can be recognized by its form. Names of people cannot. */
export const PHI: Pack = {
  name: 'phi',
  includes: ['contact'],
  keys: [
    ...['mrn', 'medical_record', 'medical_record_number', 'patient_id', 'patient_name', 'patient_number'],
    ...[
      'dob',
      'date_of_birth',
      'birth_date',
      'birthdate',
      'birthday',
      'date_of_death',
      'admission_date',
      'discharge_date',
    ],
    ...[
      'npi',
      'dea_number',
      'mbi',
      'hicn',
      'member_id',
      'subscriber_id',
      'beneficiary_id',
      'health_plan_id',
      'policy_number',
    ],
    ...[
      'insurance_id',
      'medicaid_id',
      'medicare_id',
      'license_number',
      'driver_license',
      'drivers_license',
      'license_plate',
    ],
    ...[
      'vin',
      'device_serial',
      'serial_number',
      'udi',
      'diagnosis',
      'diagnoses',
      'icd_code',
      'fingerprint_image',
      'voiceprint',
    ],
    ...[
      'biometric',
      'retina_scan',
      'face_image',
      'first_name',
      'last_name',
      'full_name',
      'maiden_name',
      'next_of_kin',
    ],
  ],
  detectors: [
    {
      name: 'npi',
      finds: 'National Provider Identifiers behind a word for a provider, by their check digit',
      source: '45 CFR 162.406; ISO/IEC 7812',
      trigger: () => ({ literals: ['npi', 'provider', 'prescriber', 'physician'] }),
      redact: hideShapes([
        behind('npi|national provider identifier|provider|prescriber|physician', '[12]\\d{9}', isNpi),
      ]),
    },
    {
      name: 'dea',
      finds: 'DEA registration numbers, by their check digit',
      source: '21 CFR 1301; the published check digit',
      trigger: () => ({ digits: 7 }),
      redact: hideShapes([
        { pattern: /(?<![A-Za-z\d])[ABCDEFGHJKLMPRSTUX][A-Z9]-?\d{7}(?![A-Za-z\d])/gi, holds: isDea },
      ]),
    },
    {
      name: 'mbi',
      finds: 'Medicare Beneficiary Identifiers, with and without dashes',
      source: 'CMS, Understanding the Medicare Beneficiary Identifier Format',
      trigger: () => ({ digits: 5 }),
      redact: hideShapes([{ pattern: MBI }]),
    },
    {
      name: 'healthRecord',
      finds:
        'numbers of medical records, health plans, licences, devices and plates behind the words for them, and vehicle identification numbers by their check digit',
      source: '45 CFR 164.514(b)(2)(i)(H) to (M)',
      trigger: () => ({ digits: 3 }),
      redact: hideShapes(RECORD_NUMBERS),
    },
    {
      name: 'personalDate',
      finds: 'dates of birth, death, admission and discharge behind the words for them, and ages above 89',
      source: '45 CFR 164.514(b)(2)(i)(C)',
      trigger: () => ({ digits: 2 }),
      redact: hideShapes([behind(DATE_WORDS, DATE, isDate), ...AGES]),
    },
  ],
};

/** Whether it is a date. Eight bare digits must be a day of the calendar; with separators anything counts. */
function isDate(text: string): boolean {
  return (
    !/^\d{8}$/.test(text) ||
    text.length !== 8 ||
    isDayOfYear(text.slice(4, 6), text.slice(6)) ||
    !/^(?:19|20)/.test(text)
  );
}

/** A telephone number in a text. */
interface FoundPhone {
  /** The index of its first UTF-16 code unit. */
  readonly startsAt: number;
  /** The index behind its last code unit. */
  readonly endsAt: number;
}

/** Finds telephone numbers: `findPhoneNumbersInText` of libphonenumber-js. */
export type FindPhones = (text: string) => readonly FoundPhone[];

const EMAIL =
  /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![A-Za-z0-9-])/g;

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`(?<![\\d.A-Za-z-])(?:${OCTET}\\.){3}${OCTET}(?![\\d.]*\\d)(?![A-Za-z-])`, 'g');
/** What may be an IPv6 address; `isIpv6` decides. */
const IPV6 =
  /(?<![A-Za-z\d:])(?:[\dA-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[\dA-Fa-f]{0,4})(?![A-Za-z\d:])/g;

/** Data by which people can be reached. */
export const CONTACT: Pack = {
  name: 'contact',
  includes: [],
  keys: [
    ...[
      'email',
      'email_address',
      'e_mail',
      'mail_to',
      'phone',
      'phone_number',
      'telephone',
      'mobile',
      'mobile_number',
    ],
    ...[
      'cell_phone',
      'fax',
      'fax_number',
      'address',
      'street',
      'street_address',
      'home_address',
      'postal_address',
    ],
    ...[
      'mailing_address',
      'billing_address',
      'shipping_address',
      'zip',
      'zip_code',
      'postal_code',
      'postcode',
    ],
    ...['ip', 'ip_address', 'client_ip', 'remote_ip', 'remote_addr', 'mac_address'],
  ],
  detectors: [
    {
      name: 'ip',
      finds: 'IP addresses of both versions that are not loopback or unspecified',
      source: 'RFC 3986, section 3.2.2; RFC 5952',
      trigger: () => ({ literals: ['.', ':'] }),
      redact: hideShapes([
        { pattern: IPV4, holds: (_, address) => !/^(?:127\.|0\.0\.0\.0$)/.test(address) },
        { pattern: IPV6, holds: (_, address) => isIpv6(address) },
      ]),
    },
    {
      name: 'address',
      finds:
        'street addresses of the English-speaking world, P.O. boxes, and ZIP and post codes behind the words for them',
      source: '45 CFR 164.514(b)(2)(i)(B); USPS Publication 28',
      trigger: () => ({ digits: 1 }),
      redact: hideShapes(ADDRESSES),
    },
  ],
};

/** Hides e-mail addresses (RFC 5322) without quoted parts. */
export function redactEmails(text: string, { hide }: DetectorContext): string {
  return text.includes('@') ? text.replace(EMAIL, (address) => hide(address)) : text;
}

/** Whether it is an IPv6 address by the grammar of URIs, but not loopback or unspecified. */
function isIpv6(text: string): boolean {
  return text !== '::' && text !== '::1' && /[\dA-F]/i.test(text) && URL.canParse(`http://[${text}]/`);
}

/** A detector of telephone numbers by a library that knows the numbering plans of all countries. */
export function phoneDetector(find: FindPhones): PackDetector {
  return {
    name: 'phone',
    finds: 'telephone numbers, international ones and those of the country that the option names',
    source: 'ITU-T E.164, by libphonenumber-js',
    trigger: () => ({ digits: 7 }),
    redact: (text, context) => hidePhones(text, find(text), context),
  };
}

function hidePhones(text: string, found: readonly FoundPhone[], { hide }: DetectorContext): string {
  let out = '';
  let done = 0;
  for (const { startsAt, endsAt } of found) {
    // A function of the user's may return anything; places outside the text are ignored.
    if (!(startsAt >= done && endsAt > startsAt && endsAt <= text.length)) continue;
    out += text.slice(done, startsAt) + hide(text.slice(startsAt, endsAt));
    done = endsAt;
  }
  return done === 0 ? text : out + text.slice(done);
}
