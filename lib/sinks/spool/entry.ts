import { decodeLine, encodeLine } from '../../codecs/json.js';
import type { AuditRecord } from '../../schema/record.js';

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

let loading: Promise<void> | undefined;
let byNode: ((bytes: Uint8Array) => number) | undefined;

/** CRC-32 as in RFC 1952 section 8. Node has it from 20.15 on; zlib is loaded by those alone who spool, and not waited for. */
function crc32(bytes: Uint8Array): number {
  loading ??= import('node:zlib').then(({ crc32: found }: { crc32?: typeof byNode }) => {
    byNode = found;
  });
  return byNode === undefined ? crc32ByTable(bytes) : byNode(bytes);
}

/** The same until then, or on a Node that lacks it. */
export function crc32ByTable(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A record as a line of the spool: the checksum of the rest in 8 hex digits, a space, the record, a line feed. */
export function encodeEntry(record: AuditRecord): Buffer {
  const body = Buffer.from(encodeLine(record));
  const sum = crc32(body).toString(16).padStart(8, '0');
  return Buffer.concat([Buffer.from(`${sum} `), body, Buffer.of(0x0a)]);
}

/** The record in a line of the spool (without its line feed); nothing when the line is not what was written. */
export function decodeEntry(line: Uint8Array): AuditRecord | undefined {
  const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  const body = text.subarray(9);
  if (text.length < 10 || text.toString('latin1', 0, 8) !== crc32(body).toString(16).padStart(8, '0'))
    return undefined;
  try {
    return decodeLine(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
