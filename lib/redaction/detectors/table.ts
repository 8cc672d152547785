import { ConfigError } from '../../errors.js';
import { requirePeer } from '../../internal/runtime.js';
import { checkOptions, requireBoolean } from '../../internal/options.js';
import { redactAssignments } from './assignments.js';
import { SPECIAL_LITERALS } from './forms.js';
import { COMMAND_LITERALS, redactCommands } from './commands.js';
import { redactCredentials, redactJwts, redactPrivateKeys, SCHEMES, redactUris } from './credentials.js';
import type { Detector, Pack, PackDetector, PackName } from './detector.js';
import { redactCards, redactSsns, FINANCE } from './finance.js';
import { CONTACT, phoneDetector, redactEmails, PHI, type FindPhones } from './personalData.js';
import { NATIONAL_ID } from './nationalId.js';
import { catalogueAnchors, redactProviderKeys, SHORTEST_SHAPELESS } from './providerKeys.js';

/** The built-in detectors, in the order in which they run. `docs/redaction.md` lists them. */
export const DETECTORS: readonly Detector[] = Object.freeze([
  {
    name: 'privateKey',
    finds:
      'private keys in PEM form (PKCS, OpenSSH, PGP, SSH2), to their end line or to the end of the text, and of PuTTY',
    source: 'RFC 7468, RFC 4716',
    on: true,
    trigger: () => ({ literals: ['private key', 'private-lines:'] }),
    redact: redactPrivateKeys,
  },
  {
    name: 'providerKey',
    finds: 'keys that providers write in a way of their own, by a catalogue of their shapes',
    source:
      'the rules of gitleaks and the pages of providers, each named in `lib/redaction/detectors/shapes.ts`',
    on: true,
    trigger: () => ({ literals: catalogueAnchors(), run: SHORTEST_SHAPELESS }),
    redact: redactProviderKeys,
  },
  {
    name: 'jwt',
    finds: 'JSON Web Tokens, signed, unsigned and encrypted',
    source: 'RFC 7519, RFC 7516',
    on: true,
    trigger: () => ({ literals: ['eyJ'] }),
    redact: redactJwts,
  },
  {
    name: 'uri',
    finds: 'userinfo in URIs, and the query and fragment values whose names are secret',
    source: 'RFC 3986',
    on: true,
    trigger: () => ({ literals: ['//', '\\\\', '@'] }),
    redact: redactUris,
  },
  {
    name: 'authorization',
    finds: '`Bearer`, `Basic` and other `Authorization` credentials',
    source: 'RFC 9110, RFC 6750, RFC 7617',
    on: true,
    trigger: () => ({ literals: SCHEMES }),
    redact: redactCredentials,
  },
  {
    name: 'command',
    finds:
      'what tools of the command line take as a secret: `curl -u`, `mysql -p…`, `docker login -p`, `sshpass -p`',
    source: 'the manuals of these tools',
    on: true,
    trigger: () => ({ literals: COMMAND_LITERALS }),
    redact: redactCommands,
  },
  {
    name: 'assignment',
    finds:
      'names that a key pattern matches, followed by a value: `password=…`, `"token": "…"`, `--api-key …`, `<password>…`',
    source: 'the grammars of the formats that `docs/redaction.md` names',
    on: true,
    trigger: (names) => ({ literals: [...names, ...SPECIAL_LITERALS] }),
    redact: redactAssignments,
  },
  {
    name: 'embedded',
    finds: 'JSON and Base64 text inside a string, walked like the rest',
    source: 'RFC 8259, RFC 4648',
    on: true,
    trigger: () => ({ literals: ['{', '[', '"', '\\'], run: 16 }),
  },
  {
    name: 'ssn',
    finds: 'US social security numbers, written with hyphens, dashes or spaces, in digits of any width',
    source: 'rules of the Social Security Administration since 2011',
    on: true,
    trigger: () => ({ digits: 9 }),
    redact: redactSsns,
  },
  {
    name: 'card',
    finds:
      'payment card numbers (PAN): 13 to 19 digits of an issued range that pass the Luhn check, in any width and however they are parted, with track data and the code beside them',
    source: 'ISO/IEC 7812, ISO/IEC 7813',
    on: true,
    trigger: () => ({ digits: 13 }),
    redact: redactCards,
  },
  {
    name: 'email',
    finds: 'e-mail addresses',
    source: 'RFC 5322',
    on: false,
    trigger: () => ({ literals: ['@'] }),
    redact: redactEmails,
  },
]);

