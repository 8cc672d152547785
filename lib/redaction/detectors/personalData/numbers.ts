import type { DetectorContext } from '../detector.js';

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
