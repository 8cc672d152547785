import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleLog } from '../../spec/support/sampleLog.js';
import { encodeLine } from '../../lib/codecs/json.js';
import { streamSampleLog } from '../../spec/support/sampleLogFiles.js';

/** What a command took. */
export interface Cost {
  /** Seconds by the clock. */
  readonly wall: number;
  /** Seconds of processor time: on a busy machine the clock tells of the others. */
  readonly cpu: number;
  /** The most memory that one of its processes held, in bytes. */
  readonly peak: number;
}

/** Runs a shell command to its end. */
export async function measure(command: string): Promise<Cost> {
  const shell = spawn('bash', ['-c', `set -o pipefail; TIMEFORMAT='%R %U %S'; time { ${command}; }`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  shell.stderr.on('data', (data: Buffer) => (said += data.toString()));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, ...descendants(shell.pid ?? 0).map(heldBy))), 20);
  const [code] = (await once(shell, 'close')) as [number | null];
  clearInterval(watch);
  const [wall = NaN, user = NaN, system = NaN] = (said.trimEnd().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  if (code !== 0 || Number.isNaN(system)) throw new Error(`${command}: exit code ${code}: ${said}`);
  return { wall, cpu: user + system, peak };
}

function procFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended.
  }
}

function descendants(pid: number): number[] {
  const children = procFile(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function heldBy(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(procFile(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** Works in a folder that is gone afterwards. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-bench-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes a log of about so many bytes, and gives its size. */
export async function logOf(path: string, bytes: number): Promise<number> {
  let sample = 0;
  for (const record of sampleLog({ records: 2000 })) sample += encodeLine(record).length + 1;
  await streamSampleLog(path, { records: Math.ceil(bytes / (sample / 2000)) });
  return statSync(path).size;
}

/** Prints rows as a table whose columns fit. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  for (const row of all)
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    );
}

/** `1.23` */
export function seconds(value: number): string {
  return value.toFixed(2);
}

/** Bytes as megabytes. */
export function megabytes(value: number): string {
  return `${(value / 1e6).toFixed(0)} MB`;
}
