import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';

/** Where util-linux and BusyBox put `flock`. Fixed places: a search along PATH could start a program of somebody else. */
const PROGRAMS = ['/usr/bin/flock', '/bin/flock'];
/** Far more than an attempt that does not wait can take, in ms. */
const TIMEOUT_MS = 5_000;
/** What flock(1) ends with when another holds the lock. */
const BUSY = 1;
/** Why a program cannot be started again a moment later either. */
const FOR_GOOD: ReadonlySet<unknown> = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOEXEC', 'ERR_ACCESS_DENIED']);

/** `taken`: it is ours; `busy`: another holds it; `unknown`: there is no such lock here. */
export type KernelLock = 'taken' | 'busy' | 'unknown';

let program: string | undefined | 'not looked for' = 'not looked for';

/**
 * Takes the kernel's lock on an open file (flock(2)), without waiting. The lock belongs to the open file description, and so
 * to whoever has it open: the program flock(1) gets our descriptor as its number 3, takes the lock, and ends; we go on
 * holding it. Node itself has no call for it. The kernel gives it free when the descriptor is closed, by whatever end the
 * process or the worker thread comes to; neither process ids nor host names play a part.
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

/** Windows has no such program, and macOS brings none. */
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
