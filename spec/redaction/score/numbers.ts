import type { Random } from './random.js';

// Numbers of people and accounts, made from the definitions of their check digits and not by the library's own functions.

const DIGITS = '0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

type Make = (random: Random) => string;

const sum = (digits: string, weights: readonly number[]): number =>
  weights.reduce((total, weight, index) => total + weight * Number(digits[index]), 0);

/** The digit that makes the double-add-double sum of the whole a multiple of ten. */
export function luhnDigit(digits: string): string {
  const total = [...digits].reverse().reduce((all, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return all + (value > 9 ? value - 9 : value);
  }, 0);
  return String((10 - (total % 10)) % 10);
}

/** The multiplication of the dihedral group of ten elements, which Verhoeff's digits are elements of. */
const times = (a: number, b: number): number =>
  a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5;
const PERMUTED = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

function verhoeffDigit(digits: string): string {
  const whole = [...digits].map(Number).reverse();
  const check = whole.reduce((all, digit, index) => {
    let value = digit;
    for (let step = 0; step < (index + 1) % 8; step++) value = PERMUTED[value] ?? 0;
    return times(all, value);
  }, 0);
  return String(check > 0 && check < 5 ? 5 - check : check);
}

/** Base 36 digits, each in decimal, as one number. */
const decimal = (text: string): bigint =>
  BigInt([...text].map((char) => String(parseInt(char, 36))).join(''));

/** With a number whose check cannot be written, another is drawn. */
function until(draw: () => string | undefined): string {
  for (;;) {
    const drawn = draw();
    if (drawn !== undefined) return drawn;
  }
}

const two = (value: number): string => String(value).padStart(2, '0');
const day = (random: Random): string => two(random.between(1, 28));
const month = (random: Random): string => two(random.between(1, 12));
const date = (random: Random): string => `${two(random.between(40, 99))}${month(random)}${day(random)}`;

export const luhnNumber =
  (prefix: string, length: number, before = ''): Make =>
  (random) => {
    const digits = prefix + random.text(DIGITS, length - prefix.length - 1);
    return digits + luhnDigit(before + digits);
  };

export const aadhaar: Make = (random) => {
  const digits = `${random.between(2, 9)}${random.text(DIGITS, 10)}`;
  return digits + verhoeffDigit(digits);
};

/** Countries with the digits that an account has there; where it has letters too, digits will do. */
const IBANS = { DE: 18, FR: 23, ES: 20, AT: 16, CH: 17, BE: 12, PL: 24, SE: 20, NO: 11, DK: 14 };

export const iban: Make = (random) => {
  const [country, length] = random.of(Object.entries(IBANS));
  const account = random.text(DIGITS, length);
  return `${country}${two(Number(98n - (decimal(`${account}${country}00`) % 97n)))}${account}`;
};

export const dea: Make = (random) => {
  const digits = random.text(DIGITS, 6);
  return `${random.of([...'ABFGM'])}${random.text(LETTERS, 1)}${digits}${sum(digits, [1, 2, 1, 2, 1, 2]) % 10}`;
};

export const vin: Make = (random) => {
  const signs = 'ABCDEFGHJKLMNPRSTUVWXYZ0123456789';
  const text = `${random.text(signs, 8)}0${random.text(signs, 3)}${random.text(DIGITS, 5)}`;
  const values: Record<string, number> = {};
  for (const run of ['ABCDEFGH', 'JKLMN', ' STUVWXYZ'])
    [...run].forEach((char, at) => (values[char] = at + 1));
  Object.assign(values, { P: 7, R: 9 });
  const value = (char: string): number => (/\d/.test(char) ? Number(char) : (values[char] ?? 0));
  const weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
  const check = weights.reduce((all, weight, at) => all + weight * value(text[at] ?? ''), 0) % 11;
  return text.slice(0, 8) + (check === 10 ? 'X' : String(check)) + text.slice(9);
};

export const routing: Make = (random) => {
  const digits = `0${random.between(1, 9)}${random.text(DIGITS, 6)}`;
  return digits + String((10 - (sum(digits, [3, 7, 1, 3, 7, 1, 3, 7]) % 10)) % 10);
};

