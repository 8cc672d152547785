import type { DetectorContext, Pack } from './detector.js';
import { mapBetweenMarkers } from '../text/replacement.js';

// Check digits, as standards and issuers define them. Each function takes a number without separators.

/** The value of a digit at a place. */
function digit(text: string, index: number): number {
  return text.charCodeAt(index) - 48;
}

/** The sum of digits, each times its weight. */
export function weightedSum(text: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * digit(text, index), 0);
}

/** ISO/IEC 7812-1, annex B: the double-add-double formula. */
export function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const value = digit(digits, index);
    sum += double ? (value > 4 ? 2 * value - 9 : 2 * value) : value;
  }
  return sum % 10 === 0;
}

/** ISO/IEC 7064, MOD 97-10 over digits and letters (A = 10 … Z = 35): the remainder. */
export function mod97(text: string): number {
  let rest = 0;
  for (const char of text) {
    const value = parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}

/** ISO/IEC 7064, MOD 11,10. */
export function mod11And10(digits: string): boolean {
  let product = 10;
  for (let index = 0; index < digits.length - 1; index++) {
    const sum = (digit(digits, index) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === digit(digits, digits.length - 1);
}

/** ISO/IEC 7064, MOD 11-2: the last character is a digit or X. */
export function mod11And2(text: string): boolean {
  let rest = 0;
  for (const char of text.slice(0, -1)) rest = ((rest + Number(char)) * 2) % 11;
  const check = (12 - rest) % 11;
  return text.at(-1)?.toUpperCase() === (check === 10 ? 'X' : String(check));
}

const VERHOEFF_D = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const VERHOEFF_P = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];

/** J. Verhoeff, Error Detecting Decimal Codes (1969), as Aadhaar numbers use it. */
export function verhoeff(digits: string): boolean {
  let check = 0;
  for (let index = 0; index < digits.length; index++) {
    const value = digit(digits, digits.length - 1 - index);
    const permuted = Number(VERHOEFF_P[index % 8]?.[value]);
    check = Number(VERHOEFF_D[check]?.[permuted]);
  }
  return check === 0;
}

/** Whether a month and a day, of two digits each, are a date. 29 February counts in every year. */
export function isDayOfYear(month: string, day: string): boolean {
  const days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Number(month) - 1];
  return days !== undefined && Number(day) >= 1 && Number(day) <= days;
}

/** A form of a number or a phrase. */
export interface Shape {
  /** Finds it. It needs the flag `g`. If it has a group named `value`, only that part of a match is hidden. */
  readonly pattern: RegExp;
  /** Whether a match is such a number. It is given without separators, and as written. @defaultValue every match is one */
  readonly holds?: (compact: string, written: string) => boolean;
}

/** Makes a detector that hides all matches of some forms. */
export function hideShapes(shapes: readonly Shape[]): (text: string, context: DetectorContext) => string {
  return (text, { hide }) =>
    shapes.reduce((rest, { pattern, holds }) => {
      return rest.replace(pattern, (match: string, ...groups: unknown[]) => {
        const named = groups.at(-1);
        const value = isGroups(named) ? (named.value ?? match) : match;
        if (holds !== undefined && !holds(compact(value), value)) return match;
        const at = match.lastIndexOf(value);
        return match.slice(0, at) + hide(value) + match.slice(at + value.length);
      });
    }, text);
}

function isGroups(value: unknown): value is { readonly value?: string } {
  return typeof value === 'object' && value !== null;
}

/** A number without the separators that people write. */
function compact(text: string): string {
  return text.replace(/[\s.\-/\u00a0\u2007\u2010-\u2015\u202f]/g, '').toUpperCase();
}

/**
 * A form that counts only behind words that name it, with at most a few words between.
 *
 * @param words An expression for the words, without capturing groups.
 * @param value An expression for the number.
 */
export function behind(words: string, value: string, holds?: Shape['holds']): Shape {
  const pattern = new RegExp(
    `(?<![A-Za-z\\d])(?:${words})(?![A-Za-z\\d])[^A-Za-z\\d\\r\\n]{0,6}(?:(?:is|was|are|no|nr|num|number|id|of|the|patient|code)\\b[^A-Za-z\\d\\r\\n]{1,4}){0,3}(?<value>${value})(?![A-Za-z\\d])`,
    'gi',
  );
  return { pattern, ...(holds && { holds }) };
}

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

/** What people write between groups of digits: blanks of any width, dashes of any length. */
const GAP = '[ \\t\\u00a0\\u2002-\\u200a\\u202f\\u205f\\u3000\\u2010-\\u2015\\u2212\\ufe58\\ufe63\\uff0d-]';
const BETWEEN = `(?: [\\u2010-\\u2015-] |${GAP})`;
/** 13 digits or more, in groups with one such character between them, or a dash between blanks. Not a decimal fraction. */
const GROUPS = new RegExp(
  `\\d(?<![A-Za-z\\d.]\\d)(?=(?:${BETWEEN}?\\d){12})\\d*(?:${BETWEEN}\\d+)*(?![A-Za-z\\d])`,
  'g',
);
/** Groups as on a card, all separated by the same dot, slash or `_`, which other things are written with too. */
const TYPED =
  /\d{4}(?<=(?<![A-Za-z\d]|\d[._/])\d{4})([._/])(?:\d{4}\1\d{4}\1\d{2,4}(?:\1\d{1,3})?|\d{6}\1\d{4,5})(?![A-Za-z\d]|[._/]\d)/g;
/** A full-width digit, and a run of digits in either width with separators. */
const WIDE = /[\uff10-\uff19]/;
const WIDE_RUN = new RegExp(
  `[\\d\\uff10-\\uff19](?:(?:${BETWEEN}|[._/\\uff0e\\uff0f\\uff3f])?[\\d\\uff10-\\uff19])*`,
  'g',
);
/** Splits groups; the group in the expression puts each separator at an odd index. */
const SPLIT = new RegExp(`(${BETWEEN})`);
/** The magnetic tracks of a card (ISO/IEC 7813): number, holder, expiry and the issuer's data between sentinels. */
const TRACK =
  /(?:%?[Bb]\d{13,19}\^[^^\r\n]{2,26}\^\d{4,}[^?\r\n]{0,64}\??)|(?:;?\d{13,19}[=D]\d{7,}[^?\s]{0,32}\??)/g;
/** The expiry and the verification code behind a hidden card. */
const CODE_BEHIND =
  /(\[REDACTED\]|\[DROPPED\]|hmac-sha256:[0-9a-f]{64})([\s,;|]{1,3}(?:(?:exp\w{0,8}[:\s]{0,3})?(?:0[1-9]|1[0-2])(?:\s?[/|,-]\s?|\s)?(?:20)?\d{2}[\s,;|]{1,3})(?:cv[vc]2?[:\s]{0,3})?)(\d{3,4})(?!\d)/gi;

/**
 * Lengths by issuer identification range (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, Discover, JCB, UnionPay, Maestro, Mir,
 * RuPay, Verve, Elo, Troy, Napas, UzCard, Humo, GPN, T-Union.
 */
const ISSUED =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|220[0-5]\d{12,15}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}|(?:5[06-8]|6)\d{11,17}|8[126]\d{14}|9704\d{12,15}|(?:9792|9860|1946)\d{12}|31\d{17})$/;
/** Digits of the shortest and of the longest card number. */
const SHORTEST = 13;
const LONGEST = 19;
/** A number with the separator of a track behind it. A text without one is not searched for tracks. */
const MAY_BE_TRACK = /\d{13,19}[=D^]/;

