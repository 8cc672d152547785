import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { IntegrityError } from '../../errors.js';
import { fromBase64 } from './merkle.js';

/** C2SP signed-note, signature types: a key that signs checkpoints itself, or one that cosigns those of other logs. */
const SIGNATURE_TYPE = { ed25519: 0x01, cosignature: 0x04 } as const;
/** What a key is used for; a part of its id, so that one use never passes for the other. */
export type SignatureType = keyof typeof SIGNATURE_TYPE;
const ED25519_BYTES = 32;
const KEY_ID_BYTES = 4;
/** Go's `note` package takes no more of either, and many tools are built on it. */
const MAX_SIGNATURES = 100;
const MAX_NOTE_CHARACTERS = 1_000_000;

/** Who may have signed a note. */
export interface NoteVerifier {
  /** The key's name: for a log, its origin. */
  readonly name: string;
  /** 8 hex digits. */
  readonly keyId: string;
  /** An Ed25519 public key. */
  readonly publicKey: KeyObject;
}

/** One signature line. */
export interface NoteSignature {
  /** The name of the key. */
  readonly name: string;
  /** 8 hex digits. */
  readonly keyId: string;
  /** 64 bytes (Ed25519). */
  readonly signature: Buffer;
}

/** A C2SP signed note (c2sp.org/signed-note), taken apart. Nothing in it has been verified. */
export interface Note {
  /** What is signed, with its last newline. */
  readonly text: string;
  /** Who signed it, in the order of the lines. */
  readonly signatures: readonly NoteSignature[];
}

/** Whether a key can have this name: no Unicode space, no plus, no control character. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+\p{Cc}\p{Cs}\p{Z}]/u.test(name);
}

/** SHA-256(name ‖ LF ‖ signature type ‖ public key), its first four bytes as hex. */
export function keyId(name: string, publicKey: KeyObject, type: SignatureType = 'ed25519'): string {
  const typed = Buffer.concat([
    Buffer.from(`${name}\n`),
    Buffer.of(SIGNATURE_TYPE[type]),
    rawPublicKey(publicKey),
  ]);
  return createHash('sha256')
    .update(typed)
    .digest('hex')
    .slice(0, 2 * KEY_ID_BYTES);
}

/** The 32 bytes of an Ed25519 public key (RFC 8032). */
function rawPublicKey(publicKey: KeyObject): Buffer {
  return Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url');
}

/** The verifier key of a name and a public key: `name+id+key`, as C2SP signed-note has it. */
export function formatVkey(name: string, publicKey: KeyObject, type: SignatureType = 'ed25519'): string {
  const key = Buffer.concat([Buffer.of(SIGNATURE_TYPE[type]), rawPublicKey(publicKey)]);
  return `${name}+${keyId(name, publicKey, type)}+${key.toString('base64')}`;
}

/**
 * Reads the verifier key of a log.
 *
 * @throws {IntegrityError} when it is malformed, of another kind than Ed25519, or its id is not that of its key.
 */
export function parseVkey(vkey: string): NoteVerifier {
  return parseKey(vkey, 'ed25519');
}

/**
 * Reads the verifier key of a witness (c2sp.org/tlog-cosignature, Ed25519).
 *
 * @throws {IntegrityError} when it is malformed, of another kind, or its id is not that of its key.
 */
export function parseWitnessVkey(vkey: string): NoteVerifier {
  return parseKey(vkey, 'cosignature');
}

function parseKey(vkey: string, type: SignatureType): NoteVerifier {
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+([^\s]+)$/u.exec(vkey.trim()) ?? [];
  const key = fromBase64(encoded);
  if (!isKeyName(name) || key === undefined)
    throw new IntegrityError('a verifier key has the form <name>+<8 hex digits>+<base64>');
  if (key.length !== 1 + ED25519_BYTES || key[0] !== SIGNATURE_TYPE[type])
    throw new IntegrityError(
      type === 'ed25519'
        ? 'the verifier key is not an Ed25519 key of a log'
        : 'the verifier key is not the Ed25519 key of a witness (cosignature/v1)',
    );
  const x = key.subarray(1).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (keyId(name, publicKey, type) !== id)
    throw new IntegrityError('the id in the verifier key does not belong to its name and key');
  return { name, keyId: id, publicKey };
}

/** Puts a note together. */
export function formatNote({ text, signatures }: Note): string {
  const lines = signatures.map(({ name, keyId: id, signature }) => {
    const bytes = Buffer.concat([Buffer.from(id, 'hex'), signature]);
    return `— ${name} ${bytes.toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Takes a note apart. It verifies nothing.
 *
 * @throws {IntegrityError} when it is not a signed note.
 */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_CHARACTERS) throw new IntegrityError('not a signed note: too long');
  // Below U+0020 only LF is allowed; a lone surrogate (Cs) has no UTF-8 form.
  if (/[^\P{Cc}\n\u007f-\u009f]|\p{Cs}/u.test(note))
    throw new IntegrityError('not a signed note: it holds control characters');
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n'))
    throw new IntegrityError('not a signed note: no blank line, or cut off');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new IntegrityError('not a signed note: too many signatures');
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES)
    throw new IntegrityError('not a signed note: malformed signature line');
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_BYTES).toString('hex'),
    signature: bytes.subarray(KEY_ID_BYTES),
  };
}

/**
 * Verifies a note. Signatures of unknown keys are passed over, as the format demands.
 *
 * @returns the text, and the verifiers that did sign.
 * @throws {IntegrityError} when no known key signed, or the signature of a known key does not verify.
 */
export function verifyNote(
  note: string,
  verifiers: readonly NoteVerifier[],
): { text: string; signers: NoteVerifier[] } {
  const { text, signatures } = parseNote(note);
  const signers: NoteVerifier[] = [];
  for (const { name, keyId: id, signature } of signatures) {
    const verifier = verifiers.find((known) => known.name === name && known.keyId === id);
    if (verifier === undefined) continue;
    if (!verify(null, Buffer.from(text), verifier.publicKey, signature))
      throw new IntegrityError(`the signature of ${name} does not verify`);
    if (!signers.includes(verifier)) signers.push(verifier);
  }
  if (signers.length === 0) throw new IntegrityError('not signed by a key that is trusted here');
  return { text, signers };
}
