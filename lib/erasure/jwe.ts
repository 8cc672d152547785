import { createCipheriv, createDecipheriv, createHash, randomBytes, randomFillSync } from 'node:crypto';

/** AES-256. */
export const KEY_BYTES = 32;
/** 96 bits, the length for which GCM needs no further hashing (NIST SP 800-38D, 5.2.1.1; RFC 7518, 5.3). */
const IV_BYTES = 12;
/** 128 bits, the only length that JWE allows (RFC 7518, 5.3). */
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/**
 * How many texts one data key encrypts. With random nonces, NIST SP 800-38D (8.3) allows 2^32 for one key; at 2^20 the
 * probability that two nonces are equal is about 2^-57.
 */
export const MOST_TEXTS_PER_DATA_KEY = 2 ** 20;

/** Random nonces, many at a time: one call for each would cost more than the encryption of a short text. */
const nonces = { bytes: Buffer.alloc(IV_BYTES * 1024), next: IV_BYTES * 1024 };

function newNonce(): Buffer {
  if (nonces.next >= nonces.bytes.length) {
    randomFillSync(nonces.bytes);
    nonces.next = 0;
  }
  const nonce = nonces.bytes.subarray(nonces.next, nonces.next + IV_BYTES);
  nonces.next += IV_BYTES;
  return nonce;
}

/** What the protected header of such a JWE holds. */
export interface JweHeader {
  readonly alg: 'A256GCMKW';
  readonly enc: 'A256GCM';
  /** The id of the key that the data key is encrypted with. */
  readonly kid?: string;
  /** The nonce and the tag of the encrypted data key (RFC 7518, 4.7.1). */
  readonly iv: string;
  readonly tag: string;
  /** The record that it belongs to. */
  readonly record_id?: string;
  readonly cty?: string;
}

/**
 * A random data key, encrypted with another key, that encrypts texts as JWE in the compact form (RFC 7516, 3.1): `A256GCMKW` with
 * `A256GCM` (RFC 7518, 4.7 and 5.3). One data key serves many texts of one process, so the other key encrypts one data key for each
 * process and not one for each text, and no process can repeat the nonce of another.
 */
export class DataKey {
  readonly #key = randomBytes(KEY_BYTES);
  /** Base64url of the header up to the value of its last member. A multiple of three bytes, so that text can follow it. */
  readonly #headerStart: string;
  readonly #encryptedKey: string;
  #texts = 0;

  /** @param member what stands last in the header, beside the members of the algorithm. */
  constructor(kid: string, wrappingKey: Uint8Array, member: 'record_id' | 'cty' = 'record_id') {
    const nonce = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, wrappingKey, nonce);
    this.#encryptedKey = cipher.update(this.#key, undefined, 'base64url') + cipher.final('base64url');
    const header = {
      alg: 'A256GCMKW',
      enc: 'A256GCM',
      kid,
      iv: nonce.toString('base64url'),
      tag: cipher.getAuthTag().toString('base64url'),
    } satisfies JweHeader;
    const start = `${JSON.stringify(header).slice(0, -1)},"${member}":"`;
    // JSON may have spaces between members.
    const bytes = Buffer.byteLength(start);
    const padded = start.replace('{', `{${' '.repeat((3 - (bytes % 3)) % 3)}`);
    this.#headerStart = Buffer.from(padded).toString('base64url');
  }

  /** Whether it has encrypted as many texts as one data key should. */
  get isSpent(): boolean {
    return this.#texts >= MOST_TEXTS_PER_DATA_KEY;
  }

  /** @param value what the last member of the header holds; it needs no escapes in JSON. */
  encrypt(value: string, text: string): string {
    this.#texts++;
    const header = this.#headerStart + Buffer.from(`${value}"}`, 'latin1').toString('base64url');
    const nonce = newNonce();
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    // The additional data are the encoded header itself (RFC 7516, 5.1, step 14).
    cipher.setAAD(Buffer.from(header, 'latin1'));
    // As bytes: with an encoding, Node would make a decoder for each text. The last block of GCM is empty.
    const sealed = cipher.update(text, 'utf8');
    cipher.final();
    return `${header}.${this.#encryptedKey}.${nonce.toString('base64url')}.${sealed.toString('base64url')}.${cipher.getAuthTag().toString('base64url')}`;
  }

  /** Overwrites the data key in memory. What the engine has copied of it is out of reach. */
  destroy(): void {
    this.#key.fill(0);
  }
}

/** Why a JWE cannot be decrypted. The message quotes nothing of it. */
export class JweError extends Error {}

/**
 * The header of a JWE, which anybody can read and nobody has checked yet.
 *
 * @throws {@link JweError} where it is no JWE of the kind that is written here.
 */
export function headerOf(jwe: string): JweHeader {
  try {
    const header = JSON.parse(decode(jwe.slice(0, jwe.indexOf('.'))).toString()) as Partial<JweHeader> | null;
    const { alg, enc, iv, tag } = header ?? {};
    const isKnown = alg === 'A256GCMKW' && enc === 'A256GCM' && !Object.hasOwn(header ?? {}, 'crit');
    if (isKnown && [iv, tag].every((member) => typeof member === 'string')) return header as JweHeader;
  } catch {
    // The error below says it.
  }
  throw new JweError('it is no JWE with A256GCMKW and A256GCM');
}

/**
 * The text of a JWE in the compact form.
 *
 * @throws {@link JweError} where it is none, or where it was not made with this key.
 */
export function decrypt(jwe: string, wrappingKey: Uint8Array): string {
  const { iv, tag } = headerOf(jwe);
  const parts = jwe.split('.');
  if (parts.length !== 5) throw new JweError('it is no JWE in the compact form');
  const [header = '', encryptedKey = '', nonce = '', sealed = '', contentTag = ''] = parts;
  const dataKey = open(wrappingKey, { iv, tag, sealed: encryptedKey });
  if (dataKey.length !== KEY_BYTES) throw new JweError('its data key has another length');
  return open(dataKey, { iv: nonce, tag: contentTag, sealed, header }).toString('utf8');
}

interface Sealed {
  readonly iv: string;
  readonly tag: string;
  readonly sealed: string;
  readonly header?: string;
}

function open(key: Uint8Array, { iv, tag, sealed, header }: Sealed): Buffer {
  const [nonce, authTag] = [decode(iv), decode(tag)];
  if (nonce.length !== IV_BYTES || authTag.length !== TAG_BYTES)
    throw new JweError('a nonce or a tag has another length');
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(authTag);
  if (header !== undefined) decipher.setAAD(Buffer.from(header, 'latin1'));
  const text = decipher.update(decode(sealed));
  try {
    return Buffer.concat([text, decipher.final()]);
  } catch {
    throw new JweError('it was not made with this key, or was changed');
  }
}

function decode(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}

/** The id of a symmetric key: the SHA-256 thumbprint of its JWK (RFC 7638), in base64url. */
export function thumbprint(key: Uint8Array): string {
  const jwk = `{"k":"${Buffer.from(key).toString('base64url')}","kty":"oct"}`;
  return createHash('sha256').update(jwk).digest('base64url');
}
