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
import { causeOf } from '../gap.js';
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
import { FILE_MODE } from './open.js';
import { readRange } from './tail.js';

/** What link(2) says where a file system has no hard links (exFAT, SMB, many FUSE mounts), or a sandbox forbids them. */
const NO_LINKS: ReadonlySet<string> = new Set([
  ...['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'UNKNOWN'],
]);
/** No lock's text is longer. */
const MOST = 64 * 1024;

/** A lock of our own: its file, held open. */
export interface OwnLock {
  readonly fd: number;
  readonly holder: Holder;
}

/** Somebody else's lock, as it was found. */
export interface FoundLock {
  readonly text: string;
  readonly holder: Holder | undefined;
  readonly alive: boolean;
}

/**
 * Makes the lock's file, which says who holds it, unless there is one. It appears with its text in it and with the kernel's
 * lock taken: nobody can find it without either. Where there are no hard links it is made in its place, and for a moment it
 * is empty, which counts as held.
 *
 * @returns nothing when there is one already.
 * @throws ConfigError when none can be made here.
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

/** A sign of life. */
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
 * Looks at a lock, and judges whether its holder lives. The kernel knows best; the table of processes is right about those
 * in our PID namespace; of all others only their heartbeats tell.
 *
 * @param staleMs - after how long without a heartbeat a holder counts as gone; what the holder says itself counts if it is more.
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

/** By the clock of the file system, which is the server's where it is a network's: our own may differ from the holder's. */
function sinceWrite(path: string, lock: number, { mtimeMs }: BigIntStats): number {
  const now = clockAt(path);
  if (mtimeMs > now) redate(lock, now);
  return Number(now - mtimeMs);
}

/**
 * A heartbeat in the future: the clock has been set back since. It counts from now on, or the lock of a holder that is gone
 * would hold until the clock is there again. One that lives dates it again with its next heartbeat.
 */
function redate(lock: number, now: bigint): void {
  const seconds = Number(now) / 1000;
  try {
    futimesSync(lock, seconds, seconds);
  } catch {
    // The file of another user: his lock holds.
  }
}

/** The time in ms, by the file system's clock. */
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
 * Removes a lock whose holder is gone. Two processes may find the same stale lock, and a stopped holder may wake: the
 * rename tells whether it is still that lock, without another heartbeat, which was moved away.
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
    // Without hard links this may replace a lock that was made in these microseconds: its holder finds that out before it writes.
    if (NO_LINKS.has(causeOf(error))) renameSync(aside, path);
  }
}

/** Closed first: Windows keeps the name of a file that is open. */
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

/** A name that nobody else uses: process ids are the same in many containers. */
function asideOf(path: string, what: string): string {
  return `${path}.${what}-${randomBytes(6).toString('hex')}`;
}
