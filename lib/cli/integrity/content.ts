import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { commitmentKeyPath, readCommitmentKeys } from '../../integrity/commitmentKeys.js';
import {
  commitToContent,
  formatSalt,
  parseSalt,
  saltOf,
  type Salt,
} from '../../integrity/contentCommitment.js';
import { COMMITTED_PARTS, type Commitments, type CommittedPart } from '../../schema/parts.js';
import { ExitCode, CliFailure, inputFailure, usageFailure, type CommandIo } from '../shared/command.js';

/** A record that commits to content, as it stands in a log or is shown by a proof. */
export interface CommittedRecord {
  readonly record_id: string;
  readonly commitments: Commitments;
}

/** What lets somebody check the commitments of one record: `prove --open` writes it. */
export interface Opening {
  readonly record_id: string;
  /** The key that the salt follows from, by its id. */
  readonly key: string;
  /** The salt in hex. */
  readonly salt: string;
}

/** Options of the commands that check content. */
export const CONTENT_OPTIONS = {
  content: {
    type: 'string',
    value: 'FILE',
    help: "JSON that was sent or returned: is it that of this record? '-' is standard input",
  },
  part: {
    type: 'string',
    value: 'PART',
    help: 'what the content is: arguments, result or data; default: any',
  },
  opening: {
    type: 'string',
    value: 'FILE',
    help: 'what opens this record, instead of the key: from prove --open',
  },
} as const;

/** The record of a line, or of the fields that a proof shows. */
export function committedRecord(shown: object): CommittedRecord {
  const { record_id, commitments } = shown as Partial<CommittedRecord>;
  if (typeof record_id !== 'string') throw inputFailure('the record shows no record_id');
  if (typeof commitments !== 'object')
    throw new CliFailure(ExitCode.finding, `the record ${record_id} has no commitments`, {
      hint: 'It was written without commitments: see docs/commitments.md.',
    });
  return { record_id, commitments };
}

/** The record of a line. */
export function shownBy(line: Uint8Array): object {
  try {
    return JSON.parse(Buffer.from(line).toString('utf8')) as object;
  } catch {
    throw inputFailure('the line of the record is not JSON');
  }
}

/** The salt of a record: of an opening, or by the keys of a file. */
export async function saltFor(
  record: CommittedRecord,
  {
    opening,
    keys,
    log,
  }: { opening?: string | undefined; keys?: string | undefined; log?: string | undefined },
): Promise<Salt> {
  if (opening !== undefined && keys !== undefined)
    throw usageFailure('--opening stands for the key: give --opening or --commitment-key');
  if (opening !== undefined) return saltIn(await readJson(opening, 'opening'), opening, record);
  const path = keys ?? (log === undefined ? undefined : commitmentKeyPath(log));
  if (path === undefined)
    throw usageFailure('no --opening is given', 'The holder of the key writes one: prove --open.');
  if (!existsSync(path))
    throw new CliFailure(ExitCode.input, `there is no key file ${path}`, {
      hint: 'Name it with --commitment-key, or give an --opening of this record.',
    });
  const id = record.commitments.key;
  const found = readCommitmentKeys('--commitment-key', path).find((key) => key.id === id);
  if (found === undefined)
    throw inputFailure(`${path} does not hold the key ${String(id)}, which this record was committed with`);
  return saltOf(found, record.record_id);
}

function saltIn(opening: unknown, path: string, { record_id }: CommittedRecord): Salt {
  const { record_id: opens, salt } = (opening ?? {}) as Partial<Opening>;
  const parsed = parseSalt(salt);
  if (parsed === undefined || typeof opens !== 'string')
    throw inputFailure(`${path} is no opening: expected what 'otel-mcp-log prove --open' writes`);
  if (opens !== record_id) throw inputFailure(`${path} opens the record ${opens}, not ${record_id}`);
  return parsed;
}

/** What opens one record, for somebody without the key. */
export function openingOf({ record_id, commitments }: CommittedRecord, salt: Salt): Opening {
  return { record_id, key: commitments.key ?? '', salt: formatSalt(salt) };
}

/**
 * Which part of a record a content is.
 *
 * @throws {CliFailure} with exit code 1 where it is none.
 */
export function partOf(
  content: unknown,
  record: CommittedRecord,
  salt: Salt,
  wanted: string | undefined,
): CommittedPart {
  const { record_id, commitments } = record;
  const parts = COMMITTED_PARTS.filter((part) => wanted === undefined || part === wanted);
  if (parts.length === 0) throw usageFailure('--part needs arguments, result or data (PART)');
  const found = parts.find((part) => {
    const made = commitToContent(salt, part, content);
    return 'digest' in made && made.digest === commitments[part];
  });
  if (found !== undefined) return found;
  const leftOut = parts.filter((part) => commitments.left_out?.[part] !== undefined);
  const there = parts.filter((part) => commitments[part] !== undefined);
  const reasons = leftOut.map(
    (part) => `there is no commitment to its ${part} (${commitments.left_out?.[part]})`,
  );
  const text =
    there.length === 0 ? 'it has no commitment to compare with' : `it is not its ${there.join(', nor its ')}`;
  throw new CliFailure(
    ExitCode.finding,
    `the content is not shown to be of the record ${record_id}: ${[text, ...reasons].join('; ')}`,
  );
}

/** Reads a JSON file. */
export async function readJson(path: string, what: string, io?: CommandIo): Promise<unknown> {
  const text = path === '-' && io !== undefined ? await textOf(io.stdin) : await readFile(path, 'utf8');
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    throw inputFailure(`the ${what} ${path} is not JSON`);
  }
}
