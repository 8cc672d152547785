import { IntegrityError } from '../../errors.js';
import { hashFromBase64, hashToBase64, type Hash } from './merkle.js';
import {
  parseNote,
  verifyNote,
  type NoteVerifier,
  formatVkey,
  keyId,
  formatNote,
  type NoteSignature,
} from './note.js';
import { sign, verify, type KeyObject } from 'node:crypto';

/** What a checkpoint says of a log (c2sp.org/tlog-checkpoint). */
export interface TreeHead {
  /** The identity of the log: a schema-less URL by custom, e.g. `audit.example.com/agents`. */
  readonly origin: string;
  /** The number of leaves: lines of the log. */
  readonly size: number;
  /** The Merkle tree hash over all of them (RFC 6962 section 2.1). */
  readonly root: Hash;
}

/** A tree head and the signed note that it stands in. */
export interface Checkpoint extends TreeHead {
  /** The whole note, byte for byte. */
  readonly note: string;
}

/** The text of a checkpoint, ready to be signed. */
export function formatTreeHead({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${hashToBase64(root)}\n`;
}

/**
 * Reads the text of a checkpoint. Extension lines are allowed and passed over.
 *
 * @throws {IntegrityError} when it is not one.
 */
export function parseTreeHead(text: string): TreeHead {
  const lines = text.split('\n');
  const [origin = '', decimal = '', encoded = ''] = lines;
  const size = /^(0|[1-9]\d{0,15})$/.test(decimal) ? Number(decimal) : NaN;
  const root = hashFromBase64(encoded);
  if (lines.length < 4 || lines.slice(0, -1).includes('') || lines.at(-1) !== '')
    throw new IntegrityError('not a checkpoint: it needs origin, size and root, each on a line');
  if (!Number.isSafeInteger(size))
    throw new IntegrityError('not a checkpoint: the size is not a decimal number');
  if (root === undefined)
    throw new IntegrityError('not a checkpoint: the root is not one SHA-256 hash in Base64');
  return { origin, size, root };
}

/** Reads a checkpoint without verifying its signature: for what was verified before, or is to be verified later. */
export function parseCheckpoint(note: string): Checkpoint {
  return { ...parseTreeHead(parseNote(note).text), note };
}

/**
 * Reads a checkpoint and verifies that the log of its origin signed it.
 *
 * @param verifiers The keys that are trusted; only those whose name is the origin count.
 * @throws {IntegrityError} when it is no checkpoint, or no trusted key of that origin signed it.
 */
export function openCheckpoint(note: string, verifiers: readonly NoteVerifier[]): Checkpoint {
  const { text, signers } = verifyNote(note, verifiers);
  const head = parseTreeHead(text);
  if (!signers.some(({ name }) => name === head.origin))
    throw new IntegrityError(`the checkpoint is of the log ${head.origin}, signed by another`);
  return { ...head, note };
}

/**
 * Takes apart a file of several notes, one after the other.
 *
 * @returns the notes, and what follows the last whole one: a note that was cut off, or nothing.
 */
export function splitNotes(text: string): { notes: string[]; rest: string } {
  const notes: string[] = [];
  let start = 0;
  // A note ends with its last signature line; the first line of the next note is no signature.
  for (const { index, 0: signatures } of text.matchAll(/(?<=\n)(?:— [^\n]*\n)+/gu)) {
    const end = index + signatures.length;
    notes.push(text.slice(start, end));
    start = end;
  }
  return { notes, rest: text.slice(start) };
}

/** Whether a checkpoint speaks of another log. What is no checkpoint speaks of none. */
export function isOfAnother(note: string, origin: string): boolean {
  try {
    return parseCheckpoint(note).origin !== origin;
  } catch {
    return false;
  }
}

/** Whether a note is whole, and signed by keys that are not trusted here alone. */
export function isSignedByOthers(note: string, verifiers: readonly NoteVerifier[]): boolean {
  try {
    parseCheckpoint(note);
    return parseNote(note).signatures.every(
      ({ name, keyId }) => !verifiers.some((known) => known.name === name && known.keyId === keyId),
    );
  } catch {
    return false;
  }
}

/**
 * The origin of the log that is started in the place of one whose evidence did not hold. It is a name of its own, so that no
 * checkpoint of the new log passes for one of the old log.
 */
export function restartOrigin(origin: string, time: Date): string {
  return `${origin}/restart-${time.toISOString().replace(/[-:.]/g, '')}`;
}

/** The origin that a restarted log had at first: what {@link restartOrigin} was given. */
export function firstOrigin(origin: string): string {
  return origin.replace(/\/restart-[\dTZ]+$/, '');
}

/** The same key under another name: C2SP key ids depend on the name. */
export function renamedVerifier({ publicKey }: NoteVerifier, name: string): NoteVerifier {
  return { name, keyId: keyId(name, publicKey), publicKey };
}

/**
 * Tells whether a checkpoint is of a log that was started anew by the holder of a trusted key. That log is not trusted by
 * itself: its readers have to know why there are two.
 *
 * @returns the checkpoint and the verifier key that its log has; nothing if the checkpoint is of no such log.
 */
export function restartedLog(
  note: string,
  verifiers: readonly NoteVerifier[],
): { readonly checkpoint: Checkpoint; readonly vkey: string } | undefined {
  for (const verifier of verifiers) {
    try {
      const { origin } = parseCheckpoint(note);
      if (origin === verifier.name || firstOrigin(origin) !== verifier.name) continue;
      const renamed = renamedVerifier(verifier, origin);
      return { checkpoint: openCheckpoint(note, [renamed]), vkey: formatVkey(origin, renamed.publicKey) };
    } catch {
      continue;
    }
  }
  return undefined;
}

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
