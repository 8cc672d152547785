import { closeSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../../errors.js';
import { every } from '../../internal/duration.js';
import {
  beat,
  findLock,
  makeLock,
  removeOwn,
  removeStale,
  whoseLock,
  type FoundLock,
  type OwnLock,
} from './lockFile.js';
import { onThisKernel } from './lockHolder.js';
import type { Notices } from './notice.js';
import { makeFolder } from './open.js';

/**
 * Who may write to a log or a spool, where several might.
 *
 * @see docs/sinks.md
 */
export interface LockOptions {
  /**
   * After how long without a sign of life a writer of another machine or container, which cannot be asked, counts as gone
   * and its lock is taken over; the writer gives three signs in that time. A busy process could not show in less than a second
   * that it lives.
   * @defaultValue 15,000, the lease of Kubernetes' leader election (`LeaseDuration` of client-go)
   * @minimum 1,000
   * @unit ms
   */
  readonly staleLockMs?: number;
}

/** Heartbeats in that time: two may be late. */
const BEATS = 3;
/** How long a look at the lock is valid, in ms. A process that was stopped for longer looks again before it writes. */
const BELIEVED_MS = 1_000;
/** How often to try: other processes may take over a stale lock at the same time, each a moment earlier. */
const ATTEMPTS = 20;

/** By error, the process that has the log, as far as it is one of this machine. */
const taken = new WeakMap<object, number | undefined>();

/** Whether an error says that another writer has the log now: where writes are short, it is worth trying again. */
export function isLogInUse(error: unknown): boolean {
  return typeof error === 'object' && error !== null && taken.has(error);
}

/** The process of this machine that has the log, where an error says that one has. */
export function writerOf(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null ? taken.get(error) : undefined;
}

function inUse(problem: string, holder?: FoundLock['holder']): ConfigError {
  const error = new ConfigError('path', problem);
  taken.set(error, holder !== undefined && onThisKernel(holder) ? holder.pid : undefined);
  return error;
}

/** Another writer has the lock now: nothing more may be written. */
export class LockLostError extends Error {
  readonly code = 'LOCK_LOST';

  constructor(logPath: string) {
    super(`another writer has taken over ${logPath}: this one was stopped, or its lock was removed`);
    this.name = 'LockLostError';
  }
}

/**
 * Lets only one writer at a log: two would tear each other's lines and use numbers twice. A file beside the log names the holder;
 * the kernel's lock on that file and heartbeats show that the holder lives; before each write the holder checks that the lock is
 * still its own. It works within one process too, and across duplicate installs of this package.
 *
 * docs/locking.md says what holds on which file system.
 */
export class LogLock {
  readonly #path: string;
  #own: OwnLock;
  #lost = false;
  /** When the lock was last seen to be ours, by both clocks: either may stand still while the machine or the process is stopped. */
  #seen = { monotonic: performance.now(), wall: Date.now() };
  #beatAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  /** @throws ConfigError when another writer is alive. */
  constructor(
    private readonly logPath: string,
    private readonly notices: Notices,
    private readonly staleMs: number,
  ) {
    this.#path = `${logPath}.lock`;
    this.#own = this.#take();
    this.#timer = every(Math.ceil(staleMs / BEATS), () => this.#tick()).unref();
    if (held.size === 0) process.once('exit', releaseAll);
    held.add(this);
  }

  /** Whether another writer has the lock now. That is final, because this writer does not know which numbers the other has used. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Checks the lock, before each write; cheap while the last look is valid. @throws LockLostError */
  ensure(): void {
    const { monotonic, wall } = this.#seen;
    const fresh = performance.now() - monotonic < BELIEVED_MS && Math.abs(Date.now() - wall) < BELIEVED_MS;
    if (!fresh || this.#lost) this.verify();
  }

  /**
   * Looks at the lock now. A lock that somebody removed is made again, with its folder, unless `restore` is false.
   *
   * @throws LockLostError when another writer has it.
   */
  verify(restore = true): void {
    if (this.#lost) throw new LockLostError(this.logPath);
    // The process exits and has released its locks; it still writes its last records.
    if (!held.has(this)) return;
    const whose = this.#look();
    if (whose === 'missing' && restore) this.#makeAgain();
    if (whose === 'of another') this.#lose();
    this.#seen = { monotonic: performance.now(), wall: Date.now() };
    // A busy event loop may have kept the timer from running: others must see that the holder lives.
    if (performance.now() - this.#beatAt > this.staleMs / BEATS) this.#beat();
  }

  /** Releases the lock; a lock that is no longer ours stays. */
  release(): void {
    if (!held.delete(this)) return;
    clearInterval(this.#timer);
    if (held.size === 0) process.off('exit', releaseAll);
    removeOwn(this.#path, this.#own);
  }

  #take(): OwnLock {
    for (let attempt = 0; ; attempt++) {
      const own = makeLock(this.#path, this.staleMs);
      if (own !== undefined) return own;
      const found = findLock(this.#path, this.staleMs);
      if (found === undefined && attempt < ATTEMPTS) continue;
      if (found === undefined) throw inUse(`cannot lock ${this.#path}: it comes and goes`);
      if (attempt >= ATTEMPTS || found.alive) throw inUse(this.#heldBy(found), found.holder);
      if (removeStale(this.#path, found.text)) this.notices.add({ kind: 'stale-lock', path: this.logPath });
    }
  }

  #look(): ReturnType<typeof whoseLock> {
    try {
      return whoseLock(this.#path, this.#own);
    } catch (error) {
      // The file system does not answer. Nobody can have taken the lock before our last heartbeat is stale.
      if (performance.now() - this.#beatAt < this.staleMs) return 'ours';
      throw error;
    }
  }

  #makeAgain(): void {
    makeFolder(dirname(this.#path));
    const own = makeLock(this.#path, this.staleMs);
    if (own === undefined) return this.#lose();
    closeSync(this.#own.fd);
    this.#own = own;
    this.#beatAt = performance.now();
    this.notices.add({ kind: 'lock-restored', path: this.logPath });
  }

  #lose(): never {
    this.#lost = true;
    clearInterval(this.#timer);
    this.notices.add({ kind: 'lock-lost', path: this.logPath });
    throw new LockLostError(this.logPath);
  }

  /** Checks the lock and makes a heartbeat. A removed folder is made again only by the next write. */
  #tick(): void {
    try {
      if (!existsSync(dirname(this.#path))) return;
      this.verify();
      this.#beat();
    } catch {
      // The next write meets the same fault, and its caller hears of it.
    }
  }

  #beat(): void {
    beat(this.#own);
    this.#beatAt = performance.now();
  }

  #heldBy({ holder }: FoundLock): string {
    const who = holder === undefined ? 'another writer' : `process ${holder.pid} on ${holder.host}`;
    const lease = Math.ceil(Math.max(this.staleMs, holder?.staleMs ?? 0) / 1000);
    const elsewhere =
      holder !== undefined && onThisKernel(holder)
        ? ''
        : `, or wait: a lock without a sign of life for ${lease} s is taken over`;
    return `${this.logPath} is being written by ${who}; give each process a path of its own with {pid}, or remove ${this.#path} if that process is gone${elsewhere}`;
  }
}

/** The locks that this thread holds. One listener releases them all on exit, however many logs there are. */
const held = new Set<LogLock>();

function releaseAll(): void {
  for (const lock of [...held]) {
    try {
      lock.release();
    } catch {
      // The others must still be released; the next writer finds that this one is stale.
    }
  }
}
