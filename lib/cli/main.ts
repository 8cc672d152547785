#!/usr/bin/env node
import { abandonReadings } from './shared/reading.js';
import { ExitCode } from './shared/command.js';
import { systemReason } from './shared/failure.js';
import { runCli } from './run.js';

const { argv, stdin, stdout, stderr, env } = process;

/** The commands whose only result is what they write; all others end with a verdict, whether or not it is read. */
const WRITERS: readonly (string | undefined)[] = ['query', 'tail', 'export', 'help', '--help', undefined];

stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    // `otel-mcp-log query … | head` closes our output: that is no error, there is just nobody left to write for.
    if (WRITERS.includes(argv[2])) void abandonReadings().then(() => process.exit());
    return;
  }
  stderr.write(
    `otel-mcp-log: standard output cannot be written: ${systemReason(error) ?? 'unknown reason'}\n`,
  );
  process.exit(ExitCode.input);
});
// Without anybody to complain to, the exit code has to do.
stderr.on('error', () => undefined);

void runCli(argv.slice(2), { stdin, stdout, stderr, env }).then((code) => {
  process.exitCode = code;
});
