import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  ftruncateSync,
  readSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { reject } from '../../internal/options.js';
import { ConfigError } from '../../errors.js';
import { decodeLine } from '../../codecs/json.js';
import type { AuditRecord } from '../../schema/record.js';
import type { Notices } from './notice.js';

/** Only the owner may read and write a log (PCI DSS 10.3.1, NIST AU-9). */
export const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const MODE_BITS = 0o777;

/** The widest mode of an existing file that is kept: an administrator may let a group read it, such as that of a log shipper. */
const GROUP_MODE = 0o640;

/** Who may read a file. */
export interface Access {
  readonly mode: number;
  readonly group: number;
}

/** Who may read a log, by its options. */
export interface FileAccess {
  /** What to do with a file that others may read or write. */
  readonly widerMode: 'narrow' | 'refuse';
  /** The mode that the file gets, new or not. Default: that of the file before it. */
  readonly mode?: number | undefined;
  /** The file that came before a new one. */
  readonly like?: Access | undefined;
}

/** A log file, open for appending. */
interface OpenFile {
  readonly fd: number;
  readonly stats: Stats;
  /** The wider mode that the file had, if it had to be narrowed. */
  readonly narrowedFrom: number | undefined;
}

/**
 * Opens a log for reading and appending, and makes it and its folder if they do not exist. It must be a regular file: the call
 * that opens it also refuses a symbolic link (O_NOFOLLOW) and does not wait for the reader of a FIFO (O_NONBLOCK), so nobody can
 * exchange the file between a check and the opening.
 *
 * @throws ConfigError that says why it cannot be opened.
 */
