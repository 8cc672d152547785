import { createHash, createHmac } from 'node:crypto';
import { ConfigError } from '../../errors.js';
import { reject } from '../../internal/options.js';

/**
 * What a redacted value becomes.
 *
 * - `mask`: `[REDACTED]`.
 * - `hmac`: `hmac-sha256:` and 64 hex digits, HMAC-SHA-256 (RFC 2104) of the value's text under `hmacKey`: equal values give
 *   equal tokens, so that records can be joined; without the key a token reveals nothing.
 * - `drop`: the key goes with its value. Where a hole would move its neighbours (array elements, a part of a text),
 *   `[DROPPED]` stands.
 */
export type Replacement = 'mask' | 'hmac' | 'drop';

/** Replaces a secret. */
export const REDACTED = '[REDACTED]';
/** Replaces a dropped value whose place has to be kept. */
export const DROPPED = '[DROPPED]';
/** Replaces a value that could not be redacted. */
export const FAILED = '[REDACTION FAILED]';

/** A key shorter than the hash's output weakens an HMAC (RFC 2104, section 3). */
const MIN_KEY_BYTES = 32;

/** Longer than any marker. */
const MARKER_UNITS = 80;

/** A text that consists of one replacement. */
const STAND = /^(?:\[REDACTED\]|\[DROPPED\]|\[REDACTION FAILED\]|hmac-sha256:[0-9a-f]{64})$/;
/** A replacement within a text, or another marker that redaction leaves, such as those of {@link Marker}. */
const MARKS =
  /(\[(?:REDACTED|DROPPED|REDACTION FAILED|Circular|Threw|Too deep|Record full|Function|Symbol|Invalid Date|Promise|Weak collection|Generator|NaN|-?Infinity|\w{4,24}: \d{1,15} bytes|\d{1,15} (?:bytes|more))\]|hmac-sha256:[0-9a-f]{64})/;

/** Makes what replaces secrets. */
export interface Replacer {
  readonly kind: Replacement;
  /** What replaces this secret within a text or an array. */
  stand(secret: string): string;
}

/** Whether a text is a replacement already. It is kept, so that redacting twice is the same as redacting once. */
export function isMarker(text: string): boolean {
  return (text.startsWith('[') || text.startsWith('hmac-')) && STAND.test(text);
}

/** The text with the parts between markers mapped. */
export function mapBetweenMarkers(text: string, map: (part: string) => string): string {
  if (!text.includes('[') && !text.includes('hmac-sha256:')) return map(text);
  // Because of the group in the expression, the markers are at the odd indices.
  return text
    .split(MARKS)
    .map((part, index) => (index % 2 === 1 || part === '' ? part : map(part)))
    .join('');
}

/** The beginning of a cut text, without the part of a marker at its end. */
export function untear(text: string): string {
  const torn = /\[[A-Za-z ]*$|hmac-sha256:[0-9a-f]*$/.exec(text.slice(-MARKER_UNITS));
  return torn === null ? text : text.slice(0, text.length - torn[0].length);
}

/** Makes the replacer for the options. */
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
 * @throws ConfigError if it is missing or too short.
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

/** Markers for values that JSON cannot represent, or that could not be read. */
export const Marker = {
  circular: '[Circular]',
  threw: '[Threw]',
  depth: '[Too deep]',
  full: '[Record full]',
  function: '[Function]',
  symbol: '[Symbol]',
  invalidDate: '[Invalid Date]',
} as const;

/** The marker at the end of a container that was cut. */
export function moreMarker(entries: number): string {
  return `…[${entries} more]`;
}

/** Whether a value is such a marker, in a container that has been redacted before. */
export function isMoreMarker(value: unknown): boolean {
  return typeof value === 'string' && /^…\[\d{1,15} more\]$/.test(value);
}

/** Gives the form of a session id that records and spans show. */
export type SessionIds = (id: string) => string;

/**
 * Compiles how session ids are shown. The MCP session id is a bearer value: anyone who sends it acts for the session (MCP,
 * transports, session management). Its hash serves as well to find the records of one session.
 *
 * @throws ConfigError when `hmacKey` is too short.
 */
export function compileSessionIds(shown: 'hash' | 'keep' | undefined, hmacKey: unknown): SessionIds {
  if (shown === 'keep') return (id) => id;
  const key = hmacKey === undefined ? undefined : requireKey(hmacKey);
  // A connection asks for the same id again and again.
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