/**
 * How telephone numbers are found.
 *
 * @see docs/redaction.md
 */
interface ContactOptions {
  /** The country (ISO 3166-1 alpha-2) whose national numbers are found as well. @defaultValue none: international ones only */
  readonly defaultCountry?: string;
  /**
   * Finds telephone numbers, where `libphonenumber-js` cannot be loaded by name, as in a bundle.
   * @defaultValue `findPhoneNumbersInText` of the installed `libphonenumber-js`
   */
  readonly findPhones?: FindPhones;
}

/**
 * Packs of key names and detectors for data that the law protects; each is off unless it is named.
 *
 * @see docs/redaction.md
 */
export interface PackOptions {
  /** Finds what HIPAA's Safe Harbor lists, where it has a form of its own; `contact` comes with it. @defaultValue false */
  readonly phi?: boolean;
  /** Finds e-mail, telephone, postal and IP addresses; needs `libphonenumber-js`. @defaultValue false */
  readonly contact?: boolean | ContactOptions;
  /** Finds bank accounts: IBAN, account and routing numbers. @defaultValue false */
  readonly finance?: boolean;
  /** Finds national numbers of people, by country, with their check digits. @defaultValue false */
  readonly nationalId?: boolean;
}

/** Every pack. */
const PACKS: readonly Pack[] = [PHI, CONTACT, FINANCE, NATIONAL_ID];

/** What the packs that are on add to the policy. */
export interface ResolvedPacks {
  readonly keys: readonly string[];
  readonly detectors: readonly PackDetector[];
  /** Whether the built-in detector of e-mail addresses is on. */
  readonly email: boolean;
}

/**
 * Checks the option and loads the library that the pack `contact` needs.
 *
 * @throws {ConfigError} for an unknown pack, or one whose library is not installed.
 */
export function resolvePacks(option: string, given: unknown): ResolvedPacks {
  if (given === undefined) return { keys: [], detectors: [], email: false };
  const options = checkOptions('PackOptions', option, given as PackOptions);
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

function isOn(option: string, name: PackName, value: boolean | ContactOptions): boolean {
  return (name === 'contact' && typeof value === 'object') || requireBoolean(option, value);
}

function phonesBy(option: string, given: boolean | ContactOptions): FindPhones {
  const options = checkOptions('ContactOptions', option, typeof given === 'object' ? given : {});
  const { defaultCountry: country, findPhones } = options;
  if (country !== undefined && !/^[A-Z]{2}$/.test(country))
    throw new ConfigError(
      `${option}.defaultCountry`,
      'expected two capital letters (ISO 3166-1), such as US',
    );
  if (findPhones !== undefined) return findPhones;
  const find = loadLibrary(option);
  return (text) => find(text, country === undefined ? {} : { defaultCountry: country });
}

type FindPhoneNumbers = (text: string, options: { defaultCountry?: string }) => ReturnType<FindPhones>;

/** Loads the application's own copy of the optional peer. */
function loadLibrary(option: string): FindPhoneNumbers {
  try {
    return (requirePeer('libphonenumber-js') as { findPhoneNumbersInText: FindPhoneNumbers })
      .findPhoneNumbersInText;
  } catch {
    throw new ConfigError(
      option,
      'needs libphonenumber-js to find telephone numbers: npm install libphonenumber-js',
    );
  }
}
