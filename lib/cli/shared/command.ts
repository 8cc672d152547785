import type { Readable, Writable } from 'node:stream';

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
