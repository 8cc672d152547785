import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a child process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** A script of `spec/support/children` in a process of its own. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';

  /** @param wrapper - a command (and its arguments) to start Node with, as `strace` or a shell that sets limits. */
  constructor(script: string, plan: unknown, wrapper: readonly string[] = []) {
    const path = fileURLToPath(new URL(`children/${script}`, import.meta.url));
    const [command = '', ...args] = [
      ...wrapper,
      process.execPath,
      '--import',
      'tsx',
      path,
      JSON.stringify(plan),
    ];
    this.process = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    this.process.stdout?.on('data', (text: Buffer) => (this.#stdout += text.toString()));
    this.process.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => resolve({ code, signal, lines: this.lines, stderr }));
    });
  }

  /** What it has printed so far, whole lines only. */
  get lines(): string[] {
    return this.#stdout.split('\n').slice(0, -1);
  }

  /** Resolves when it has printed this line so often; rejects when it ends before. */
  async printed(line: string, times = 1): Promise<void> {
    let over: Ended | undefined;
    void this.ended.then((ended) => (over = ended));
    while (this.lines.filter((each) => each === line).length < times) {
      if (over !== undefined) throw new Error(`the child ended first: ${over.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