export const cpf: Make = (random) => {
  let digits = random.text(DIGITS, 9);
  for (const most of [10, 11]) {
    const rest = (10 * [...digits].reduce((all, digit, at) => all + Number(digit) * (most - at), 0)) % 11;
    digits += String(rest % 10);
  }
  return digits.replace(/(...)(...)(...)(..)/, '$1.$2.$3-$4');
};

export const nhs: Make = (random) =>
  until(() => {
    const digits = random.text(DIGITS, 9);
    const check = (11 - (sum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
    return check === 10 ? undefined : `${digits}${check}`.replace(/(...)(...)(....)/, '$1 $2 $3');
  });

export const nir: Make = (random) => {
  const digits = `${random.between(1, 2)}${two(random.between(0, 99))}${month(random)}75${random.text(DIGITS, 6)}`;
  return digits + two(Number(97n - (BigInt(digits) % 97n)));
};

export const bsn: Make = (random) =>
  until(() => {
    const digits = random.text('123456789', 8);
    const check = sum(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    return check === 10 ? undefined : `${digits}${check}`;
  });

export const dni: Make = (random) => {
  const digits = random.text(DIGITS, 8);
  return digits + 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(Number(digits) % 23);
};

export const pesel: Make = (random) => {
  const digits = date(random) + random.text(DIGITS, 4);
  return digits + String((10 - (sum(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10);
};

/** ISO/IEC 7064, MOD 11-2, by powers of two. */
export const chinese: Make = (random) => {
  const digits = `110105${random.between(1950, 2005)}${month(random)}${day(random)}${random.text(DIGITS, 3)}`;
  const all = [...digits].reduce((total, digit, at) => total + Number(digit) * (2 ** (17 - at) % 11), 0);
  return digits + '10X98765432'.charAt(all % 11);
};

export const finnish: Make = (random) => {
  const [born, serial] = [
    `${day(random)}${month(random)}${random.between(40, 99)}`,
    random.between(100, 899),
  ];
  return `${born}-${serial}${'0123456789ABCDEFHJKLMNPRSTUVWXY'.charAt(Number(`${born}${serial}`) % 31)}`;
};

/** ISO/IEC 7064, MOD 11,10. */
export const steuerId: Make = (random) => {
  const digits = `${random.between(1, 9)}${random.text(DIGITS, 9)}`;
  const rest = [...digits].reduce((all, digit) => (((all + Number(digit)) % 10 || 10) * 2) % 11, 10);
  return digits + String((11 - rest) % 10);
};

export const ahv: Make = (random) => {
  const digits = `756${random.text(DIGITS, 9)}`;
  const check = (10 - (sum(digits, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10;
  return `${digits}${check}`.replace(/(...)(....)(....)(..)/, '$1.$2.$3.$4');
};

export const turkish: Make = (random) => {
  const nine = `${random.between(1, 9)}${random.text(DIGITS, 8)}`;
  const [odd, even] = [sum(nine, [1, 0, 1, 0, 1, 0, 1, 0, 1]), sum(nine, [0, 1, 0, 1, 0, 1, 0, 1, 0])];
  const ten = `${nine}${(((7 * odd - even) % 10) + 10) % 10}`;
  return ten + String([...ten].reduce((all, digit) => all + Number(digit), 0) % 10);
};

export const swedish: Make = (random) => {
  const digits = `${date(random)}${random.text(DIGITS, 3)}`;
  return `${digits}${luhnDigit(digits)}`.replace(/(.{6})/, '$1-');
};

export const nric: Make = (random) => {
  const digits = random.text(DIGITS, 7);
  return `S${digits}${'JZIHGFEDCBA'.charAt(sum(digits, [2, 7, 6, 5, 4, 3, 2]) % 11)}`;
};

export const rut: Make = (random) => {
  const digits = String(random.between(5_000_000, 24_999_999));
  const all = [...digits].reverse().reduce((total, digit, at) => total + Number(digit) * (2 + (at % 6)), 0);
  return `${digits.replace(/\B(?=(?:\d{3})+$)/g, '.')}-${'0K987654321'.charAt(all % 11)}`;
};
