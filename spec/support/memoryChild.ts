import { spawn } from 'node:child_process';
import { bundled } from './bundled.js';

/** What a fixture of `spec/memory` prints. */
export interface Measured {
  /** Bytes of heap that are in use after garbage collection and were not before. */
  readonly growth: number;
  readonly records: number;
  /** Clients that were not collected. */
  readonly left?: number;
}

/** Runs a fixture of `spec/memory` in a process whose garbage can be collected on demand. */
export function measureMemory(fixture: string, ...args: readonly string[]): Promise<Measured> {
  const script = bundled(new URL(`../memory/fixtures/${fixture}`, import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Measured);
      else reject(new Error(`${fixture} ended with ${code}`));
    });
  });
}
