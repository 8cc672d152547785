#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { abandonReadings, ExitCode, systemReason } from './shared/command.js';
import { runCli } from './run.js';

const { argv, stdin, stdout, stderr, env } = process;

/** The commands whose only result is their output. All others end with a verdict in their exit code, even if nobody reads the output. */
const WRITERS: readonly (string | undefined)[] = ['query', 'tail', 'export', 'help', '--help', undefined];

stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') {
    // `otel-mcp-log query … | head` closes the output early, which is no error.
    if (WRITERS.includes(argv[2])) void abandonReadings().then(() => process.exit());
    return;
  }
  stderr.write(
    `otel-mcp-log: standard output cannot be written: ${systemReason(error) ?? 'unknown reason'}\n`,
  );
  process.exit(ExitCode.input);
});
// Where stderr is closed too, only the exit code can tell of an error.
stderr.on('error', () => undefined);

const program = fileURLToPath(import.meta.url);
if (isMainThread)
  void runCli(argv.slice(2), { stdin, stdout, stderr, env, program }).then((code) => {
    process.exitCode = code;
  });
else void serveThread();

/** Does the work that this thread was started for. */
async function serveThread(): Promise<void> {
  const { servePacker } = await import('./evidence/pack.js');
  if (await servePacker()) return;
  const { serveEncoder } = await import('./export/encoders.js');
  serveEncoder();
}
