import { applicationRequire } from '../../internal/application.js';
import { ConfigError } from '../../errors.js';
import { optionalBoolean, reject, requireKnownOptions, requireText } from '../../internal/validate.js';
import { CONTACT, phoneDetector, type FindPhones } from '../detectors/personalData/contact.js';
import { FINANCE } from '../detectors/personalData/finance.js';
import { NATIONAL_ID } from '../detectors/personalData/nationalId.js';
import type { Pack, PackDetector, PackName } from '../detectors/personalData/pack.js';
import { PHI } from '../detectors/personalData/phi.js';

/** How telephone numbers are found. */
export interface ContactOptions {
  /** The country (ISO 3166-1 alpha-2) whose national numbers are found as well. @defaultValue none: international ones only */
  readonly defaultCountry?: string;
  /**
   * Finds telephone numbers, where `libphonenumber-js` cannot be loaded by name, as in a bundle.
   * @defaultValue `findPhoneNumbersInText` of the installed `libphonenumber-js`
   */
  readonly findPhones?: FindPhones;
}

/** Packs of key names and detectors for data that the law protects; each is off unless it is named. */
export interface PackOptions {
  /** What HIPAA's Safe Harbor lists, as far as it has a form; `contact` comes with it. @defaultValue false */
  readonly phi?: boolean;
  /** E-mail, telephone, postal and IP addresses; it needs `libphonenumber-js`. @defaultValue false */
  readonly contact?: boolean | ContactOptions;
  /** Bank accounts: IBAN, account and routing numbers. @defaultValue false */
  readonly finance?: boolean;
  /** National numbers of people, by country, with their check digits. @defaultValue false */
  readonly nationalId?: boolean;
}

/** Every pack. */
const PACKS: readonly Pack[] = [PHI, CONTACT, FINANCE, NATIONAL_ID];

/** What the packs that are on bring. */
export interface ResolvedPacks {
  readonly keys: readonly string[];
  readonly detectors: readonly PackDetector[];
  /** Whether e-mail addresses are to be found: a built-in detector that is off by default. */
  readonly email: boolean;
}

/**
 * Checks the option, and loads what the packs need.
 *
 * @throws {ConfigError} for an unknown pack, or one whose library is not installed.
 */
export function resolvePacks(option: string, given: unknown): ResolvedPacks {
  if (given === undefined) return { keys: [], detectors: [], email: false };
  requireKnownOptions(
    option,
    given,
    PACKS.map(({ name }) => name),
  );
  const options = given as PackOptions;
  const named = PACKS.filter(({ name }) => isOn(`${option}.${name}`, name, options[name]));
  const wanted = new Set<PackName>(named.flatMap(({ name, includes }) => [name, ...includes]));
  const packs = PACKS.filter(({ name }) => wanted.has(name));
  const contact = wanted.has('contact');
  return {
    keys: packs.flatMap(({ keys }) => keys),
    detectors: [
      ...packs.flatMap(({ detectors }) => detectors),
      ...(contact ? [phoneDetector(phonesBy(`${option}.contact`, options.contact))] : []),
    ],
    email: contact,
  };
}

function isOn(option: string, name: PackName, value: unknown): boolean {
  if (name !== 'contact' || typeof value !== 'object') return optionalBoolean(option, value, false);
  requireKnownOptions(option, value, ['defaultCountry', 'findPhones']);
  return true;
}

function phonesBy(option: string, given: unknown): FindPhones {
  const { defaultCountry, findPhones } = (typeof given === 'object' ? given : {}) as Partial<
    Record<keyof ContactOptions, unknown>
  >;
  if (findPhones !== undefined && typeof findPhones !== 'function')
    reject(`${option}.findPhones`, findPhones, 'a function');
  const country =
    defaultCountry === undefined ? undefined : requireText(`${option}.defaultCountry`, defaultCountry);
  if (country !== undefined && !/^[A-Z]{2}$/.test(country))
    throw new ConfigError(
      `${option}.defaultCountry`,
      'expected two capital letters (ISO 3166-1), such as US',
    );
  if (findPhones !== undefined) return findPhones as FindPhones;
  const find = loadLibrary(option);
  return (text) => find(text, country === undefined ? {} : { defaultCountry: country });
}

type FindPhoneNumbers = (text: string, options: { defaultCountry?: string }) => ReturnType<FindPhones>;

/** The application's own copy: an optional peer, loaded when a pack asks for it. */
function loadLibrary(option: string): FindPhoneNumbers {
  try {
    const require = applicationRequire();
    return (require('libphonenumber-js') as { findPhoneNumbersInText: FindPhoneNumbers })
      .findPhoneNumbersInText;
  } catch {
    throw new ConfigError(
      option,
      'needs libphonenumber-js to find telephone numbers: npm install libphonenumber-js',
    );
  }
}
