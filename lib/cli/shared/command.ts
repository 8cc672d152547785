import type { Readable, Writable } from 'node:stream';

/** What a command may touch of the process: given, so that tests and other programs can run one. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a command ended. Scripts branch on these; they are documented in `--help`. */
export const ExitCode = {
  /** All that was asked holds. */
  ok: 0,
  /** The command ran and found something wrong: a broken log, a failed check. */
  finding: 1,
  /** The command line was wrong. */
  usage: 2,
  /** An input could not be read, or is no audit log. */
  input: 3,
  /** Something needed is not installed. */
  missing: 4,
} as const;
