import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { reject } from '../../internal/validate.js';

/** What the Standard Webhooks specification puts before a secret in base64. */
const STANDARD_PREFIX = 'whsec_';

/**
 * Signs the exact bytes that are sent, in two ways at once: `X-Signature`, the hex HMAC-SHA256 of the body alone, and the
 * headers of the Standard Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`), whose HMAC
 * covers id and time as well, so that a receiver can refuse an old or a repeated message.
 */
export class BodySigner {
  readonly #key: KeyObject;

  /** A key as text is its UTF-8 bytes, or, after `whsec_`, the bytes that the rest is the base64 of. */
  constructor(key: string | Uint8Array) {
    this.#key = createSecretKey(
      typeof key !== 'string'
        ? key
        : key.startsWith(STANDARD_PREFIX)
          ? Buffer.from(key.slice(STANDARD_PREFIX.length), 'base64')
          : Buffer.from(key, 'utf8'),
    );
  }

  /** The header fields for one sending of a body; `id` stays the same when it is sent again, the time does not. */
  headers(id: string, body: Uint8Array): Record<string, string> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signed = createHmac('sha256', this.#key).update(`${id}.${timestamp}.`).update(body);
    return {
      'x-signature': createHmac('sha256', this.#key).update(body).digest('hex'),
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signed.digest('base64')}`,
    };
  }
}

/** A signer for the key that an option gives, if it gives one. */
export function optionalSigner(option: string, key: unknown): BodySigner | undefined {
  if (key === undefined) return undefined;
  if (!(typeof key === 'string' || key instanceof Uint8Array) || key.length === 0)
    reject(option, key, 'a non-empty string or bytes');
  return new BodySigner(key);
}
