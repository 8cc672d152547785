import { IntegrityError } from '../../errors.js';
import { openCheckpoint, type Checkpoint } from './checkpoint.js';
import { fromBase64, hashFromBase64, hashToBase64, leafHash, type Hash } from './merkle.js';
import type { NoteVerifier } from './note.js';
import { consistencyOf, verifyInclusion } from './proof.js';
import { commitmentData, digestOf, ORDER, SELECTIVE_FORMAT, selectiveRecord } from './leafData.js';

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

/** No record has more digests: a line is at most 65,535 bytes. */
const MOST_DIGESTS = 4096;
/** 256 bits in Base64url. */
const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
/** 128 bits in Base64url, or more. */
const SALT = /^[A-Za-z0-9_-]{22,}$/;

/** What a proof shows of a record. */
interface Disclosed {
  /** The checkpoint that the proof leads to. */
  readonly checkpoint: Checkpoint;
  /** The fields that are shown, by name: `actor_id`, `mcp.tool_name`. */
  readonly fields: ReadonlyMap<string, unknown>;
}

/**
 * What goes into a proof in the place of the record: its commitments, and the fields that are shown.
 *
 * @param names Of fields; the name of a part (`mcp`) stands for all that is in it.
 * @throws {IntegrityError} when the record is not one that fields can be shown of, or has no such field.
 */
export function discloseFields(line: Uint8Array, names: readonly string[]): Buffer {
  const record = selectiveRecord(line);
  if (record === undefined)
    throw new IntegrityError(
      'the record was not written with the option integrity.selective: it can be shown whole, or not at all',
    );
  const disclosures = new Set<string>();
  for (const name of names) {
    const found = record.fields.filter((field) => field.name === name || field.name.startsWith(`${name}.`));
    if (found.length === 0) throw new IntegrityError(`the record has no field '${name}'`);
    for (const { disclosure } of found) disclosures.add(disclosure);
  }
  const [, ...digests] = record.data.toString().trimEnd().split('\n');
  return Buffer.from(JSON.stringify({ format: SELECTIVE_FORMAT, digests, disclosures: [...disclosures] }));
}

/** Whether what a proof carries is commitments with disclosures, and not a record. */
export function isDisclosing({ extra }: TlogProof): boolean {
  return (
    extra !== undefined && Buffer.from(extra).toString('utf8').startsWith(`{"format":"${SELECTIVE_FORMAT}"`)
  );
}

/**
 * Verifies a proof that shows some fields of a record.
 *
 * @throws {IntegrityError} when the checkpoint is not signed by a trusted key, the proof does not hold, or a field that it shows is
 * not one of the record's.
 */
export function checkDisclosure(proof: TlogProof, verifiers: readonly NoteVerifier[]): Disclosed {
  const { digests, disclosures } = parseExtra(proof.extra);
  const fields = new Map<string, unknown>();
  for (const disclosure of disclosures) {
    const { name, value } = parseDisclosure(disclosure);
    if (!digests.has(digestOf(disclosure)))
      throw new IntegrityError(`the field '${name}' is not one of this record, or has another value`);
    if (fields.has(name)) throw new IntegrityError(`the field '${name}' is shown twice`);
    fields.set(name, value);
  }
  return { checkpoint: checkTlogProof(proof, commitmentData([...digests]), verifiers), fields };
}

function parseExtra(extra: Uint8Array | undefined): { digests: Set<string>; disclosures: string[] } {
  const value = jsonOf(Buffer.from(extra ?? []).toString('utf8'));
  if (typeof value !== 'object' || value === null) throw malformed('it is no JSON object');
  const { format, digests, disclosures } = value as Record<string, unknown>;
  if (format !== SELECTIVE_FORMAT) throw malformed(`its format is not ${SELECTIVE_FORMAT}`);
  if (!isTexts(digests) || !isTexts(disclosures) || digests.length > MOST_DIGESTS)
    throw malformed('digests and disclosures are not lists of texts');
  const isRising = digests.every((text, at) => DIGEST.test(text) && (digests[at - 1] ?? '') < text);
  if (!isRising) throw malformed('its digests are not SHA-256 in Base64url, each once, in rising order');
  return { digests: new Set(digests), disclosures };
}

/** Exactly a salt, a name and a value, in the one Base64url that they have. */
function parseDisclosure(disclosure: string): { name: string; value: unknown } {
  const bytes = Buffer.from(disclosure, 'base64url');
  if (bytes.toString('base64url') !== disclosure) throw malformed('a disclosure is not Base64url');
  const value = jsonOf(bytes.toString('utf8'));
  if (!Array.isArray(value) || value.length !== 3)
    throw malformed('a disclosure is not salt, name and value');
  const [salt, name, field] = value as unknown[];
  if (typeof salt !== 'string' || !SALT.test(salt) || typeof name !== 'string')
    throw malformed('a disclosure is not salt, name and value');
  if (name === ORDER) throw malformed('it shows the order of the fields, which is none of them');
  return { name, value: field };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function malformed(what: string): IntegrityError {
  return new IntegrityError(`not a proof that shows fields: ${what}`);
}
