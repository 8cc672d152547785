import { spawnSync } from 'node:child_process';
import {
  fstatSync,
  readFileSync,
  readlinkSync,
  statSync,
  type BigIntStats,
  accessSync,
  constants,
} from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { bootId } from '../../internal/runtime.js';
import { causeOf } from '../sink.js';

/** Who holds a lock, as its file says. */
export interface Holder {
  readonly pid: number;
  /** When that process started, in the kernel's ticks since boot: process ids are used again. */
  readonly started: string;
  readonly host: string;
  readonly thread: number;
  /** The kernel's boot id. The containers of a machine share it, whatever their host names are; two machines never do. */
  readonly boot?: string;
  /** The PID namespace of `pid`; empty where /proc shows the processes of another one. */
  readonly namespace?: string;
  /** The descriptor of the lock's file that the holder keeps open. It is closed when the holder's thread ends in any way. */
  readonly fd?: number;
  /** Whether the holder has the kernel's lock on the file too. */
  readonly kernel?: boolean;
  /** After how long without a heartbeat others may take the lock, in ms. */
  readonly staleMs?: number;
  /** The machine's monotonic clock at the last heartbeat, in ms; padded, so that the text never changes its length. */
  readonly beat?: string;
}

/** Whether a holder lives; `unknown` where this machine cannot tell. */
export type Life = 'alive' | 'gone' | 'unknown';

const DIGITS = 16;

/** This thread as a holder. */
export function self(fd: number, kernel: boolean, staleMs: number): Holder {
  const namespace = ownNamespace();
  const started = namespace === '' ? '' : (startOf(process.pid) ?? '');
  const who = { pid: process.pid, started, host: hostname(), thread: threadId };
  return { ...who, boot: bootId(), namespace, fd, kernel, staleMs, beat: monotonic() };
}

/** The text of a lock at this moment. */
export function textOf(holder: Holder): string {
  return JSON.stringify({ ...holder, beat: monotonic() });
}

/** Reads the text of a lock; nothing when it is not one. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a holder runs on this kernel. Without boot ids, the host name decides. */
export function onThisKernel({ boot, host }: Holder): boolean {
  return boot === undefined || boot === '' ? host === hostname() : boot === bootId();
}

/**
 * What the table of processes says about a holder. It shows only processes in our own PID namespace.
 *
 * @param ours - our own descriptor of the lock's file, which may have the same number as the holder's had.
 */
export function lifeOf(holder: Holder, lock: BigIntStats, ours: number): Life {
  const { namespace, pid, started } = holder;
  if (!onThisKernel(holder) || (namespace !== undefined && namespace !== ownNamespace())) return 'unknown';
  if (process.platform !== 'linux') return answers(pid) ? threadLife(holder, lock, ours) : 'gone';
  if (ownNamespace() === '') return 'unknown';
  return startOf(pid) === started ? threadLife(holder, lock, ours) : 'gone';
}

/** How long ago the last heartbeat was, in ms, by the machine's monotonic clock; nothing where the holder had another clock. */
export function sinceBeat(holder: Holder): number | undefined {
  if (holder.beat === undefined || holder.boot === '' || !onThisKernel(holder)) return undefined;
  const since = Number(monotonic()) - Number(holder.beat);
  // A time namespace may have a clock of its own.
  return since >= 0 ? since : undefined;
}

/** Whether the holder's thread lives: its descriptor is closed when it ends, and Node closes those of a terminated worker. */
function threadLife({ pid, fd }: Holder, lock: BigIntStats, ours: number): Life {
  if (fd === undefined) return 'alive';
  try {
    const own = pid === process.pid;
    if (own && fd === ours) return 'gone';
    if (!own && process.platform !== 'linux') return 'alive';
    const open = own ? fstatSync(fd, { bigint: true }) : statSync(`/proc/${pid}/fd/${fd}`, { bigint: true });
    return open.ino === lock.ino && open.dev === lock.dev ? 'alive' : 'gone';
  } catch (error) {
    // EACCES means a process of another user, whose descriptors we may not see.
    return ['ENOENT', 'EBADF'].includes(causeOf(error)) ? 'gone' : 'alive';
  }
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

/** The PID namespace of this process; empty where /proc belongs to another one (`unshare --pid` without a /proc of its own). */
function ownNamespace(): string {
  if (process.platform !== 'linux') return 'one for the machine';
  try {
    return readlinkSync('/proc/self') === String(process.pid) ? readlinkSync('/proc/self/ns/pid') : '';
  } catch {
    return '';
  }
}

function monotonic(): string {
  return String(process.hrtime.bigint() / 1_000_000n).padStart(DIGITS, '0');
}

function isHolder(value: unknown): value is Holder {
  return (
    typeof value === 'object' && value !== null && 'pid' in value && 'host' in value && 'started' in value
  );
}

/** Where util-linux and BusyBox install `flock`. The paths are fixed, because a search along PATH could start another program. */
const PROGRAMS = ['/usr/bin/flock', '/bin/flock'];
/** Far longer than an attempt that does not wait can take, in ms. */
const TIMEOUT_MS = 5_000;
/** The exit code of flock(1) when another process has the lock. */
const BUSY = 1;
/** Errors after which a later attempt to start the program fails too. */
const FOR_GOOD: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOEXEC', 'ERR_ACCESS_DENIED']);

/** `taken`: we have the lock; `busy`: another has it; `unknown`: there is no such lock here. */
export type KernelLock = 'taken' | 'busy' | 'unknown';

let program: string | undefined | 'not looked for' = 'not looked for';

/**
 * Takes the kernel's lock on an open file (flock(2)), without waiting. Node has no call for it, so the program flock(1) does it: it
 * gets our descriptor as its number 3, takes the lock, and ends. The lock belongs to the open file description, so we keep it.
 * The kernel releases it when the descriptor is closed, however the process or the worker thread ends; process ids and host names
 * play no part.
 */
export function lockByKernel(fd: number): KernelLock {
  if (program === 'not looked for') program = findProgram();
  if (program === undefined) return 'unknown';
  try {
    const { status, error } = spawnSync(program, ['-n', '-x', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: {},
      timeout: TIMEOUT_MS,
    });
    if (error !== undefined) return failed(error);
    return status === 0 ? 'taken' : status === BUSY ? 'busy' : 'unknown';
  } catch (error) {
    // Node's permission model throws where child processes are not allowed.
    return failed(error);
  }
}

function failed(error: unknown): KernelLock {
  if (error instanceof Error && 'code' in error && FOR_GOOD.has(error.code)) program = undefined;
  return 'unknown';
}

/** The path of flock(1). Windows and macOS do not have it. */
function findProgram(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return PROGRAMS.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
