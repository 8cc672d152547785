import { decodeLine } from '../../codecs/json.js';
import { crc32ByTable } from '../../internal/crc32.js';
import type { AuditRecord } from '../../schema/record.js';

const LF = 0x0a;
const SPACE = 0x20;
/** Digits of a checksum. */
const SUM = 8;

let loading: Promise<void> | undefined;
let byNode: ((bytes: Uint8Array) => number) | undefined;

/** CRC-32 as in RFC 1952 section 8. Node has it from 20.15 on; zlib is loaded by those alone who spool, and not waited for: a table does until then. */
function crc32(bytes: Uint8Array): number {
  loading ??= import('node:zlib').then(({ crc32: found }: { crc32?: typeof byNode }) => {
    byNode = found;
  });
  return byNode === undefined ? crc32ByTable(bytes) : byNode(bytes);
}

/** A record in a spool, with its place: places are counted by the spool itself, whatever the records say of their own. */
export interface SpoolEntry {
  readonly n: number;
  readonly record: AuditRecord;
}

/** The line of a record: the checksum of the rest in 8 hex digits, its place, the record's own line, each after a space. */
export function encodeEntry(line: string, n: number): Buffer {
  const body = Buffer.from(`${n} ${line}`);
  return Buffer.concat([Buffer.from(`${checksum(body)} `), body, Buffer.of(LF)]);
}

/** The entry in a line of the spool (without its line feed); nothing when the line is not what was written. */
export function decodeEntry(line: Uint8Array): SpoolEntry | undefined {
  const n = placeOf(line);
  if (n === undefined) return undefined;
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  try {
    return { n, record: decodeLine(text.toString('utf8', text.indexOf(SPACE, SUM + 1) + 1)) };
  } catch {
    return undefined;
  }
}

/** The place of an entry alone, without looking into its record. */
export function placeOf(line: Uint8Array): number | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const end = text.indexOf(SPACE, SUM + 1);
  if (end < 0 || text.toString('latin1', 0, SUM) !== checksum(text.subarray(SUM + 1))) return undefined;
  const n = Number(text.toString('latin1', SUM + 1, end));
  return Number.isSafeInteger(n) && n > 0 ? n : undefined;
}

/** CRC-32 in 8 hex digits. */
export function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(SUM, '0');
}
