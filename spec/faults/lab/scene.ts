import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type ChildOptions, type Ended } from '../../support/child.js';
import type { Project } from './project.js';

/** What a child of the lab says, a line of JSON each; which of these there are depends on the line. */
export interface Said {
  /** Audited work that has begun. */
  readonly begun?: number;
  /** Audited work whose caller was answered, and how. */
  readonly told?: number;
  /** `ok`: the work's own outcome. `failed`: a `SinkError`. `refused`: it was not begun. */
  readonly as?: 'ok' | 'failed' | 'refused';
  readonly code?: string;
  /** What `onError` was told. */
  readonly alarm?: {
    readonly code: string;
    readonly text: string;
    readonly lost: number;
    /** The resources of the records concerned. */
    readonly of: readonly string[];
  };
  /** What a file sink found. */
  readonly notice?: string;
  /** How the end of the log went: `ok`, or the code of its error. */
  readonly ended?: string;
  /** An error that a constructor threw. */
  readonly thrown?: { readonly name: string; readonly code?: string; readonly text: string };
  /** Facts of one script. */
  readonly fact?: string;
  readonly value?: unknown;
}

/** A child that has ended. */
export interface Run extends Ended {
  readonly said: readonly Said[];
}

/** No child of the lab takes nearly as long; one that hangs is killed, and its exit says so. */
const DEADLINE_MS = 60_000;

/** Where one try of an attack takes place: a folder of its own, and a project to start children in. */
export class Scene {
  readonly folder: string;
  readonly #children: Child[] = [];

  constructor(readonly project: Project) {
    this.folder = mkdtempSync(join(project.folder, 'try-'));
  }

  /** A path in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Names of what is in the folder. */
  names(): string[] {
    return readdirSync(this.folder).sort();
  }

  /** Starts a script. */
  start(script: string, plan: unknown, options: ChildOptions = {}): Child {
    const child = new Child(this.project.script(script), plan, options);
    this.#children.push(child);
    const timer = setTimeout(() => child.process.kill('SIGKILL'), DEADLINE_MS);
    void child.ended.then(() => clearTimeout(timer));
    return child;
  }

  /** Runs a script to its end. */
  async run(script: string, plan: unknown, options: ChildOptions = {}): Promise<Run> {
    return runOf(await this.start(script, plan, options).ended);
  }

  /** Ends what is left, and takes the folder away. */
  async close(): Promise<void> {
    for (const { process } of this.#children) if (process.exitCode === null) process.kill('SIGKILL');
    await Promise.all(this.#children.map(({ ended }) => ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Reads what an ended child has said; a line that is not ours says nothing. */
export function runOf(ended: Ended): Run {
  return { ...ended, said: saidIn(ended.lines) };
}

/** The same of a child that may still be at work. */
export function saidIn(lines: readonly string[]): Said[] {
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Said);
}