/** A social security number: its first group is not 000, 666 or 9xx, and no group is all zeros (SSA's rules since 2011). */
const SSN = new RegExp(
  `(?<![\\d-])(?!000|666|9)(\\d{3})((?: ?)${GAP}(?: ?))(?!00)(\\d{2})\\2(?!0000)(\\d{4})(?![\\d]|-[\\dA-Za-z])`,
  'g',
);

/** Hides card numbers as a whole: a truncated number must not stand beside its token (PCI DSS 3.5.1). */
export function redactCards(text: string, { hide }: DetectorContext): string {
  const out = mapBetweenMarkers(text, (part) => {
    const cards = MAY_BE_TRACK.test(part) ? hideTracks(part, hide) : part;
    return inAnyWidth(cards, (narrow) =>
      narrow.replace(TYPED, hideCard(hide)).replace(GROUPS, (groups) => hideCards(groups, hide)),
    );
  });
  return out === text
    ? text
    : out.replace(
        CODE_BEHIND,
        (_all, card: string, between: string, code: string) => `${card}${between}${hide(code, true)}`,
      );
}

/** Redacts runs of full-width digits as if they were ASCII. Runs in which nothing is found stay as they were. */
function inAnyWidth(text: string, redact: (narrow: string) => string): string {
  if (!WIDE.test(text)) return redact(text);
  const shown = text.replace(WIDE_RUN, (run) => {
    const narrow = run.normalize('NFKC');
    const redacted = redact(narrow);
    return redacted === narrow ? run : redacted;
  });
  return redact(shown);
}

function hideCard(hide: DetectorContext['hide']): (match: string) => string {
  return (match) => {
    const digits = match.replace(/\D/g, '');
    return isCard(digits) ? hide(digits) : match;
  };
}

function hideTracks(text: string, hide: DetectorContext['hide']): string {
  return text.replace(TRACK, (track) =>
    isCard(/\d{13,19}/.exec(track)?.[0] ?? '') ? hide(track, true) : track,
  );
}

/** Hides the cards among adjacent groups of digits. Any sequence of whole groups may be a card. */
function hideCards(text: string, hide: DetectorContext['hide']): string {
  if (text.length < SHORTEST) return text;
  const parts = text.split(SPLIT);
  let out = '';
  for (let first = 0; first < parts.length;) {
    const last = lastOfCard(parts, first);
    const digits = parts.slice(first, last + 1).filter((_, index) => index % 2 === 0);
    out +=
      last === -1
        ? `${parts[first] ?? ''}${parts[first + 1] ?? ''}`
        : `${hide(digits.join(''))}${parts[last + 1] ?? ''}`;
    first = last === -1 ? first + 2 : last + 2;
  }
  return out;
}

/** The index of the last group of the longest card that begins with this group, or -1. */
function lastOfCard(parts: readonly string[], first: number): number {
  let digits = '';
  let last = -1;
  for (let at = first; at < parts.length && digits.length < LONGEST; at += 2) {
    const group = parts[at] ?? '';
    digits += group;
    const whole = at === first || ((parts[first]?.length ?? 0) >= 4 && group.length > 1);
    if (!whole) break;
    if (digits.length >= SHORTEST && isCard(digits)) last = at;
  }
  return last;
}

/** Hides US social security numbers in their written form. Bare digits are hidden only for the name of their key. */
export function redactSsns(text: string, { hide }: DetectorContext): string {
  return inAnyWidth(text, (narrow) =>
    narrow.replace(SSN, (_match, area: string, _gap: string, group: string, serial: string) =>
      hide(`${area}-${group}-${serial}`),
    ),
  );
}

/** Whether digits are a card number: of an issued range and with the right check digit. */
export function isCard(digits: string): boolean {
  return ISSUED.test(digits) && luhn(digits);
}
