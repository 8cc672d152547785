import { crc32ByTable } from '../../internal/crc32.js';

/** The alphabets of keys, by the names that templates use. */
export const ALPHABETS: Readonly<Record<string, string>> = Object.freeze({
  num: '0-9',
  hex: '0-9a-f',
  HEX: '0-9A-F',
  xhex: '0-9A-Fa-f',
  ah: 'a-h0-9',
  low: 'a-z0-9',
  up: 'A-Z0-9',
  alpha: 'A-Za-z',
  alnum: 'A-Za-z0-9',
  word: '\\w',
  url: '\\w-',
  tok: '\\w=.~-',
  b32: 'A-Z2-7',
  b58: '1-9A-HJ-NP-Za-km-z',
  bech: 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L',
  lbech: 'qpzry9x8gf2tvdw0s3jn54khce6mua7l',
  // Base64. `+`, `/` and `=` may be percent-encoded, as in a URL.
  b64: 'A-Za-z0-9+/',
  path: '\\w/-',
  // The characters of crypt(3), and of its salts with their rounds.
  hash: 'A-Za-z0-9./',
  salt: 'A-Za-z0-9./=',
});

/** The most characters of one part that are matched, which bounds the work at one place. */
const MOST = 1_024;

/** One part of a template: a literal, or a run of characters of an alphabet. */
type Part =
  | { readonly literal: string }
  | {
      readonly alphabet: string;
      readonly least: number;
      readonly most: number;
      /** Whether the run has no upper bound. */
      readonly open: boolean;
      /** Whether it must contain a digit, so that words with hyphens are not keys. */
      readonly digit: boolean;
    };

/** A parsed template. */
export interface Shape {
  readonly parts: readonly Part[];
  /** The literal part that texts are searched for. */
  readonly anchor: string;
  /** The most characters of the key before the anchor. */
  readonly before: number;
  /** Whether the characters on both sides of an anchor belong to the alphabets of the parts there. */
  readonly mayStandIn: (text: string, anchor: number) => boolean;
  /** Matches the whole key from its first character. Its first group, if it has one, is kept. */
  readonly expression: RegExp;
  /** Whether the checksum at the end of a key is right. Absent if there is none. */
  readonly holds?: (key: string) => boolean;
}

/** Literals of so few letters and digits occur in other words too. A longer one is searched for instead if it is near enough. */
const LONGEST_COMMON = 3;
const COMMON = /^[A-Za-z0-9]{1,3}$/;
const FARTHEST = 64;
/** Base64 may be percent-encoded and end in padding. */
const PERCENT = 0x25;
const EQUALS = 0x3d;

/** `{alnum:36}`, `{url:20-40}`, `{b64:100+}`, `{url!:16+}`. No key contains braces. */
const PART = /\{(\w+)(!?):(\d+)(?:-(\d+)|(\+))?\}|([^{}]+)/g;

/**
 * The shapes that a template describes. A template is literal text, `{alphabet:length}` for runs (a length is `36`, `20-40` or
 * `20+`; `!` requires a digit), and `(a|b)` for a choice. What precedes `^` is an address and is kept.
 */
export function parseTemplate(template: string, checksum?: ChecksumName): Shape[] {
  return choices(template).map((choice) => shapeOf(choice, checksum));
}

function choices(template: string): string[] {
  const choice = /\(([^()]*)\)/.exec(template);
  if (choice === null) return [template];
  const [all, inner = ''] = choice;
  const before = template.slice(0, choice.index);
  const after = template.slice(choice.index + all.length);
  return inner.split('|').flatMap((one) => choices(before + one + after));
}

function shapeOf(template: string, checksum: ChecksumName | undefined): Shape {
  const stays = template.indexOf('^');
  const parts = [...template.replace('^', '').matchAll(PART)].map((match) => partOf(match));
  const place = anchorOf(parts);
  const anchor = literalOf(parts[place]);
  if (anchor === '') throw new Error(`nothing to search for: ${template}`);
  const before = mostOf(parts.slice(0, place));
  const kept = stays === -1 ? '' : template.slice(0, stays);
  let expression: RegExp | undefined;
  return {
    parts,
    anchor,
    before,
    mayStandIn: (text, at) =>
      mayHold(parts[place - 1], text.charCodeAt(at - 1)) &&
      mayHold(parts[place + 1], text.charCodeAt(at + anchor.length)),
    // Compiled on first use: few anchors ever occur in a text.
    get expression() {
      return (expression ??= expressionOf(parts, escape(kept), checksum !== undefined));
    },
    ...(checksum && { holds: CHECKSUMS[checksum] }),
  };
}

function literalOf(part: Part | undefined): string {
  return part !== undefined && 'literal' in part ? part.literal : '';
}

function mostOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + ('literal' in part ? part.literal.length : part.most), 0);
}

/**
 * The index of the part to search for: the first literal of two characters or more, or else of one; but a longer literal nearby
 * instead of one that many words contain, such as `us`.
 */
function anchorOf(parts: readonly Part[]): number {
  const literals = parts.map(literalOf);
  const long = literals.findIndex((literal) => literal.length > 1);
  const first = long === -1 ? literals.findIndex((literal) => literal !== '') : long;
  if (!COMMON.test(literals[first] ?? '')) return first;
  const rarer = literals.findIndex((literal) => literal.length > LONGEST_COMMON);
  return rarer > first && mostOf(parts.slice(0, rarer)) <= FARTHEST ? rarer : first;
}

/** Whether a character can belong to the part. Anything can if there is no part, or if it is a literal or may be empty. */
function mayHold(part: Part | undefined, code: number): boolean {
  if (part === undefined || 'literal' in part || part.least === 0) return true;
  return code < 128 && (codesOf(part.alphabet)[code] === 1 || code === PERCENT || code === EQUALS);
}

const codesByAlphabet = new Map<string, Uint8Array>();

/** 1 for each ASCII character of an alphabet. */
function codesOf(alphabet: string): Uint8Array {
  let codes = codesByAlphabet.get(alphabet);
  if (codes === undefined) {
    const char = new RegExp(`[${ALPHABETS[alphabet] ?? ''}]`);
    codes = Uint8Array.from({ length: 128 }, (_, code) => (char.test(String.fromCharCode(code)) ? 1 : 0));
    codesByAlphabet.set(alphabet, codes);
  }
  return codes;
}

function expressionOf(parts: readonly Part[], kept: string, isChecked: boolean): RegExp {
  const source = parts
    .map((part, index) => sourceOf(part, index === parts.length - 1 && !isChecked))
    .join('');
  return new RegExp(kept === '' ? source : `(${kept})${source.slice(kept.length)}`, 'y');
}

function partOf([, alphabet, digit, least, most, open, literal]: RegExpMatchArray): Part {
  if (literal !== undefined) return { literal };
  if (alphabet === undefined || !Object.hasOwn(ALPHABETS, alphabet)) {
    throw new Error(`unknown alphabet: ${alphabet}`);
  }
  return {
    alphabet,
    least: Number(least),
    most: open === undefined ? Number(most ?? least) : MOST,
    open: open !== undefined,
    digit: digit === '!',
  };
}

/**
 * The expression for a part. The last part of a key without a checksum `ends` the key: if its length is fixed, no further character of
 * its alphabet may follow, other than signs that can end a sentence.
 */
function sourceOf(part: Part, ends: boolean): string {
  if ('literal' in part) return escape(part.literal);
  const set = ALPHABETS[part.alphabet] ?? '';
  const char = part.alphabet === 'b64' ? `(?:[${set}]|%2[BFbf])` : `[${set}]`;
  const padding = part.alphabet === 'b64' ? '(?:=|%3[Dd]){0,3}' : '';
  const digit = part.digit ? `(?=[A-Za-z_-]{0,${MOST}}\\d)` : '';
  const end = ends && !part.open ? `(?![${set.replace(/[=.~]/g, '')}])` : '';
  return `${digit}${char}{${part.least},${part.most}}${padding}${end}`;
}

function escape(text: string): string {
  return text.replace(/[.*+?^$|()[\]\\/]/g, '\\$&');
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The alphabet and the generator of Bech32 (BIP 173). */
const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const BECH32_GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** The name of a checksum in the catalogue. */
export type ChecksumName = keyof typeof CHECKSUMS;

/**
 * Functions that tell whether the checksum at the end of a key is right. Each checksum has at least 30 bits, so one in a thousand
 * million texts of this form passes by chance.
 */
export const CHECKSUMS = Object.freeze({
  /** The last six characters are the CRC-32 of those between the prefix and them, in base 62. */
  crc32Base62: (key: string) => key.endsWith(base62(crc32(key.slice(key.indexOf('_') + 1, -6)))),
  /** The last eight characters are the CRC-32 of those between the prefix and them, in hex. */
  crc32Hex: (key: string) => key.endsWith(hex(crc32(key.slice(key.indexOf('_') + 1, -8)))),
  /** The last eight characters are the CRC-32 of all before them, in capital hex. */
  crc32HexOfAll: (key: string) => key.endsWith(hex(crc32(key.slice(0, -8))).toUpperCase()),
  /** Behind the last `_` is the CRC-32 of all before it, in hex, the lowest byte first. */
  crc32HexReversed: (key: string) => key.endsWith(reversedHex(crc32(key.slice(0, key.lastIndexOf('_'))))),
  /** The polynomial code of BIP 173 over the part before the last `1` and all behind it. */
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
