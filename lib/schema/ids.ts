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

/** RFC 9562, section 4.1: the two highest bits of the variant's digit are 1 and 0; by the code of the digit they are put into. */
const VARIANT = Object.fromEntries(
  Array.from('0123456789abcdef', (digit) => [
    digit.charCodeAt(0),
    ((Number.parseInt(digit, 16) & 0x3) | 0x8).toString(16),
  ]),
);

let millisecond = Number.NaN;
let prefix = '';

/** A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits. */
export function newRecordId(now: number = Date.now()): string {
  if (now !== millisecond) {
    const time = Math.max(0, Math.trunc(now)).toString(16).padStart(12, '0').slice(-12);
    // Ids come many to a millisecond, and what it is called is worked out once for all of them.
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    millisecond = now;
  }
  const random = randomHex(10);
  return `${prefix}${random.slice(0, 3)}-${VARIANT[random.charCodeAt(4)]}${random.slice(5, 8)}-${random.slice(8)}`;
}
