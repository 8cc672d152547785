import { createHash, createHmac } from 'node:crypto';
import { ConfigError } from '../../errors.js';
import { reject } from '../../internal/validate.js';

/**
 * What a redacted value becomes.
 *
 * - `mask`: `[REDACTED]`.
 * - `hmac`: `hmac-sha256:` and 64 hex digits, HMAC-SHA-256 (RFC 2104) of the value's text under `hmacKey`: equal values give
 *   equal tokens, so that records can be joined; without the key a token says nothing.
 * - `drop`: the key goes with its value. Where a hole would move its neighbours (array elements, a part of a text),
 *   `[DROPPED]` stands.
 */
export type Replacement = 'mask' | 'hmac' | 'drop';

/** What stands where a secret stood. */
export const REDACTED = '[REDACTED]';
/** What stands where something was dropped whose place had to be kept. */
export const DROPPED = '[DROPPED]';
/** What stands where redaction itself failed. */
export const FAILED = '[REDACTION FAILED]';

/** RFC 2104, section 3: keys shorter than the hash's output weaken it. */
const MIN_KEY_BYTES = 32;

/** More than any marker's length. */
const MARKER_UNITS = 80;

/** A text that redaction itself has put into the place of a secret. */
const STAND = /^(?:\[REDACTED\]|\[DROPPED\]|\[REDACTION FAILED\]|hmac-sha256:[0-9a-f]{64})$/;
/** The same anywhere in a text, and every other mark that redaction leaves; see `markers.ts`. */
const MARKS =
  /(\[(?:REDACTED|DROPPED|REDACTION FAILED|Circular|Threw|Too deep|Record full|Function|Symbol|Invalid Date|Promise|Weak collection|Generator|NaN|-?Infinity|\w{4,24}: \d{1,15} bytes|\d{1,15} (?:bytes|more))\]|hmac-sha256:[0-9a-f]{64})/;

/** Puts a text in the place of a secret. */
export interface Replacer {
  readonly kind: Replacement;
  /** What stands for this secret inside a text or in an array. */
  stand(secret: string): string;
}

/** Whether a text is nothing but what stands for a secret, so that redacting twice is redacting once. */
export function isMarker(text: string): boolean {
  return (text.startsWith('[') || text.startsWith('hmac-')) && STAND.test(text);
}

/** The text with every part between two marks mapped. */
export function mapBetweenMarkers(text: string, map: (part: string) => string): string {
  if (!text.includes('[') && !text.includes('hmac-sha256:')) return map(text);
  // Splitting by a group puts what it matched at every odd place.
  return text
    .split(MARKS)
    .map((part, index) => (index % 2 === 1 || part === '' ? part : map(part)))
    .join('');
}

/** The beginning of a text that was cut, without the half of a marker that it may end in. */
export function untear(text: string): string {
  const torn = /\[[A-Za-z ]*$|hmac-sha256:[0-9a-f]*$/.exec(text.slice(-MARKER_UNITS));
  return torn === null ? text : text.slice(0, text.length - torn[0].length);
}

/** The replacer that the options ask for. */
export function compileReplacer(chosen: Replacement, hmacKey: unknown): Replacer {
  if (chosen === 'mask') return { kind: chosen, stand: () => REDACTED };
  if (chosen === 'drop') return { kind: chosen, stand: () => DROPPED };
  const key = requireKey(hmacKey);
  return {
    kind: chosen,
    stand: (secret) => `hmac-sha256:${createHmac('sha256', key).update(secret, 'utf8').digest('hex')}`,
  };
}

/**
 * The key as bytes.
 *
 * @throws ConfigError when it is missing or too short.
 */
function requireKey(hmacKey: unknown): Uint8Array {
  if (typeof hmacKey !== 'string' && !(hmacKey instanceof Uint8Array)) {
    reject(
      'hmacKey',
      hmacKey,
      `a string or bytes, at least ${MIN_KEY_BYTES} bytes long, for replacement 'hmac'`,
    );
  }
  const key = Buffer.from(hmacKey);
  if (key.length < MIN_KEY_BYTES) {
    throw new ConfigError(
      'hmacKey',
      `too short, expected at least ${MIN_KEY_BYTES} bytes (RFC 2104, section 3)`,
    );
  }
  return key;
}

/** What stands in a record for values that JSON has no word for, or that could not be read. */
export const Marker = {
  circular: '[Circular]',
  threw: '[Threw]',
  depth: '[Too deep]',
  full: '[Record full]',
  function: '[Function]',
  symbol: '[Symbol]',
  invalidDate: '[Invalid Date]',
} as const;

/** Stands at the end of a container that was cut. */
export function moreMarker(entries: number): string {
  return `…[${entries} more]`;
}

/** Whether a value is such an end, of a container that has been redacted before. */
export function isMoreMarker(value: unknown): boolean {
  return typeof value === 'string' && /^…\[\d{1,15} more\]$/.test(value);
}

/** Shows a session id as records and spans may have it. */
export type SessionIds = (id: string) => string;

/**
 * How session ids are shown, by the options. The MCP session id is a bearer value: whoever sends it speaks for the session
 * (MCP, transports, session management). Its hash says as well which records belong together.
 *
 * @throws ConfigError when `hmacKey` is too short.
 */
export function compileSessionIds(shown: 'hash' | 'keep' | undefined, hmacKey: unknown): SessionIds {
  if (shown === 'keep') return (id) => id;
  const key = hmacKey === undefined ? undefined : requireKey(hmacKey);
  // One connection asks again and again.
  let last = { id: '', shown: '' };
  return (id) => {
    if (last.id !== id) last = { id, shown: hashed(id, key) };
    return last.shown;
  };
}

function hashed(id: string, key: Uint8Array | undefined): string {
  if (key === undefined) return `sha256:${createHash('sha256').update(id, 'utf8').digest('hex')}`;
  return `hmac-sha256:${createHmac('sha256', key).update(id, 'utf8').digest('hex')}`;
}
