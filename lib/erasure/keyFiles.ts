import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AuditError, ConfigError } from '../errors.js';
import { reject } from '../internal/options.js';
import { KEY_BYTES } from './jwe.js';

/** Where temporary files begin. A process that was killed may leave one. */
const TEMPORARY = '.new-';
/** A file is half written for milliseconds. */
const ABANDONED_MS = 60_000;

/** The folder does not do what it must: the file system failed, or a file has another content than was written. */
export function failed(what: string, cause?: unknown): AuditError {
  const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : '';
  return new AuditError('MCP_LOG_ERR_ERASURE', `${what}${code}`, { cause });
}

/** Writes a file whole and durably, unless it is there. @returns whether it was written. */
export function putNew(path: string, content: string): boolean {
  const temporary = writeTemporary(dirname(path), content);
  try {
    linkSync(temporary, path);
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw failed(`cannot make ${path}`, cause);
  } finally {
    unlinkSync(temporary);
  }
  syncFolder(dirname(path));
  return true;
}

/** Writes a file whole and durably in the place of another. */
export function replace(path: string, content: string): void {
  const temporary = writeTemporary(dirname(path), content);
  try {
    renameSync(temporary, path);
  } catch (cause) {
    unlinkSync(temporary);
    throw failed(`cannot write ${path}`, cause);
  }
  syncFolder(dirname(path));
}

function writeTemporary(folder: string, content: string): string {
  const path = join(folder, `${TEMPORARY}${randomBytes(8).toString('hex')}`);
  try {
    const fd = openSync(path, 'wx', 0o600);
    try {
      writeSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw failed(`cannot write into ${folder}`, cause);
  }
  return path;
}

/** Destroys what killed processes have left half written: it may hold a key. */
export function sweep(folder: string): void {
  const old = Date.now() - ABANDONED_MS;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && stats.mtimeMs < old) overwriteAndRemove(path);
  }
}

/** Overwrites a file before it is removed. That reaches the bytes on some disks only; docs/erasure.md says on which. */
export function overwriteAndRemove(path: string): boolean {
  try {
    const fd = openSync(path, 'r+');
    try {
      writeSync(fd, randomBytes(statSync(path).size), undefined, undefined, 0);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    unlinkSync(path);
  } catch (cause) {
    // Another process may have been faster.
    if (codeOf(cause) === 'ENOENT') return false;
    throw failed(`cannot destroy ${path}`, cause);
  }
  syncFolder(dirname(path));
  return true;
}

/** The content of a file; nothing where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw failed(`cannot read ${path}`, cause);
  }
}

/** Makes the names in a folder durable. Windows has no such call. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The code of an error of the file system. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/**
 * The master keys that an option or a command line gives: bytes, or the path of a file that holds 32 bytes as they are, in hex or
 * in base64.
 *
 * @throws ConfigError when a file cannot be read or holds something else.
 */
export function masterKeysOf(option: string, given: unknown): Uint8Array[] {
  const all: readonly unknown[] = Array.isArray(given) ? given : [given];
  return all.map((each) => {
    if (each instanceof Uint8Array) return each;
    if (typeof each === 'string' && each !== '') return masterKeyIn(option, each);
    return reject(option, each, 'the path of a file, 32 bytes, or an array of these');
  });
}

function masterKeyIn(option: string, path: string): Uint8Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new ConfigError(option, `cannot read ${path}: ${codeOf(cause) ?? 'unknown error'}`);
  }
  if (bytes.length === KEY_BYTES) return bytes;
  const text = bytes.toString('latin1').trim();
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[\w+/-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  throw new ConfigError(option, `${path} does not hold 32 bytes, as they are, in hex or in base64`);
}
