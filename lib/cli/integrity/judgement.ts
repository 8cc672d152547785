import { readFile } from 'node:fs/promises';
import { AuditError } from '../../errors.js';
import { verifyLogFile, readCheckpoints, trustedKeys } from '../../integrity/verification/verifyFile.js';
import {
  isBad,
  VERDICT_TITLES,
  verdictSentence,
  type VerdictStatus,
  type Check,
  type VerifyReport,
} from '../../integrity/verification/verdict.js';
import { printable } from '../../internal/text.js';
import { ExitCode, CliFailure, usageFailure, type CommandIo } from '../shared/command.js';
import { isTable } from '../input/clickhouse.js';
import type { LogInput } from '../input/logs.js';
import { palette } from '../term/terminal.js';
import { integrityLayout } from '../../integrity/storage/files.js';
import { parseVkey, type NoteVerifier } from '../../integrity/tlog/note.js';

/** The verdict on one log that a command reads for a purpose other than to verify it. */
export interface Judgement {
  /** The log, as the command line names it. */
  readonly name: string;
  /** The verdict; `unchecked` where the log is in no file, with nothing beside it. */
  readonly status: VerdictStatus | 'unchecked';
  /** The verdict in one sentence. */
  readonly sentence: string;
  /** The verification; absent where the log was not verified. */
  readonly report?: VerifyReport;
}

/** The sentence for a log that came without its checkpoint. */
const UNCHECKED = 'it came over standard input, without its checkpoint, and was not verified';
const IN_TABLE = 'it came from a database, without its checkpoint, and was not verified';

/**
 * Verifies a log as `verify` does, with the evidence beside it.
 *
 * @param vkeys The verifier keys to trust, if the command line gives any.
 */
export async function judge(log: LogInput, vkeys: readonly string[] | undefined): Promise<Judgement> {
  const { name } = log;
  if (log.files.length === 0)
    return { name, status: 'unchecked', sentence: isTable(name) ? IN_TABLE : UNCHECKED };
  try {
    const options = vkeys === undefined ? {} : { vkeys };
    const report = await (log.verify?.(options) ?? verifyLogFile(name, options));
    return { name, status: report.status, sentence: verdictSentence(report), report };
  } catch (error) {
    if (!(error instanceof AuditError)) throw error;
    return { name, status: 'broken', sentence: error.message };
  }
}

/** The title of a verdict, for a heading or the beginning of a line. */
export function titleOf({ status }: Pick<Judgement, 'status'>): string {
  return status === 'unchecked' ? 'Not checked' : VERDICT_TITLES[status];
}

/** Prints the verdict on each log on stderr. Returns the exit code: 1 if one of the logs cannot be relied on. */
export function tellJudgements(judgements: readonly Judgement[], io: CommandIo, json: boolean): number {
  const { yellow } = palette(io.stderr, io.env);
  for (const { name, status, sentence, report } of judgements) {
    if (json) {
      const { problems = [], warnings = [] } = report ?? {};
      io.stderr.write(`${JSON.stringify({ log: name, status, verdict: sentence, problems, warnings })}\n`);
    } else
      io.stderr.write(
        `${yellow(`${printable(name)}:`)} ${titleOf({ status }).toLowerCase()}: ${printable(sentence)}\n`,
      );
  }
  return judgements.some(({ status }) => status !== 'unchecked' && isBad(status))
    ? ExitCode.finding
    : ExitCode.ok;
}

/** The table at the end of a verification, as lines of text. */
export function checkLines(checks: readonly Check[]): string[] {
  const rows = [
    { what: 'checked', by: 'by', result: 'result' },
    ...checks.map(({ what, by, result }) => ({ what: printable(what), by: printable(by), result })),
  ];
  const width = (column: 'what' | 'result') => Math.max(...rows.map((row) => row[column].length));
  return rows.map(
    ({ what, by, result }) => `${what.padEnd(width('what'))}  ${result.padEnd(width('result'))}  ${by}`,
  );
}

/** The option that every command of the evidence has. */
export const VKEY_OPTION = {
  type: 'string',
  multiple: true,
  value: 'VKEY',
  help: 'a verifier key to trust, or a file of them; may be repeated',
} as const;

/** How a verifier key begins, which no path of a file of keys does: name, plus, key id, plus. */
const KEY = /^[^+\n]+\+[0-9a-f]{8}\+/;

/**
 * The texts of the verifier keys that `--vkey` names: each a key, or a file of keys.
 *
 * @throws {CliFailure} with exit code 2 when there is no verifier key in one: a slip on the command line is never a finding
 * about the log.
 */
export async function readVkeys(given: readonly string[] | undefined): Promise<string[] | undefined> {
  if (given === undefined) return undefined;
  const keys: string[] = [];
  for (const value of given) {
    const text = KEY.test(value) ? value : await readFile(value, 'utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    if (lines.length === 0) throw usageFailure('--vkey names no key');
    for (const line of lines) keys.push(checkedKey(line.trim()));
  }
  if (keys.length === 0) throw usageFailure('--vkey names no key');
  return keys;
}

/** Those of the values of `--vkey` that are paths of files. */
export function keyFiles(given: readonly string[] | undefined): readonly string[] {
  return (given ?? []).filter((value) => !KEY.test(value));
}

function checkedKey(text: string): string {
  try {
    parseVkey(text);
    return text;
  } catch (error) {
    if (error instanceof AuditError) throw usageFailure(`--vkey: ${error.message}`, WANTED);
    throw error;
  }
}

const WANTED = "A key is what 'otel-mcp-log keygen' prints, or a file that holds it.";

/** The keys to trust for a log: those given, else, with a word of warning, those beside it. */
export async function keysFor(
  log: string | undefined,
  given: readonly string[] | undefined,
  io: CommandIo,
): Promise<NoteVerifier[]> {
  const vkeys = await readVkeys(given);
  if (vkeys !== undefined) return vkeys.map(parseVkey);
  if (log === undefined)
    throw usageFailure('no --vkey is given', 'The key cannot come from what it is to vouch for.');
  const { verifiers, warnings } = await trustedKeys(log, undefined);
  const { yellow } = palette(io.stderr, io.env);
  for (const warning of warnings) io.stderr.write(`${yellow('warning:')} ${warning}\n`);
  return verifiers;
}

/** The checkpoint in a file: the last one, if there are several. Default: the one beside the log. */
export async function checkpointNote(log: string | undefined, path: string | undefined): Promise<string> {
  const from = path ?? (log === undefined ? undefined : integrityLayout(log).checkpoint);
  if (from === undefined) throw usageFailure('no checkpoint is given');
  return (await readCheckpoints(from)).at(-1)?.note ?? '';
}

/** The one operand of a command. */
export function onlyOperand(operands: readonly string[], what: string): string {
  const [operand] = operands;
  if (operand === undefined) throw usageFailure(`no ${what} is given`);
  if (operands.length > 1)
    throw usageFailure(`one ${what} is enough`, 'Rotated files of a log are found by themselves.');
  return operand;
}

/** A check that failed is a finding, not a fault of the input. */
export async function asFinding<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof AuditError) throw new CliFailure(ExitCode.finding, error.message, { cause: error });
    throw error;
  }
}
