import { AuditError, ConfigError } from '../../errors.js';
import { ExitCode } from './command.js';

/** Ends a command with one line for people and an exit code for scripts. The text never quotes a record. */
export class CliFailure extends Error {
  /** The process's exit code. */
  readonly exitCode: number;
  /** A second line that says what to do. */
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = 'CliFailure';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** The command line was wrong. */
export function usageFailure(message: string, hint?: string): CliFailure {
  return new CliFailure(ExitCode.usage, message, hint === undefined ? {} : { hint });
}

/** An input could not be read, or is not an audit log. */
export function inputFailure(message: string, cause?: unknown): CliFailure {
  return new CliFailure(ExitCode.input, message, { cause });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'already exists',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  ELOOP: 'too many symbolic links',
};

/** The reason of a file system error in plain words; undefined for any other error. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (!('syscall' in error)) return undefined;
  return REASONS[error.code] ?? error.code;
}

/** The path that a file system error names; undefined if it names none. */
export function systemPath(error: unknown): string | undefined {
  return error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
}

/** Turns any error into the failure that ends a command. */
export function explain(error: unknown): CliFailure {
  if (error instanceof CliFailure) return error;
  if (error instanceof ConfigError) {
    const isMissing = (error.cause as { code?: unknown } | undefined)?.code === 'MODULE_NOT_FOUND';
    return new CliFailure(isMissing ? ExitCode.missing : ExitCode.usage, error.message);
  }
  if (error instanceof AuditError) return inputFailure(error.message);
  const reason = systemReason(error);
  if (reason !== undefined) return inputFailure(`${systemPath(error) ?? 'input'}: ${reason}`, error);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliFailure(70, `unexpected fault: ${text.split('\n').slice(0, 4).join(' ')}`, {
    hint: 'This is a fault of otel-mcp-log. Please report it with the line above.',
  });
}
