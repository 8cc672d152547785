import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../../errors.js';

/** Only the owner may read and write a log (PCI DSS 10.3.1, NIST AU-9). */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const MODE_BITS = 0o777;

/** A log file, open for appending. */
export interface OpenFile {
  readonly fd: number;
  readonly stats: Stats;
  /** The wider mode that the file had, if it had to be narrowed. */
  readonly narrowedFrom: number | undefined;
}

/**
 * Opens a log for reading and appending, and makes it and its folder if they are not there. The last part of the path must
 * be a regular file: the open call itself refuses a symbolic link (O_NOFOLLOW) and does not wait for a reader of a FIFO
 * (O_NONBLOCK), so there is no moment between a check and the opening.
 *
 * @param widerMode - what to do with a file that others may read or write.
 * @throws ConfigError naming what stands in the way.
 */
export function openLog(path: string, widerMode: 'narrow' | 'refuse'): OpenFile {
  makeFolder(dirname(path));
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const fd = attempt(path, () =>
    openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE),
  );
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new ConfigError('path', `${path} is no regular file`);
    if (stats.nlink > 1) throw new ConfigError('path', `${path} has a second name (hard link)`);
    return { fd, stats, narrowedFrom: narrow(path, fd, stats.mode & MODE_BITS, widerMode) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Folders that are made are for the owner only; those that exist are the owner's business. */
export function makeFolder(path: string): void {
  attempt(path, () => mkdirSync(path, { recursive: true, mode: FOLDER_MODE }));
}

/** Puts a new or renamed file's name on the disk; file systems that cannot are let be. */
export function syncFolder(path: string): void {
  try {
    const fd = openSync(dirname(path), constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Windows opens no folders, some network file systems sync none: then the name is as safe as it can be.
  }
}

function narrow(path: string, fd: number, mode: number, widerMode: 'narrow' | 'refuse'): number | undefined {
  if ((mode & ~FILE_MODE) === 0 || process.platform === 'win32') return undefined;
  if (widerMode === 'refuse')
    throw new ConfigError('path', `${path} has mode 0${mode.toString(8)}, wider than 0600`);
  fchmodSync(fd, FILE_MODE);
  return mode;
}

function attempt<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new ConfigError('path', `cannot open ${path}: ${explain(path, code)}`);
  }
}

function explain(path: string, code: string): string {
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'ENXIO') return 'it is a FIFO or a socket';
  if (code === 'ELOOP' && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink())
    return 'it is a symbolic link';
  return code;
}
