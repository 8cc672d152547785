import {
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { delayMs } from '../../internal/duration.js';
import { ConfigError } from '../../errors.js';
import { causeOf } from '../sink.js';
import {
  lockByKernel,
  lifeOf,
  onThisKernel,
  parseHolder,
  self,
  sinceBeat,
  textOf,
  type Holder,
} from './lockHolder.js';
import { FILE_MODE, readRange } from './open.js';

/** The errors of link(2) where a file system has no hard links (exFAT, SMB, many FUSE mounts) or a sandbox forbids them. */
const NO_LINKS: ReadonlySet<string> = new Set([
  ...['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'UNKNOWN'],
]);
/** How many bytes of a lock's file are read; no lock is longer. */
const MOST = 64 * 1024;

/** Our own lock, with its open file. */
export interface OwnLock {
  readonly fd: number;
  readonly holder: Holder;
}

/** The lock of another writer. */
export interface FoundLock {
  readonly text: string;
  readonly holder: Holder | undefined;
  readonly alive: boolean;
}

/**
 * Makes the lock's file, which names its holder, unless there is one. The file appears with its text in it and with the kernel's
 * lock taken, so that nobody finds it without them. Without hard links it is made in its place, and is empty for a moment, which
 * counts as held.
 *
 * @returns nothing when there is one already.
 * @throws ConfigError when no lock can be made here.
 */
export function makeLock(path: string, staleMs: number): OwnLock | undefined {
  try {
    return makeAside(path, staleMs);
  } catch (error) {
    if (causeOf(error) === 'EEXIST') return undefined;
    throw new ConfigError('path', `cannot lock ${path}: ${causeOf(error)}`);
  }
}

function makeAside(path: string, staleMs: number): OwnLock {
  const draft = asideOf(path, 'new');
  let own: OwnLock | undefined;
  try {
    own = create(draft, staleMs);
    linkSync(draft, path);
    return own;
  } catch (error) {
    if (own !== undefined) closeSync(own.fd);
    if (own === undefined || !NO_LINKS.has(causeOf(error))) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return create(path, staleMs);
}

function create(path: string, staleMs: number): OwnLock {
  const fd = openSync(path, 'wx+', FILE_MODE);
  try {
    const holder = self(fd, lockByKernel(fd) === 'taken', staleMs);
    writeSync(fd, textOf(holder), 0);
    return { fd, holder };
  } catch (error) {
    closeSync(fd);
    rmSync(path, { force: true });
    throw error;
  }
}

/** Makes a heartbeat: writes the text anew, with the time in it. */
export function beat({ fd, holder }: OwnLock): void {
  writeSync(fd, textOf(holder), 0);
}

/** Whether the path still leads to our lock: `missing` when it leads nowhere. */
export function whoseLock(path: string, { fd }: OwnLock): 'ours' | 'missing' | 'of another' {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (there === undefined) return 'missing';
  const ours = fstatSync(fd, { bigint: true });
  return there.ino === ours.ino && there.dev === ours.dev ? 'ours' : 'of another';
}

/**
 * Looks at a lock, and decides whether its holder lives. The kernel's lock is the best evidence; then the table of processes, for
 * those in our PID namespace; for all others, their heartbeats.
 *
 * @param staleMs - after how long without a heartbeat a holder counts as gone, unless the holder itself names a longer time.
 * @returns nothing when the lock has gone meanwhile.
 */
export function findLock(path: string, staleMs: number): FoundLock | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    if (causeOf(error) === 'ENOENT') return undefined;
    throw new ConfigError('path', `cannot read the lock ${path}: ${causeOf(error)}`);
  }
  try {
    const text = readRange(fd, 0, MOST).toString('utf8');
    const holder = parseHolder(text);
    return { text, holder, alive: isAlive(path, fd, holder, staleMs) };
  } finally {
    closeSync(fd);
  }
}

function isAlive(path: string, fd: number, holder: Holder | undefined, staleMs: number): boolean {
  const stats = fstatSync(fd, { bigint: true });
  const life = holder === undefined ? 'unknown' : lifeOf(holder, stats, fd);
  // A process that is seen to be gone has no lock in the kernel either.
  if (life === 'gone') return false;
  const kernel = lockByKernel(fd);
  if (kernel === 'busy') return true;
  if (kernel === 'taken' && holder?.kernel === true && holder.boot !== '' && onThisKernel(holder))
    return false;
  if (life === 'alive') return true;
  const since = (holder && sinceBeat(holder)) ?? sinceWrite(path, fd, stats);
  return since <= Math.max(staleMs, delayMs(holder?.staleMs));
}

/** How long ago the lock's file was written, in ms, by the file system's clock: our own may differ from the holder's. */
function sinceWrite(path: string, lock: number, { mtimeMs }: BigIntStats): number {
  const now = clockAt(path);
  if (mtimeMs > now) redate(lock, now);
  return Number(now - mtimeMs);
}

/**
 * Dates a lock whose heartbeat lies in the future, because the clock was set back: else the lock of a holder that is gone would
 * hold until the clock reaches that time again. A living holder dates it again with its next heartbeat.
 */
function redate(lock: number, now: bigint): void {
  const seconds = Number(now) / 1000;
  try {
    futimesSync(lock, seconds, seconds);
  } catch {
    // The file belongs to another user, and may not be dated: the lock holds.
  }
}

/** The time in ms by the clock of the file system: that of the server, where it is a network's. */
function clockAt(path: string): bigint {
  const probe = asideOf(path, 'now');
  const fd = openSync(probe, 'wx', FILE_MODE);
  try {
    writeSync(fd, ' ');
    return fstatSync(fd, { bigint: true }).mtimeMs;
  } finally {
    closeSync(fd);
    rmSync(probe, { force: true });
  }
}

/**
 * Removes a lock whose holder is gone. Two processes may find the same stale lock, and a stopped holder may wake up. So the lock is
 * renamed first, and removed only if it is still the same lock, without another heartbeat.
 *
 * @returns whether it is gone.
 */
export function removeStale(path: string, stale: string): boolean {
  const aside = asideOf(path, 'old');
  if (textAt(path) !== stale) return false;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  const same = textAt(aside) === stale;
  if (!same) putBack(aside, path);
  rmSync(aside, { force: true });
  return same;
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    // Without hard links, this may replace a lock that was made in these microseconds; its holder finds that out before it writes.
    if (NO_LINKS.has(causeOf(error))) renameSync(aside, path);
  }
}

/** Removes our own lock. Its file is closed first, because Windows keeps the name of an open file. */
export function removeOwn(path: string, own: OwnLock): void {
  const ours = whoseLock(path, own) === 'ours';
  closeSync(own.fd);
  if (ours) unlinkSync(path);
}

function textAt(path: string): string | undefined {
  try {
    const fd = openSync(path, 'r');
    try {
      return readRange(fd, 0, MOST).toString('utf8');
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** A random name: process ids would not do, because containers have the same ones. */
function asideOf(path: string, what: string): string {
  return `${path}.${what}-${randomBytes(6).toString('hex')}`;
}
