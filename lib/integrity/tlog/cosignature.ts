import { sign, verify, type KeyObject } from 'node:crypto';
import { IntegrityError } from '../../errors.js';
import { formatNote, keyId, parseNote, type NoteSignature, type NoteVerifier } from './note.js';

/** u64, big-endian, in front of the Ed25519 signature. */
const TIMESTAMP_BYTES = 8;
const ED25519_SIGNATURE_BYTES = 64;

/** A statement of a witness that is known: it saw this checkpoint follow all that it had seen of the log before. */
export interface Cosignature {
  /** Whose statement it is. */
  readonly witness: NoteVerifier;
  /** When it was made, by the witness's clock: seconds since 1970. */
  readonly time: number;
}

/** c2sp.org/tlog-cosignature, "Ed25519 signed message". */
function message(text: string, time: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

/**
 * Cosigns the text of a checkpoint (`cosignature/v1`).
 *
 * @param text All of the checkpoint but its signatures, with the last newline.
 * @param time Seconds since 1970.
 */
export function cosign(
  text: string,
  name: string,
  privateKey: KeyObject,
  publicKey: KeyObject,
  time: number,
): NoteSignature {
  const timestamp = Buffer.alloc(TIMESTAMP_BYTES);
  timestamp.writeBigUInt64BE(BigInt(time));
  const signature = Buffer.concat([timestamp, sign(null, message(text, time), privateKey)]);
  return { name, keyId: keyId(name, publicKey, 'cosignature'), signature };
}

/**
 * The cosignatures of known witnesses on a checkpoint. Signature lines of unknown keys are passed over.
 *
 * @throws {IntegrityError} when the line of a known witness is malformed or does not verify.
 */
export function cosignaturesOf(note: string, witnesses: readonly NoteVerifier[]): Cosignature[] {
  const { text, signatures } = parseNote(note);
  const found = new Map<NoteVerifier, Cosignature>();
  for (const line of signatures) {
    const witness = witnesses.find(({ name, keyId: id }) => name === line.name && id === line.keyId);
    if (witness === undefined) continue;
    const time = verifiedTime(text, line, witness);
    const earlier = found.get(witness);
    if (earlier === undefined || earlier.time < time) found.set(witness, { witness, time });
  }
  return [...found.values()];
}

function verifiedTime(text: string, { signature, name }: NoteSignature, { publicKey }: NoteVerifier): number {
  if (signature.length !== TIMESTAMP_BYTES + ED25519_SIGNATURE_BYTES)
    throw new IntegrityError(`the cosignature of ${name} has ${signature.length} bytes, not 72`);
  const time = Number(signature.readBigUInt64BE());
  // Zero would say "no statement as to the time", which cosignature/v1 does not know.
  if (time === 0 || !Number.isSafeInteger(time))
    throw new IntegrityError(`the cosignature of ${name} has no time`);
  if (!verify(null, message(text, time), publicKey, signature.subarray(TIMESTAMP_BYTES)))
    throw new IntegrityError(`the cosignature of ${name} does not verify`);
  return time;
}

/** The note with further signature lines, each line once. */
export function withSignatures(note: string, added: readonly NoteSignature[]): string {
  const { text, signatures } = parseNote(note);
  const known = new Set(signatures.map(identity));
  const fresh = added.filter((signature) => !known.has(identity(signature)));
  return formatNote({ text, signatures: [...signatures, ...fresh] });
}

function identity({ name, keyId: id, signature }: NoteSignature): string {
  return `${name} ${id} ${signature.toString('hex')}`;
}
