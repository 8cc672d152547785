import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { ConfigError } from '../../errors.js';
import { causeOf } from '../gap.js';
import type { Notices } from './notice.js';
import { FILE_MODE } from './open.js';

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  /** When that process started, in the kernel's ticks since boot: a process id alone comes back. */
  readonly started: string;
  readonly host: string;
  readonly thread: number;
}

/**
 * Only one writer per log: two would tear each other's lines and number twice. The lock is a file made with O_EXCL that
 * says who holds it; it is taken over when that process is gone. Within one process it holds just as well, and across
 * duplicate installs of this package.
 */
export class LogLock {
  readonly #path: string;
  readonly #text: string;

  /** @throws ConfigError when another writer is alive. */
  constructor(logPath: string, notices: Notices) {
    this.#path = `${logPath}.lock`;
    this.#text = JSON.stringify(self());
    for (let attempt = 0; !this.#create(); attempt++) {
      const found = this.#read();
      if (found === undefined) continue;
      if (attempt > 3 || isAlive(found)) throw new ConfigError('path', heldBy(logPath, found));
      if (this.#remove(found)) notices.add({ kind: 'stale-lock', path: logPath });
    }
    if (held.size === 0) process.once('exit', releaseAll);
    held.add(this);
  }

  /** Gives the path free; a lock that is no longer ours stays. */
  release(): void {
    held.delete(this);
    if (held.size === 0) process.off('exit', releaseAll);
    if (this.#read() === this.#text) unlinkSync(this.#path);
  }

  /** The lock appears with its text in it, never empty: else another process could take it for a stale one. */
  #create(): boolean {
    const draft = this.#aside('new');
    try {
      writeFileSync(draft, this.#text, { mode: FILE_MODE });
      linkSync(draft, this.#path);
      return true;
    } catch (error) {
      if (causeOf(error) === 'EEXIST') return false;
      throw new ConfigError('path', `cannot lock ${this.#path}: ${causeOf(error)}`);
    } finally {
      rmSync(draft, { force: true });
    }
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Two processes may find the same stale lock: the rename tells whether it is still that one which was moved away. */
  #remove(stale: string): boolean {
    const aside = this.#aside('old');
    try {
      renameSync(this.#path, aside);
    } catch {
      return false;
    }
    const moved = readFileSync(aside, 'utf8');
    if (moved !== stale) linkSync(aside, this.#path);
    unlinkSync(aside);
    return moved === stale;
  }

  #aside(what: string): string {
    return `${this.#path}.${what}-${process.pid}-${threadId}`;
  }
}

/** What this thread holds: given free when it exits, by one listener however many logs there are. */
const held = new Set<LogLock>();

function releaseAll(): void {
  for (const lock of held) lock.release();
}

function self(): Holder {
  return { pid: process.pid, started: startOf(process.pid) ?? '', host: hostname(), thread: threadId };
}

/** A holder on another machine (or in another container) cannot be asked, so it counts as alive. */
function isAlive(text: string): boolean {
  const holder = parse(text);
  if (holder === undefined || holder.host !== hostname()) return true;
  if (process.platform !== 'linux') return answers(holder.pid);
  return startOf(holder.pid) === holder.started;
}

/**
 * When a process started: field 22 of /proc/PID/stat (proc(5)). The name in field 2 may hold anything, but ends with the
 * last parenthesis. A zombie has ended.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return causeOf(error) === 'EPERM';
  }
}

function parse(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return (
    typeof value === 'object' && value !== null && 'pid' in value && 'host' in value && 'started' in value
  );
}

function heldBy(logPath: string, text: string): string {
  const holder = parse(text);
  const who = holder === undefined ? 'another writer' : `process ${holder.pid} on ${holder.host}`;
  return `${logPath} is being written by ${who}; give each process a path of its own with {pid}, or remove ${logPath}.lock if that process is gone`;
}
