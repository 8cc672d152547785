import type { DetectorContext, Pack, PackDetector } from '../detector.js';
import { hideShapes } from './numbers.js';
import { ADDRESSES } from './phi.js';

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
