import { randomFillSync } from 'node:crypto';
import type { LogCounter } from './record.js';

/** How many random bytes one system call gets: a call for each id would cost more than the span that it belongs to. */
const POOL_BYTES = 4096;
const pool = Buffer.allocUnsafe(POOL_BYTES);
let used = POOL_BYTES;

/** Takes random bytes from the pool. Returns where they begin. */
function take(bytes: number): number {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

function randomHex(bytes: number): string {
  const from = take(bytes);
  return pool.toString('hex', from, from + bytes);
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

/** The character codes of the digits. */
const DIGITS = Buffer.from('0123456789abcdef', 'latin1');

let millisecond = Number.NaN;
/** The last record id. The next is written over it: to join one from pieces would allocate several times its length. */
const recordId = Buffer.from('00000000-0000-7000-8000-000000000000', 'latin1');
/** Where a record id has its random digits, but for the one that begins with the variant. */
const RANDOM_DIGITS = [15, 16, 17, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35];
/** Half a byte for each digit, and one byte for the digit of the variant. */
const RANDOM_BYTES = RANDOM_DIGITS.length / 2 + 1;
/** Where it has the digit whose two highest bits are the variant, 1 and 0 (RFC 9562, section 4.1). */
const VARIANT_DIGIT = 19;

/** A UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits. */
export function newRecordId(now: number = Date.now()): string {
  if (now !== millisecond) {
    const time = Math.max(0, Math.trunc(now)).toString(16).padStart(12, '0').slice(-12);
    // Many ids come in one millisecond, so its digits are written once for all of them.
    recordId.write(`${time.slice(0, 8)}-${time.slice(8)}`, 'latin1');
    millisecond = now;
  }
  const from = take(RANDOM_BYTES);
  for (let index = 0; index < RANDOM_DIGITS.length; index++) {
    const byte = pool[from + (index >> 1)] ?? 0;
    const value = index % 2 === 0 ? byte >> 4 : byte & 0xf;
    recordId[RANDOM_DIGITS[index] ?? 0] = digit(value);
  }
  const variant = pool[from + RANDOM_BYTES - 1] ?? 0;
  recordId[VARIANT_DIGIT] = digit((variant & 0x3) | 0x8);
  return recordId.toString('latin1');
}

function digit(value: number): number {
  return DIGITS[value] ?? 0;
}

/** Who counted a record; undefined where it does not say so, as in logs of older versions. */
export function counterOf(record: Partial<LogCounter> | undefined): LogCounter | undefined {
  const { log_id, log_epoch } = record ?? {};
  const isNamed = typeof log_id === 'string' && log_id !== '' && Number.isSafeInteger(log_epoch);
  return isNamed ? { log_id, log_epoch: log_epoch as number } : undefined;
}

let second = Number.NaN;
let prefix = '';

/**
 * A time in the form of RFC 3339: UTC, with milliseconds. Many records come in one second, so the text of a second is made once for
 * all of them: `Date.prototype.toISOString` costs a tenth of a whole record.
 *
 * @throws RangeError for a second that no `Date` can hold.
 */
export function toTimestamp(milliseconds: number): string {
  const time = Math.trunc(milliseconds);
  const whole = Math.floor(time / 1000);
  if (whole !== second) {
    prefix = new Date(whole * 1000).toISOString().slice(0, -4);
    second = whole;
  }
  const rest = time - whole * 1000;
  return `${prefix}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
}
