import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { decodeLine } from '../../codecs/json.js';
import { ConfigError } from '../../errors.js';
import type { AuditRecord } from '../../schema/record.js';
import type { Notices } from './notice.js';
import { FILE_MODE } from './open.js';

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
