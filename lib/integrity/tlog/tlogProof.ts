import { IntegrityError } from '../../errors.js';
import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { fromBase64, hashFromBase64, hashToBase64, leafHash, type Hash } from './merkle.js';
import { type NoteVerifier } from './note.js';
import { consistencyOf, verifyInclusion } from './proof.js';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** No tree of 2^63 leaves needs more hashes than this; c2sp.org/tlog-witness allows no more. */
const MAX_HASHES = 63;

/** A C2SP tlog-proof (c2sp.org/tlog-proof): one record is in the log that a checkpoint speaks of. */
export interface TlogProof {
  /** The place of the record, from 0. */
  readonly index: number;
  /** The inclusion proof, from the leaf's sibling to the root's child. */
  readonly hashes: readonly Hash[];
  /** The checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Opaque data, unverified until the proof is checked: here, the record itself. */
  readonly extra?: Uint8Array;
}

/** The proof as text; files of it are named `.tlog-proof`. */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const head = [HEADER];
  if (extra !== undefined) head.push(`extra ${Buffer.from(extra).toString('base64')}`);
  head.push(`index ${index}`, ...hashes.map(hashToBase64));
  return `${head.join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads a proof. It verifies nothing.
 *
 * @throws {IntegrityError} when it is not one.
 */
export function parseTlogProof(text: string): TlogProof {
  const { lines, checkpoint } = splitProof(text);
  if (lines.shift() !== HEADER) throw new IntegrityError(`not a tlog-proof: its first line is not ${HEADER}`);
  const extraText = lines[0]?.startsWith('extra ') ? lines.shift()?.slice('extra '.length) : undefined;
  const extra = extraText === undefined ? undefined : fromBase64(extraText);
  if (extraText !== undefined && extra === undefined)
    throw new IntegrityError('not a tlog-proof: its extra line is not Base64');
  const index = parseSize(lines.shift(), 'index');
  return { index, hashes: parseHashes(lines), checkpoint, ...(extra && { extra }) };
}

/**
 * Verifies that a line of a log is what a proof says it is.
 *
 * @param line The exact bytes of the record, without LF.
 * @returns the checkpoint that the proof leads to.
 * @throws {IntegrityError} when the checkpoint is not signed by a trusted key, or the proof does not hold.
 */
export function checkTlogProof(
  proof: TlogProof,
  line: Uint8Array,
  verifiers: readonly NoteVerifier[],
): Checkpoint {
  const checkpoint = openCheckpoint(proof.checkpoint, verifiers);
  const claim = { index: proof.index, size: checkpoint.size, root: checkpoint.root, leaf: leafHash(line) };
  if (!verifyInclusion(claim, proof.hashes))
    throw new IntegrityError(`the proof does not lead from this record to the root of the checkpoint`);
  return checkpoint;
}

/**
 * A proof that one checkpoint extends an older one. C2SP has one text form for it, the request that a witness takes
 * (c2sp.org/tlog-witness, add-checkpoint); so that is the form here.
 */
export interface ConsistencyProof {
  /** The size of the older tree. */
  readonly older: number;
  /** The proof itself (RFC 6962 section 2.1.2). */
  readonly hashes: readonly Hash[];
  /** The newer checkpoint, verbatim. */
  readonly checkpoint: string;
}

/** The proof as text: what a witness's `add-checkpoint` takes as its body. */
export function formatConsistencyProof({ older, hashes, checkpoint }: ConsistencyProof): string {
  return `${[`old ${older}`, ...hashes.map(hashToBase64)].join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads a consistency proof. It verifies nothing.
 *
 * @throws {IntegrityError} when it is not one.
 */
export function parseConsistencyProof(text: string): ConsistencyProof {
  const { lines, checkpoint } = splitProof(text);
  const older = parseSize(lines.shift(), 'old');
  return { older, hashes: parseHashes(lines), checkpoint };
}

/**
 * Verifies that the checkpoint in a proof extends an older checkpoint.
 *
 * @returns the newer checkpoint.
 * @throws {IntegrityError} when it does not, or is not signed by a trusted key.
 */
export function checkConsistencyProof(
  proof: ConsistencyProof,
  older: Checkpoint,
  verifiers: readonly NoteVerifier[],
): Checkpoint {
  const newer = openCheckpoint(proof.checkpoint, verifiers);
  if (newer.origin !== older.origin)
    throw new IntegrityError(`the checkpoints are of two logs, ${older.origin} and ${newer.origin}`);
  const sizes = `the log at ${newer.size} records does not extend the log at ${older.size}`;
  if (older.size > newer.size) throw new IntegrityError(`${sizes}: it is the older one`);
  if (proof.older !== older.size)
    throw new IntegrityError(
      `the proof is of another checkpoint: it begins at ${proof.older} records, the older checkpoint covers ${older.size}`,
    );
  const found = consistencyOf({ older, newer }, proof.hashes);
  if (found === 'contradiction') throw new IntegrityError(`${sizes}: history was rewritten`);
  if (found === 'no proof')
    throw new IntegrityError(
      `the proof does not lead from ${older.size} records to the checkpoint of ${newer.size}: it is damaged, or not of these two checkpoints; the log itself can tell (--log)`,
    );
  return newer;
}

/** The lines above the first empty one, and the checkpoint below it. */
function splitProof(text: string): { lines: string[]; checkpoint: string } {
  const end = text.indexOf('\n\n');
  if (end === -1) throw new IntegrityError('not a proof: no checkpoint in it');
  return { lines: text.slice(0, end).split('\n'), checkpoint: text.slice(end + 2) };
}

function parseSize(line: string | undefined, word: string): number {
  const size = Number(new RegExp(`^${word} (0|[1-9]\\d{0,15})$`).exec(line ?? '')?.[1]);
  if (!Number.isSafeInteger(size)) throw new IntegrityError(`not a proof: no line "${word} <number>"`);
  return size;
}

function parseHashes(lines: readonly string[]): Hash[] {
  if (lines.length > MAX_HASHES) throw new IntegrityError('not a proof: too many hashes');
  return lines.map((line) => {
    const hash = hashFromBase64(line);
    if (hash === undefined) throw new IntegrityError('not a proof: a line is not one SHA-256 hash in Base64');
    return hash;
  });
}
