import { randomFillSync } from 'node:crypto';

/** How many random bytes one system call gets: a call for each id would cost more than the span that it belongs to. */
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

/** A random id in lower-case hex, never all zeros, which W3C Trace Context forbids. */
function nonZeroHex(bytes: number): string {
  let id = randomHex(bytes);
  while (/^0+$/.test(id)) id = randomHex(bytes);
  return id;
}

/** A trace id: 16 random bytes in hex (W3C Trace Context, section 3.2.2.3). */
export const newTraceId = (): string => nonZeroHex(16);

/** A span id: 8 random bytes in hex (W3C Trace Context, section 3.2.2.4). */
export const newSpanId = (): string => nonZeroHex(8);

/** The digit of the variant (RFC 9562, section 4.1: its two highest bits are 1 and 0), by the character code of a random digit. */
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
    // Many ids come in one millisecond, so its text is made once for all of them.
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
    millisecond = now;
  }
  const random = randomHex(10);
  return `${prefix}${random.slice(0, 3)}-${VARIANT[random.charCodeAt(4)]}${random.slice(5, 8)}-${random.slice(8)}`;
}
