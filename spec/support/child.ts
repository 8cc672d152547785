import { spawn, type ChildProcess } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { bundled } from './bundled.js';

/** How a child process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** How a child is started, beside its script and its plan. */
export interface ChildOptions {
  /** A command (and its arguments) to start Node with, as `strace` or a shell that sets limits. */
  readonly wrapper?: readonly string[];
  /** Beside this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Options for Node itself. */
  readonly node?: readonly string[];
}

/** A program of `spec/support/children`, or the one at an absolute path as it stands, in a process of its own. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';

  constructor(script: string, plan: unknown, { wrapper = [], env = {}, node = [] }: ChildOptions = {}) {
    const path = isAbsolute(script) ? script : bundled(new URL(`children/${script}`, import.meta.url));
    const [command = '', ...args] = [...wrapper, process.execPath, ...node, path, JSON.stringify(plan)];
    this.process = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
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
