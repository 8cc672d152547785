import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from './built.js';
import type { CommandRun } from './runCommand.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const binary = join(root, 'dist', 'esm', 'cli', 'main.js');

/** What a run of the command line left behind. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

/** How to run it. */
export interface CliOptions {
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Options for node itself. */
  readonly node?: readonly string[];
  /** A program, with its arguments, that runs the command line under its own conditions. */
  readonly through?: readonly string[];
  /** Another copy of the built binary. Default: the one in `dist/`. */
  readonly binary?: string;
}

/** The built binary. What was built before the sources changed is not what is to be tested. */
export function builtBinary(): string {
  if (!isBuilt()) throw new Error('dist/ is older than its sources: run npm run build');
  return binary;
}

/** Starts the command line; `output` gathers what it says. */
export function startCli(args: readonly string[], options: CliOptions = {}) {
  const { env = {}, cwd, node = [], through = [], binary: copy } = options;
  const words = [...through, process.execPath, ...node, copy ?? builtBinary(), ...args];
  const child = spawn(words[0]!, words.slice(1), {
    cwd,
    env: { PATH: process.env['PATH'], TZ: 'Asia/Kolkata', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout.on('data', (data: Buffer) => parts.stdout.push(data));
  child.stderr.on('data', (data: Buffer) => parts.stderr.push(data));
  child.stdin.on('error', () => undefined);
  const finished = new Promise<CliRun>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const bytes = Buffer.concat(parts.stdout);
      resolve({ code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(parts.stderr).toString() });
    });
  });
  const said = () => Buffer.concat(parts.stdout).toString();
  return { child, finished, said };
}

/** Runs the command line to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
  const { child, finished } = startCli(args, options);
  child.stdin.end(options.stdin ?? '');
  return finished;
}

/** Runs it to its end, and says what came of it in the words of `runCommand`, which runs the sources in this process. */
export async function runBuiltCommand(args: readonly string[], binary?: string): Promise<CommandRun> {
  const { code, stdout, stderr } = await runCli(args, binary === undefined ? {} : { binary });
  return { code: code ?? -1, out: stdout, err: stderr };
}

/** Waits until something holds; the test's own timeout is the limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
