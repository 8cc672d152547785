import type { ChecksumName } from '../../../lib/redaction/detectors/template.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** CRC-32 as RFC 1952 writes it, bit by bit, so that the tests do not share the library's table. */
function crc32(text: string): bigint {
  let crc = 0xffffffffn;
  for (const char of text) {
    crc ^= BigInt(char.charCodeAt(0));
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xedb88320n : crc >> 1n;
  }
  return crc ^ 0xffffffffn;
}

function base62(value: bigint): string {
  return value === 0n ? '' : base62(value / 62n) + (BASE62[Number(value % 62n)] ?? '');
}

const hex = (value: bigint): string => value.toString(16).padStart(8, '0');

/** The remainder of BIP 173, as a polynomial over 32 elements in 30 bits. */
function remainder(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    if (top & 1) sum ^= 0x3b6a57b2;
    if (top & 2) sum ^= 0x26508e6d;
    if (top & 4) sum ^= 0x1ea119fa;
    if (top & 8) sum ^= 0x3d4233dd;
    if (top & 16) sum ^= 0x2a1462b3;
  }
  return sum;
}

/** A key in the form of Bech32, its data taken from the characters of another. */
function bech32(key: string): string {
  const upper = key === key.toUpperCase();
  const [prefix = '', text = ''] = key.toLowerCase().split(/1(?=[^1]*$)/);
  const data = [...text.slice(0, -6)].map((char) => Math.max(0, BECH32.indexOf(char)));
  const codes = [...prefix].map((char) => char.charCodeAt(0));
  const sum =
    remainder([
      ...codes.map((code) => code >> 5),
      0,
      ...codes.map((code) => code & 31),
      ...data,
      ...[0, 0, 0, 0, 0, 0],
    ]) ^ 1;
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (sum >>> shift) & 31);
  const whole = `${prefix}1${[...data, ...check].map((value) => BECH32[value]).join('')}`;
  return upper ? whole.toUpperCase() : whole;
}

/** A key with the checksum that its first part asks for, in the place of the one that it has. */
export const COMPLETED: Readonly<Record<ChecksumName, (key: string) => string>> = {
  crc32Base62: (key) =>
    key.slice(0, -6) + base62(crc32(key.slice(key.indexOf('_') + 1, -6))).padStart(6, '0'),
  crc32Hex: (key) => key.slice(0, -8) + hex(crc32(key.slice(key.indexOf('_') + 1, -8))),
  crc32HexOfAll: (key) => key.slice(0, -8) + hex(crc32(key.slice(0, -8))).toUpperCase(),
  crc32HexReversed: (key) =>
    key.slice(0, -8) +
    Buffer.from(hex(crc32(key.slice(0, -9))), 'hex')
      .reverse()
      .toString('hex'),
  bech32,
};
