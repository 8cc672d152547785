import { IntegrityError } from '../../errors.js';
import { type Checkpoint } from './checkpoint.js';
import { type NoteVerifier } from './note.js';
import { checkTlogProof, type TlogProof } from './tlogProof.js';
import { commitmentData, digestOf, ORDER, SELECTIVE_FORMAT, selectiveRecord } from './commitments.js';

/** No record has more digests: a line is at most 65,535 bytes. */
const MOST_DIGESTS = 4096;
/** 256 bits in Base64url. */
const DIGEST = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
/** 128 bits in Base64url, or more. */
const SALT = /^[A-Za-z0-9_-]{22,}$/;

/** What a proof shows of a record. */
export interface Disclosed {
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
