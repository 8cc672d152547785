import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

/** How a command line ended, and what it wrote. */
export interface CommandRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line of `otel-mcp-log` in this process. */
export async function runCommand(
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
): Promise<CommandRun> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const written = Promise.all([text(stdout), text(stderr)]);
  // As the program does: the commands are loaded when called for, and must find the same modules that it has.
  const { runCli } = await import('../../lib/cli/run.js');
  const code = await runCli(args, { stdin, stdout, stderr, env });
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { code, out, err };
}

/** The same in the words of `runCli`, which runs the built program: for the many cases of a behaviour that is tried once with that. */
export async function runCliHere(args: readonly string[]) {
  const { code, out: stdout, err: stderr } = await runCommand(args);
  return { code, stdout, stderr };
}
