import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { integrityLayout } from '../../integrity/storage/layout.js';
import { findSegments } from '../../integrity/storage/segments.js';
import { accessLayout, readAccessDescription, type AccessLogOptions } from '../../sinks/file/accessLog.js';
import { inputFailure } from '../shared/failure.js';

/** What a finished part of a log is called: the log, and a number or a time. */
const PART = /^(.+?)(?:[.-]\d[\dTZ.:_-]*)(?:\.gz)?$/;

/** A log that a command is about to read, and what its configuration says of its access log, if anything. */
export interface ReadLog {
  readonly log: string;
  readonly configured: AccessLogOptions | undefined;
}

/**
 * The logs behind the operands of a command, each once: by their real paths, and a part of a log counts as the log. What is not
 * there is no log, and is said by whoever reads it.
 *
 * @throws {CliFailure} with exit code 3 when the configuration of an access log cannot be read.
 */
export async function readLogs(operands: readonly string[]): Promise<ReadLog[]> {
  const logs = new Map<string, ReadLog>();
  for (const operand of operands) {
    // A shell's `audit.jsonl*` names what lies beside the log, too; an access log that is read with its log is told of there.
    if (operand === '-' || /\.integrity$|\.access\.(?:json|key)$/.test(operand)) continue;
    if (operands.some((other) => operand === accessLayout(other).log)) continue;
    const log = await logBehind(operand);
    if (log !== undefined && !logs.has(log)) logs.set(log, { log, configured: configurationOf(log) });
  }
  return [...logs.values()];
}

async function logBehind(operand: string): Promise<string | undefined> {
  const path = await realpath(operand).catch(() => undefined);
  if (path !== undefined) {
    const whole = PART.exec(basename(path))?.[1];
    const log = whole === undefined ? path : join(dirname(path), whole);
    const isLog = [log, integrityLayout(log).folder, accessLayout(log).description].some((beside) =>
      existsSync(beside),
    );
    return isLog ? log : path;
  }
  // Between two files, or after its last part was finished, a log has parts alone.
  const folder = await realpath(dirname(operand)).catch(() => undefined);
  if (folder === undefined) return undefined;
  const log = join(folder, basename(operand));
  const parts = await findSegments(log).catch(() => []);
  return parts.some(({ present }) => present) ? log : undefined;
}

function configurationOf(log: string): AccessLogOptions | undefined {
  try {
    return readAccessDescription(log);
  } catch (error) {
    throw inputFailure((error as Error).message, error);
  }
}
