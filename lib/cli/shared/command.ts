import type { Readable, Writable } from 'node:stream';
import { AuditError, ConfigError } from '../../errors.js';

/** The parts of the process that a command uses. They are passed in, so that tests and other programs can run commands. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file of the program, which may be run on further threads. Without it, commands work on the thread that they are called on. */
  readonly program?: string;
}

/** The exit codes. Scripts branch on them; `--help` documents them. */
export const ExitCode = {
  /** Everything that was asked holds. */
  ok: 0,
  /** The command ran and found something wrong: a broken log, a failed check. */
  finding: 1,
  /** The command line was wrong. */
  usage: 2,
  /** An input could not be read, or is not an audit log. */
  input: 3,
  /** Something needed is not installed. */
  missing: 4,
} as const;

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

/** The options of every command that shows content of a log. */
export const ACCESS_OPTIONS = {
  'access-log': {
    type: 'boolean',
    help: 'record in LOG.access.jsonl, a sealed log beside it, that you read the log',
  },
  purpose: { type: 'string', value: 'TEXT', help: 'why you read it; goes into the access log' },
} as const;

/** The values of {@link ACCESS_OPTIONS}. */
export interface AccessOptions {
  readonly 'access-log'?: boolean;
  readonly purpose?: string;
}

/** A command line that reads logs. */
export interface ReadingCommand {
  readonly command: string;
  readonly operands: readonly string[];
  /** The parsed options, with those of the access log. */
  readonly options: AccessOptions;
  readonly io: CommandIo;
}

/** A reading whose beginning is recorded. */
export interface Reading {
  /** Takes the number of records that the command has given out so far. */
  showed(records: number): void;
}

/** A reading whose end can be recorded. */
export interface OpenReading extends Reading {
  /** Records how the reading ended. Only the first call counts. */
  end(exitCode: number | 'abandoned'): Promise<void>;
}

/**
 * Records a reading before it begins, where the command line or the configuration of a log asks for it. It is passed to the
 * commands, because it loads the file sink, which most command lines do not need.
 */
export type BeginReading = (command: ReadingCommand) => Promise<OpenReading>;

/** The reading of a command that is not recorded. */
export const UNRECORDED: OpenReading = { showed: () => undefined, end: () => Promise.resolve() };

const ongoing = new Set<OpenReading>();

/** Remembers a reading that has begun, for {@link abandonReadings}. */
export function track(reading: OpenReading): OpenReading {
  ongoing.add(reading);
  return reading;
}

/** Records that the reader of the output has stopped early. A reading whose end cannot be written stays recorded as begun. */
export async function abandonReadings(): Promise<void> {
  await Promise.allSettled([...ongoing].map((reading) => reading.end('abandoned')));
}
