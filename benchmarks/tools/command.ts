import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
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
export async function run(command: string): Promise<Cost> {
  const shell = spawn('bash', ['-c', `set -o pipefail; TIMEFORMAT='%R %U %S'; time { ${command}; }`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  shell.stderr.on('data', (data: Buffer) => (said += data.toString()));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, ...descendants(shell.pid ?? 0).map(peakOf))), 20);
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

/**
 * The most memory that a process ever had, in bytes; 0 where there is no `/proc`, or it has ended. Linux counts in
 * `resourceUsage` what the parent had when it started the process, too.
 */
export function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(procFile(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** Writes a log of about so many bytes, and gives its size. */
export async function logOf(path: string, bytes: number): Promise<number> {
  let sample = 0;
  for (const record of sampleLog({ records: 2000 })) sample += encodeLine(record).length + 1;
  await streamSampleLog(path, { records: Math.ceil(bytes / (sample / 2000)) });
  return statSync(path).size;
}
