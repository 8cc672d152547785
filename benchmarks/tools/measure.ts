import { execFileSync, type StdioOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Processor time of this process so far in µs, that of its threads included: on a busy machine the clock tells of the others. */
export function cpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Processor time in µs that some work takes. */
export async function cpuOf(work: () => unknown): Promise<number> {
  const start = cpu();
  await work();
  return cpu() - start;
}

/** Bytes that some work allocates on the heap, as far as no collection takes them away meanwhile: it has to be little work. */
export async function allocated(work: () => unknown): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  await work();
  return process.memoryUsage().heapUsed - before;
}

/** A folder of its own, and how it goes away. */
export function scratch(under = tmpdir()): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(under, 'otel-mcp-log-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Works in a folder that is gone afterwards. */
export async function inFolder<T>(work: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = scratch();
  try {
    return await work(folder.path);
  } finally {
    folder.remove();
  }
}

/** Lets the event loop turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The JSON that a script of `benchmarks/children/` prints, in a process of its own. */
export function runChild(
  script: string,
  args: readonly (string | number)[],
  node = process.execPath,
): unknown {
  const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url));
  const env = { ...process.env, OTEL_MCP_LOG_QUIET: '1' };
  // Node's `fetch` leaves listeners on the SDK's AbortSignal until they are collected, and would warn of it at each call.
  const options = ['--disable-warning=MaxListenersExceededWarning'];
  if (script.endsWith('.ts')) options.push('--import', 'tsx');
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit'];
  const output = execFileSync(node, [...options, path, ...args.map(String)], {
    encoding: 'utf8',
    env,
    stdio,
  });
  return JSON.parse(output);
}

/** A figure that such a script prints. */
export function figureOf(script: string, args: readonly (string | number)[], node?: string): number {
  return Number(runChild(script, args, node));
}
