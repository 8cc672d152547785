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
}

/** So many characters in a row of a secret are a leak, the shortest secret (a social security number) being that long. */
const WINDOW = 11;

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

  /** One hit for each secret and output. */
  hits(outputs: readonly Output[]): Hit[] {
    return outputs.flatMap(({ name, bytes }) => {
      const found = new Map<string, Hit>();
      for (const text of readings(bytes))
        for (const [part, planted] of this.#windowsIn(text))
          if (!found.has(planted.secret)) found.set(planted.secret, { ...planted, output: name, part });
      return [...found.values()];
    });
  }

  #windowsIn(text: string): [string, Planted][] {
    const found: [string, Planted][] = [];
    for (let at = 0; at + WINDOW <= text.length; at++) {
      const sum = sumAt(text, at);
      if ((this.#sums[sum >> 3]! & (1 << (sum & 7))) === 0) continue;
      const part = text.slice(at, at + WINDOW);
      const planted = this.#windows.get(part);
      if (planted !== undefined) found.push([part, planted]);
    }
    return found;
  }
}

function sumAt(text: string, at: number): number {
  const sum =
    Math.imul(text.charCodeAt(at), 0x9e3779b1) +
    Math.imul(text.charCodeAt(at + 3), 0x85ebca6b) +
    Math.imul(text.charCodeAt(at + 6), 0xc2b2ae35) +
    Math.imul(text.charCodeAt(at + 9), 0x27d4eb2f);
  return Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> (32 - SUM_BITS);
}

/** The ways in which bytes may be read: as they are, decompressed, and with each coding undone. */
function readings(bytes: Buffer): Set<string> {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  const text = plain.toString('utf8');
  // A text within a text within a text is escaped twice; what stands in Base64 needs no escaping.
  return new Set([text, ...CODINGS.map((undo) => undo(text)), unescaped(unescaped(text))]);
}

const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|(["\\/]))/g, (_, code: string | undefined, char: string | undefined) =>
    code === undefined ? (char ?? '') : String.fromCharCode(parseInt(code, 16)),
  );
const unbase64 = (text: string): string => decodedRuns(text, /[A-Za-z0-9+/_-]{12,}/g, 'base64');
const CODINGS: readonly ((text: string) => string)[] = [
  unescaped,
  (text) => text.replace(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))),
  unbase64,
  (text) => decodedRuns(text, /(?:[0-9a-fA-F]{2}){11,}/g, 'hex'),
];

/** Base64 that begins in the middle of something else is read from each of its four places. */
function decodedRuns(text: string, runs: RegExp, coding: 'base64' | 'hex'): string {
  const starts = coding === 'base64' ? [0, 1, 2, 3] : [0, 1];
  return [...text.matchAll(runs)]
    .flatMap(([run]) => starts.map((start) => Buffer.from(run.slice(start), coding).toString('latin1')))
    .join('\n');
}
