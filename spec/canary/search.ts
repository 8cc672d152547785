import { gunzipSync } from 'node:zlib';
import type { Planted } from './canaries.js';

/** Something that left the library. */
export interface Output {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A secret, or a part of one, that was found. */
export interface Hit extends Planted {
  readonly output: string;
  /** What was found of it. */
  readonly part: string;
  /** How the output was read, and where in that reading the part begins, in UTF-16 code units. */
  readonly reading: string;
  readonly at: number;
  /** The text around the part, with dots in the part's place. */
  readonly context: string;
}

/** So many characters in a row of a secret are a leak, the shortest secret (a social security number) being that long. */
const WINDOW = 11;

/**
 * Hexadecimal digits alone are a leak from here on. Outputs are full of them: hashes, ids, times. With `hmac`, 54,000 windows of
 * eleven digits are planted and 104,000 are in the outputs, so that one run in 3,000 has two that are equal (16^11 are possible), in
 * each output that has the record. For fourteen digits it is one run in ten million.
 */
const HEX_WINDOW = 14;

/** Characters shown on each side of a part that was found. */
const SHOWN = 60;

/** So many sums are told from one another. */
const SUM_BITS = 25;
const SUMS = 2 ** SUM_BITS;

/** What of a secret is known to everybody, or stands in every secret of the kind. */
const PUBLIC =
  /-----(?:BEGIN|END) RSA PRIVATE KEY-----|pypi-AgEIcHlwaS5vcmc|^eyJ[\w-]+\.|eyJzdWIiOi|github_pat_|sk-ant-api03-|^canary/g;

/** Searches outputs for every part of every secret, in clear and in every coding that may have been put around it. */
export class LeakSearch {
  readonly #windows = new Map<string, Planted>();
  /** Which sums of characters any window has, a bit each: a look here spares nearly all looks into the map. */
  readonly #sums = new Uint8Array(SUMS >> 3);

  constructor(planted: readonly Planted[]) {
    for (const one of planted)
      for (const part of one.secret.split(PUBLIC).flatMap((text) => text.split('\n')))
        for (let at = 0; at + WINDOW <= part.length; at++) {
          this.#windows.set(part.slice(at, at + WINDOW), one);
          const sum = sumAt(part, at);
          this.#sums[sum >> 3]! |= 1 << (sum & 7);
        }
  }

  /** One hit for each secret and output: the longest part that was found. */
  hits(outputs: readonly Output[]): Hit[] {
    return outputs.flatMap(({ name: output, bytes }) => {
      const found = new Map<string, Hit>();
      for (const [text, reading] of readings(bytes))
        for (const { at, part, planted } of this.#partsIn(text)) {
          if (part.length <= (found.get(planted.secret)?.part.length ?? 0)) continue;
          found.set(planted.secret, {
            ...planted,
            output,
            part,
            reading,
            at,
            context: around(text, at, part),
          });
        }
      return [...found.values()];
    });
  }

  #partsIn(text: string): { at: number; part: string; planted: Planted }[] {
    const found: { at: number; part: string; planted: Planted }[] = [];
    for (let at = 0; at + WINDOW <= text.length; at++) {
      const sum = sumAt(text, at);
      if ((this.#sums[sum >> 3]! & (1 << (sum & 7))) === 0) continue;
      const planted = this.#windows.get(text.slice(at, at + WINDOW));
      if (planted === undefined) continue;
      const part = partAt(text, at, planted.secret);
      if (part.length < leastOf(part)) continue;
      found.push({ at, part, planted });
      // The windows within it say nothing new, and an output that hides nothing has millions of them.
      at += part.length - WINDOW;
    }
    return found;
  }
}

/** What a text has of a secret from a place on, where at least a window is. */
function partAt(text: string, at: number, secret: string): string {
  const from = secret.indexOf(text.slice(at, at + WINDOW));
  let length = WINDOW;
  while (from + length < secret.length && text[at + length] === secret[from + length]) length++;
  return text.slice(at, at + length);
}

const leastOf = (part: string): number => (/^[0-9a-f]*$/i.test(part) ? HEX_WINDOW : WINDOW);

function around(text: string, at: number, part: string): string {
  const end = at + part.length;
  const before = text.slice(Math.max(0, at - SHOWN), at);
  return `${before}${'·'.repeat(part.length)}${text.slice(end, end + SHOWN)}`;
}

/** What was found, a line each, without the secrets: which, where, and how much of it. */
export function report(hits: readonly Hit[]): string[] {
  return hits.map(
    ({ kind, place, output, part, secret, reading, at, context }) =>
      `${kind} of ${place} in ${output}, ${reading}, at ${at}: ${part.length} of ${secret.length} characters: ${JSON.stringify(context)}`,
  );
}

function sumAt(text: string, at: number): number {
  const sum =
    Math.imul(text.charCodeAt(at), 0x9e3779b1) +
    Math.imul(text.charCodeAt(at + 3), 0x85ebca6b) +
    Math.imul(text.charCodeAt(at + 6), 0xc2b2ae35) +
    Math.imul(text.charCodeAt(at + 9), 0x27d4eb2f);
  return Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> (32 - SUM_BITS);
}

/** The ways in which bytes may be read, with their names: as they are, decompressed, and with each coding undone. */
function readings(bytes: Buffer): Map<string, string> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  const text = plain.toString('utf8');
  const read = CODINGS.map(([name, undo]) => [undo(text), name] as const);
  // Set last, so that a coding that changes nothing does not give the text its name.
  return new Map([...read, [text, 'as it is']]);
}

const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|(["\\/]))/g, (_, code: string | undefined, char: string | undefined) =>
    code === undefined ? (char ?? '') : String.fromCharCode(parseInt(code, 16)),
  );
const unbase64 = (text: string): string => decodedRuns(text, /[A-Za-z0-9+/_-]{12,}/g, 'base64');
const unpercented = (text: string): string =>
  text.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
const unhexed = (text: string): string => decodedRuns(text, /(?:[0-9a-fA-F]{2}){11,}/g, 'hex');
const CODINGS: readonly (readonly [string, (text: string) => string])[] = [
  ['without its escapes', unescaped],
  // A text within a text within a text is escaped twice; what stands in Base64 needs no escaping.
  ['without its escapes, twice', (text) => unescaped(unescaped(text))],
  ['percent-decoded', unpercented],
  ['Base64-decoded', unbase64],
  ['hex-decoded', unhexed],
];

/** Base64 that begins in the middle of something else is read from each of its four places. */
function decodedRuns(text: string, runs: RegExp, coding: 'base64' | 'hex'): string {
  const starts = coding === 'base64' ? [0, 1, 2, 3] : [0, 1];
  return [...text.matchAll(runs)]
    .flatMap(([run]) => starts.map((start) => Buffer.from(run.slice(start), coding).toString('latin1')))
    .join('\n');
}
