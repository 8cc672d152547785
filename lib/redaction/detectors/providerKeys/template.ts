import { crc32ByTable } from '../../../internal/crc32.js';

/** The alphabets that keys are written in, by the names that templates use. */
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
  // Base64, also as it stands in a URL: `+`, `/` and `=` percent-encoded.
  b64: 'A-Za-z0-9+/',
  path: '\\w/-',
  // The signs of crypt(3), and of its salts with their rounds.
  hash: 'A-Za-z0-9./',
  salt: 'A-Za-z0-9./=',
});

/** The most characters of one part that are looked at, which bounds the work of one place. */
const MOST = 1_024;

/** One part of a template: a text that stands there as it is, or a run of an alphabet's characters. */
type Part =
  | { readonly literal: string }
  | {
      readonly alphabet: string;
      readonly least: number;
      readonly most: number;
      /** Whether a longer run than the least is hidden as well. */
      readonly open: boolean;
      /** Whether there has to be a digit: what keeps words with hyphens from being keys. */
      readonly digit: boolean;
    };

/** A template, taken apart. */
export interface Shape {
  readonly parts: readonly Part[];
  /** The literal part that texts are searched for. */
  readonly anchor: string;
  /** The most characters that can stand before the anchor. */
  readonly before: number;
  /** Whether the characters on both sides of an anchor are such as the parts beside it are written in. */
  readonly mayStandIn: (text: string, anchor: number) => boolean;
  /** Matches the whole key from its first character on; what its first group holds, if it has one, stays. */
  readonly expression: RegExp;
  /** Whether the checksum at the end of a key is right; absent where there is none. */
  readonly holds?: (key: string) => boolean;
}

/** Literals of up to so many letters and digits that other words hold as well, and how far behind one a rarer one is taken. */
const LONGEST_COMMON = 3;
const COMMON = /^[A-Za-z0-9]{1,3}$/;
const FARTHEST = 64;
/** Base64 may be percent-encoded and end in padding. */
const PERCENT = 0x25;
const EQUALS = 0x3d;

/** `{alnum:36}`, `{url:20-40}`, `{b64:100+}`, `{url!:16+}`; braces are in no key. */
const PART = /\{(\w+)(!?):(\d+)(?:-(\d+)|(\+))?\}|([^{}]+)/g;

/**
 * The shapes that a template stands for. A template is written as the key is: text as it is, `{alphabet:length}` for the rest
 * (a length is `36`, `20-40` or `20+`; `!` asks for a digit among them), and `(a|b)` where there is a choice. What stands
 * before `^` is an address, and stays.
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
    // Made for the few shapes whose anchor ever stands in a text.
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
 * The part to search for: the first literal of two characters or more, or else of one. A longer literal near it is taken instead
 * of one that many words hold, such as `us`.
 */
function anchorOf(parts: readonly Part[]): number {
  const literals = parts.map(literalOf);
  const long = literals.findIndex((literal) => literal.length > 1);
  const first = long === -1 ? literals.findIndex((literal) => literal !== '') : long;
  if (!COMMON.test(literals[first] ?? '')) return first;
  const rarer = literals.findIndex((literal) => literal.length > LONGEST_COMMON);
  return rarer > first && mostOf(parts.slice(0, rarer)) <= FARTHEST ? rarer : first;
}

/** Whether a part can begin or end with a character; at the end of the text, or of the template, nothing is ruled out. */
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

/** A key of a fixed length that is told by its shape alone ends where its alphabet does: a longer run is something else, but for signs that may as well end a sentence. */
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
