import { randomFillSync } from 'node:crypto';

/** One system call fills this many bytes; a call per id would cost more than the span it belongs to. */
const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}

/** A random id of so many bytes in lower-case hex, never all zeros (W3C Trace Context forbids that id). */
function nonZeroHex(bytes: number): string {
  let id = randomHex(bytes);
  while (/^0+$/.test(id)) id = randomHex(bytes);
  return id;
}

/** A trace id: 16 random bytes in hex (W3C Trace Context, section 3.2.2.3). */
export const newTraceId = (): string => nonZeroHex(16);

/** A span id: 8 random bytes in hex (W3C Trace Context, section 3.2.2.4). */
export const newSpanId = (): string => nonZeroHex(8);

/** A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits. */
export function newRecordId(now: number = Date.now()): string {
  const time = Math.max(0, Math.trunc(now)).toString(16).padStart(12, '0').slice(-12);
  const random = randomHex(10);
  const variant = ((Number.parseInt(random.charAt(4), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(5, 8)}-${random.slice(8)}`;
}
