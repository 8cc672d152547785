import * as crypto from 'node:crypto';
import { canonicalJson } from '../schema/canonicalJson.js';
import type { CommittedPart, LeftOut } from '../schema/parts.js';

/** Length of a key and of a salt, in bytes: that of SHA-256. */
export const KEY_BYTES = 32;

/** The longest canonical text that is committed to, in UTF-16 code units: it bounds how long one record can hold the event loop. */
const MAX_COMMITTED = 1 << 20;

/** The key of a log's commitments. */
export interface CommitmentKey {
  /** What records call it: the first 16 hex digits of HMAC-SHA-256(key, `otel-mcp-log commitment key`). */
  readonly id: string;
  /** Its 32 random bytes, one character per byte. */
  readonly secret: string;
}

/** A salt of 32 bytes, one character per byte (latin1): cheaper than a `Buffer`. */
export type Salt = string;

/** A key from its 32 bytes. */
export function commitmentKey(bytes: Uint8Array): CommitmentKey {
  const id = crypto.createHmac('sha256', bytes).update('otel-mcp-log commitment key').digest('hex');
  return { id: id.slice(0, 16), secret: Buffer.from(bytes).toString('latin1') };
}

/** A block of SHA-256 (FIPS 180-4), and the two pads of HMAC (RFC 2104), each as a word. */
const BLOCK = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const asWord = (byte: number) => byte * 0x01010101;

/** Texts up to this many code units are hashed in one buffer that all share; UTF-8 takes three bytes for one at most. */
const SHORT = 4096;

/** The one-shot form came with Node 20.12. With it, an HMAC takes a third of the time of `createHmac`, which makes three objects. */
const oneShot = typeof crypto.hash === 'function' ? crypto.hash : undefined;
const inner = Buffer.alloc(BLOCK + SHORT * 3, INNER_PAD);
const outer = Buffer.alloc(BLOCK + KEY_BYTES, OUTER_PAD);
const keyBytes = Buffer.alloc(KEY_BYTES);
const words = (bytes: Buffer) => new Uint32Array(bytes.buffer, bytes.byteOffset, KEY_BYTES / 4);
const innerWords = words(inner);
const outerWords = words(outer);
const keyWords = words(keyBytes);

/** HMAC-SHA-256 (RFC 2104) of a text, by a key of 32 bytes. */
function hmac(key: Salt, text: string, encoding: 'hex' | 'binary'): string {
  if (oneShot === undefined || text.length > SHORT)
    return crypto.createHmac('sha256', Buffer.from(key, 'latin1')).update(text, 'utf8').digest(encoding);
  keyBytes.write(key, 'latin1');
  for (let index = 0; index < keyWords.length; index++) {
    const word = keyWords[index] ?? 0;
    innerWords[index] = word ^ asWord(INNER_PAD);
    outerWords[index] = word ^ asWord(OUTER_PAD);
  }
  const end = BLOCK + inner.write(text, BLOCK, 'utf8');
  outer.write(
    oneShot('sha256', new Uint8Array(inner.buffer, inner.byteOffset, end), 'binary'),
    BLOCK,
    'latin1',
  );
  // The log does not keep what was hashed here, so memory does not keep it either.
  inner.fill(0, BLOCK, end);
  return oneShot('sha256', outer, encoding);
}

/** The salt of one record: HMAC-SHA-256(key, `record_id`). Who has it can check the commitments of that record and of no other. */
export function saltOf({ secret }: CommitmentKey, recordId: string): Salt {
  return hmac(secret, recordId, 'binary');
}

/** A commitment in hex: HMAC-SHA-256(salt, the name of the part ‖ LF ‖ the content as canonical JSON of RFC 8785). */
export function commitTo(salt: Salt, part: CommittedPart, canonical: string): string {
  return hmac(salt, `${part}\n${canonical}`, 'hex');
}

/** The commitment to a content in hex, or why there is none. Never throws. */
export function commitToContent(
  salt: Salt,
  part: CommittedPart,
  content: unknown,
): { readonly digest: string } | { readonly leftOut: LeftOut } {
  try {
    return { digest: commitTo(salt, part, canonicalJson(content, MAX_COMMITTED)) };
  } catch (error) {
    return { leftOut: error instanceof RangeError ? 'too_large' : 'not_json' };
  }
}

/** Reads a salt in hex; undefined where it is none. */
export function parseSalt(hex: unknown): Salt | undefined {
  return typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex)
    ? Buffer.from(hex, 'hex').toString('latin1')
    : undefined;
}

/** A salt as openings and requests carry it: 64 hex digits. */
export function formatSalt(salt: Salt): string {
  return Buffer.from(salt, 'latin1').toString('hex');
}
