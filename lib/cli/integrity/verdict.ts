import { AuditError } from '../../errors.js';
import { verifyLogFile } from '../../integrity/verification/verifyFile.js';
import type { VerifyReport } from '../../integrity/verification/verify.js';
import {
  isBad,
  VERDICT_TITLES,
  verdictSentence,
  type VerdictStatus,
  type Check,
} from '../../integrity/verification/verdict.js';
import { printable } from '../../internal/text.js';
import { ExitCode, type CommandIo } from '../shared/command.js';
import { isTable } from '../input/clickhouse.js';
import type { LogInput } from '../input/logs.js';
import { palette } from '../term/terminal.js';

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
