import type { Hider } from './hider.js';
import { mapBetweenMarkers } from './replacer.js';

/** 13 to 19 digits, single spaces or hyphens between them. */
const CARD = /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d])/g;

/** Lengths by issuer identification range (ISO/IEC 7812): Visa, Mastercard, Amex, Diners, Discover, JCB, UnionPay, Maestro. */
const ISSUED =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}|(?:5[06-8]|6)\d{11,17})$/;

/** Not 000, 666 or 9xx; no group all zeros (SSA's rules since 2011). */
const SSN = /(?<![\d-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d]|-\d)/g;

/** Card numbers become one marker each, whole: never a truncated number beside a token of it (PCI DSS 3.5.1). */
export function redactCards(text: string, { hide }: Hider): string {
  return mapBetweenMarkers(text, (part) =>
    part.replace(CARD, (match) => {
      const digits = match.replace(/[ -]/g, '');
      return isCard(digits) ? hide(digits) : match;
    }),
  );
}

/** US social security numbers in their written form; bare digits are told only by their key. */
export function redactSsns(text: string, { hide }: Hider): string {
  return text.replace(SSN, (match) => hide(match.replace(/ /g, '-')));
}

/** Whether a number, written in decimal, is a card number. */
export function isCard(digits: string): boolean {
  return ISSUED.test(digits) && passesLuhn(digits);
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 48;
    sum += double ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return sum % 10 === 0;
}
