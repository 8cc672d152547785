import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { reject } from '../../internal/validate.js';

/** The prefix of a secret in the Standard Webhooks specification; base64 follows it. */
const STANDARD_PREFIX = 'whsec_';

/**
 * Signs the exact bytes of a body in two ways: `X-Signature` is the hex HMAC-SHA256 of the body alone. The headers of the Standard
 * Webhooks specification (`webhook-id`, `webhook-timestamp`, `webhook-signature`) cover id and time too, so that a receiver can
 * refuse an old or repeated message.
 */
export class BodySigner {
  readonly #key: KeyObject;

  /** @param key - bytes; or text, which stands for its UTF-8 bytes, or after `whsec_` for the bytes that its base64 encodes. */
  constructor(key: string | Uint8Array) {
    this.#key = createSecretKey(
      typeof key !== 'string'
        ? key
        : key.startsWith(STANDARD_PREFIX)
          ? Buffer.from(key.slice(STANDARD_PREFIX.length), 'base64')
          : Buffer.from(key, 'utf8'),
    );
  }

  /** The header fields for one attempt to send a body. `id` is the same on every attempt; the time is not. */
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

/** Makes a signer of the key in an option; nothing without a key. */
export function optionalSigner(option: string, key: unknown): BodySigner | undefined {
  if (key === undefined) return undefined;
  if (!(typeof key === 'string' || key instanceof Uint8Array) || key.length === 0)
    reject(option, key, 'a non-empty string or bytes');
  return new BodySigner(key);
}
