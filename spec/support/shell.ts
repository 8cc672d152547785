import { execFileSync } from 'node:child_process';
import { builtBinary } from './builtCli.js';

/** Runs a command line that starts with `npx otel-mcp-log` in a shell, as somebody who pastes it does; gives what it prints. */
export function pasted(command: string, cwd: string): string {
  const npx = `npx() { shift; "${process.execPath}" "${builtBinary()}" "$@"; }`;
  return execFileSync('sh', ['-c', `${npx}\n${command}`], { cwd, encoding: 'utf8', maxBuffer: 1 << 28 });
}
