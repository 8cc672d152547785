import { crc32ByTable } from '../../../internal/crc32.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The alphabet and the generator of Bech32 (BIP 173). */
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const BECH32_GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** A checksum, by the name that lines of the catalogue use. */
export type ChecksumName = keyof typeof CHECKSUMS;

/**
 * Whether the checksum that a key ends in is right, given the whole key. Each has at least 30 bits: one key in a thousand million
 * that was not issued has the right one.
 */
export const CHECKSUMS = Object.freeze({
  /** CRC-32 of what stands between the prefix and the last six characters, which are it in base 62. */
  crc32Base62: (key: string) => key.endsWith(base62(crc32(key.slice(key.indexOf('_') + 1, -6)))),
  /** CRC-32 of what stands between the prefix and the last eight characters, which are it in hex. */
  crc32Hex: (key: string) => key.endsWith(hex(crc32(key.slice(key.indexOf('_') + 1, -8)))),
  /** CRC-32 of all before the last eight characters, prefix and all; they are it in hex, in capitals. */
  crc32HexOfAll: (key: string) => key.endsWith(hex(crc32(key.slice(0, -8))).toUpperCase()),
  /** CRC-32 of all before the last `_`; after it stand its four bytes in hex, the lowest first. */
  crc32HexReversed: (key: string) => key.endsWith(reversedHex(crc32(key.slice(0, key.lastIndexOf('_'))))),
  /** The polynomial code of BIP 173 over the part before the last `1` and all that follows. */
  bech32: (key: string) => isBech32(key.toLowerCase()),
});

function crc32(text: string): number {
  return crc32ByTable(Buffer.from(text, 'latin1'));
}

function base62(value: number): string {
  let text = '';
  for (let rest = value; text.length < 6; rest = Math.floor(rest / 62)) text = `${BASE62[rest % 62]}${text}`;
  return text;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function reversedHex(value: number): string {
  return hex(value).replace(/(..)(..)(..)(..)/, '$4$3$2$1');
}

function isBech32(key: string): boolean {
  const prefix = Array.from(key.slice(0, key.lastIndexOf('1')), (char) => char.charCodeAt(0));
  const data = Array.from(key.slice(key.lastIndexOf('1') + 1), (char) => BECH32.indexOf(char));
  if (data.includes(-1)) return false;
  return polymod([...prefix.map((code) => code >> 5), 0, ...prefix.map((code) => code & 31), ...data]) === 1;
}

function polymod(values: readonly number[]): number {
  return values.reduce((sum, value) => {
    const shifted = ((sum & 0x1ffffff) << 5) ^ value;
    return BECH32_GENERATOR.reduce(
      (mixed, term, bit) => ((sum >>> (25 + bit)) & 1 ? mixed ^ term : mixed),
      shifted,
    );
  }, 1);
}