export function openLog(path: string, access: FileAccess): OpenFile {
  makeFolder(dirname(path));
  const { isNew, fd } = attempt(path, () => openOrMake(path));
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new ConfigError('path', `${path} is no regular file`);
    if (stats.nlink > 1) throw new ConfigError('path', `${path} has another hard link`);
    if (process.platform === 'win32') return { fd, stats, narrowedFrom: undefined };
    if (isNew) giveAccess(fd, access);
    return { fd, stats, narrowedFrom: isNew ? undefined : narrow(path, fd, stats, access) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Whether a log could be opened, asked without opening or making anything. What happens between the question and the opening, the
 * opening itself finds out.
 *
 * @throws ConfigError in the words of {@link openLog}.
 */
export function requireOpenable(path: string): void {
  const stats = attempt(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) return attempt(path, () => requireRoomFor(dirname(path)));
  const code = stats.isSymbolicLink() ? 'ELOOP' : stats.isDirectory() ? 'EISDIR' : 'ENXIO';
  attempt(path, () => {
    if (!stats.isFile()) throw Object.assign(new Error('no regular file'), { code });
    accessSync(path, constants.R_OK | constants.W_OK);
  });
  if (stats.nlink > 1) throw new ConfigError('path', `${path} has another hard link`);
}

/** Throws where no folder and no file can be made: in a folder that is there, or in the nearest one above it. */
function requireRoomFor(folder: string): void {
  if (!existsSync(folder) && dirname(folder) !== folder) return requireRoomFor(dirname(folder));
  if (!statSync(folder).isDirectory()) throw Object.assign(new Error('no folder'), { code: 'ENOTDIR' });
  accessSync(folder, constants.W_OK | constants.X_OK);
}

/** Makes a folder that only its owner may use. An existing folder is left as it is. */
export function makeFolder(path: string): void {
  attempt(path, () => mkdirSync(path, { recursive: true, mode: FOLDER_MODE }));
}

/** Syncs the name of a new or renamed file to the disk, where the file system can. */
export function syncFolder(path: string): void {
  try {
    const fd = openSync(dirname(path), constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Windows cannot open folders, and some network file systems cannot sync them.
  }
}

/** Who may read a file. */
export function accessOf({ mode, gid }: Stats): Access {
  return { mode: mode & MODE_BITS, group: gid };
}

function openOrMake(path: string): { isNew: boolean; fd: number } {
  const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
  try {
    return { isNew: true, fd: openSync(path, flags | O_CREAT | O_EXCL, FILE_MODE) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  // Again with O_CREAT, because somebody may have removed the file in between.
  return { isNew: false, fd: openSync(path, flags | O_CREAT, FILE_MODE) };
}

/** Sets group and mode of a new file, whatever the umask: the administrator's choice must be kept. */
function giveAccess(fd: number, { mode, like }: FileAccess): void {
  if (like !== undefined) {
    try {
      fchownSync(fd, fstatSync(fd).uid, like.group);
    } catch {
      // Only a member of that group may give a file to it.
      if (mode === undefined && fstatSync(fd).gid !== like.group) return;
    }
  }
  const wanted = mode ?? (like === undefined ? FILE_MODE : like.mode & GROUP_MODE);
  if (wanted !== FILE_MODE) fchmodSync(fd, wanted);
}

function narrow(path: string, fd: number, stats: Stats, { mode, widerMode }: FileAccess): number | undefined {
  const found = stats.mode & MODE_BITS;
  const tooWide = (found & ~(mode ?? GROUP_MODE)) !== 0;
  if (tooWide && widerMode === 'refuse')
    throw new ConfigError(
      'path',
      `${path} has mode 0${found.toString(8)}, wider than 0${(mode ?? GROUP_MODE).toString(8)}`,
    );
  if (tooWide || (mode !== undefined && found !== mode)) fchmodSync(fd, mode ?? FILE_MODE);
  return tooWide ? found : undefined;
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

/** Refuses modes that let others write the log, or everybody read it (PCI DSS 10.3.1 and 10.3.2). */
export function resolveMode(given: unknown): number | undefined {
  if (given === undefined || given === 0o600 || given === 0o640) return given;
  return reject('mode', given, '0o600 or 0o640');
}

const LF = 0x0a;
/** How much is read at once while looking for the start of the last line. */
const CHUNK = 64 * 1024;
/** No crash leaves a longer last line without an end, in bytes: such a file is not a log. */
const LONGEST_TORN = 16 * 1024 * 1024;

/** Reads the bytes of a file between two places, or as many of them as there are. */
export function readRange(fd: number, from: number, to: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  let read = 0;
  while (read < bytes.length) {
    const got = readSync(fd, bytes, read, bytes.length - read, from + read);
    if (got === 0) break;
    read += got;
  }
  return bytes.subarray(0, read);
}

/** Writes all bytes at the end of a file; a short write is continued. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written);
}

/**
 * Makes a log end with a whole line. A crash in the middle of a write leaves a line without an end. If it parses as a record, only
 * the line feed is missing, and it is added; otherwise the bytes move to a file of their own beside the log.
 *
 * @returns the size of the log.
 */
export function repairTail(fd: number, path: string, notices: Notices): number {
  const { size } = fstatSync(fd);
  const whole = lastLineFeed(fd, size) + 1;
  if (whole === size) return size;
  if (size - whole > LONGEST_TORN)
    throw new ConfigError('path', `${path} is no log: its last line has no end`);
  const torn = readRange(fd, whole, size);
  if (recordIn(torn) !== undefined) {
    writeAll(fd, Buffer.of(LF));
    notices.add({ kind: 'line-completed', path });
    return size + 1;
  }
  const keptIn = keepAside(`${path}.torn-${new Date().toISOString().replaceAll(':', '')}`, torn);
  ftruncateSync(fd, whole);
  fsyncSync(fd);
  notices.add({ kind: 'torn-tail', path, bytes: torn.length, keptIn });
  return whole;
}

/** The place of the last line feed before `end`, or -1. */
export function lastLineFeed(fd: number, end: number): number {
  for (let to = end; to > 0; to -= CHUNK) {
    const from = Math.max(0, to - CHUNK);
    const found = readRange(fd, from, to).lastIndexOf(LF);
    if (found >= 0) return from + found;
  }
  return -1;
}

/** The record in a line; nothing when it holds something else. */
export function recordIn(line: Buffer | string): AuditRecord | undefined {
  try {
    // An editor may have put a byte order mark before the first line.
    return decodeLine(line.toString().replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

function keepAside(path: string, bytes: Uint8Array): string {
  const fd = openSync(path, 'wx', FILE_MODE);
  try {
    writeAll(fd, bytes);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return path;
}
