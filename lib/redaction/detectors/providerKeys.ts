import { Automaton, type Place } from '../text/automaton.js';
import { mapRuns } from '../text/prefilter.js';
import { Rewriter, type DetectorContext } from './detector.js';
import { SHAPES } from './shapes.js';
import { parseTemplate, type Shape } from './template.js';

/** The shortest key that is recognized by its shape and has no literal part. */
export const SHORTEST_SHAPELESS = 51;
/** Discord's bot tokens: an account, a time and a signature. */
const DISCORD =
  /(?<![\w-])(?=[\w-]{0,40}[a-z])(?=[\w-]{0,40}\d)[\w-]{24,28}\.[\w-]{6}\.[\w-]{27,48}(?:![\w-]{1,16})?/g;
/** Private keys of wallets in Base58 (WIF). */
const WALLET_KEY =
  /(?<![A-Za-z0-9+/])(?:5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KL][1-9A-HJ-NP-Za-km-z]{51})(?![A-Za-z0-9+/=])/g;
/** 32 bytes in hex: a private key only if the text speaks of a wallet. */
const HEX_KEY = /(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{64}(?![0-9A-Za-z])/g;
const WALLET_WORDS = /\b(?:wallet|private key|privkey|priv_key|secp256k1|mnemonic)\b/i;

/** How much of an anchor is searched for. With less, words such as `public` would be hits. */
const SEARCHED = 8;
/** A beginning of at least this length with a sign in it also counts within a word, because no word ends with it. */
const TELLING = 3;
/** So many characters of Base64 before a beginning without a sign mean that both belong to the same Base64. */
const BASE64_BEFORE = 24;

/** A key in a text. */
export interface Found {
  readonly start: number;
  readonly end: number;
}

interface Catalogue {
  readonly automaton: Automaton;
  /** The shapes that have each literal of the automaton. */
  readonly byLiteral: readonly (readonly Shape[])[];
}

let made: Catalogue | undefined;

let parsed: Map<string, Shape[]> | undefined;

/** Every shape, by the literal that is searched for. */
function shapesByAnchor(): ReadonlyMap<string, readonly Shape[]> {
  return (parsed ??= group(SHAPES.flatMap(([, template, , checksum]) => parseTemplate(template, checksum))));
}

/** The literals that texts are searched for. */
export function catalogueAnchors(): readonly string[] {
  return [...shapesByAnchor().keys()];
}

/** The catalogue is built on first use, because few programs ever see a text that may contain a key. */
function catalogue(): Catalogue {
  if (made !== undefined) return made;
  const byAnchor = shapesByAnchor();
  made = {
    automaton: new Automaton([...byAnchor.keys()], true),
    byLiteral: [...byAnchor.values()],
  };
  return made;
}

/** Builds the catalogue now, so that no text has to wait for it. */
export function prepareCatalogue(): void {
  catalogue();
}

function group(shapes: readonly Shape[]): Map<string, Shape[]> {
  const byAnchor = new Map<string, Shape[]>();
  for (const shape of shapes) {
    const literal = shape.anchor.slice(0, SEARCHED);
    const same = byAnchor.get(literal);
    if (same === undefined) byAnchor.set(literal, [shape]);
    else same.push(shape);
  }
  return byAnchor;
}

/** Hides the keys that are recognized by their shape alone. */
export function redactProviderKeys(text: string, context: DetectorContext): string {
  const rewriter = new Rewriter(text, context);
  for (const { start, end } of findKeys(text)) rewriter.hide(start, end);
  const out = rewriter.toString();
  const hide = (key: string): string => context.hide(key);
  let wallet: boolean | undefined;
  return mapRuns(out, SHORTEST_SHAPELESS, (part) =>
    part
      .replace(DISCORD, hide)
      .replace(WALLET_KEY, hide)
      .replace(HEX_KEY, (key) => ((wallet ??= WALLET_WORDS.test(out)) ? hide(key) : key)),
  );
}

/**
 * The providers' keys in a text, in order. One look at each character finds the anchors, and only there the shapes are tried,
 * each within bounds. So the work is linear in the text and does not grow with the catalogue.
 */
export function findKeys(text: string): Found[] {
  const { automaton, byLiteral } = catalogue();
  const found: Found[] = [];
  let place: Place = { at: 0, state: 0 };
  for (let hit = automaton.find(text, place); hit !== undefined; hit = automaton.find(text, place)) {
    const shapes = hit.literals.flatMap((index) => byLiteral[index] ?? []);
    const key = longestKey(text, hit.at, found.at(-1)?.end ?? 0, shapes);
    if (key !== undefined) found.push(key);
    place = key !== undefined && key.end > hit.at ? { at: key.end, state: 0 } : hit;
  }
  return found;
}

function longestKey(text: string, after: number, done: number, shapes: readonly Shape[]): Found | undefined {
  let longest: Found | undefined;
  for (const shape of shapes) {
    const key = keyAt(text, after - Math.min(shape.anchor.length, SEARCHED), done, shape);
    if (key !== undefined && (longest === undefined || key.end > longest.end)) longest = key;
  }
  return longest;
}

/** The key whose anchor is at `anchor`. It may begin as far before it as the shape allows. */
function keyAt(text: string, anchor: number, done: number, shape: Shape): Found | undefined {
  if (!text.startsWith(shape.anchor, anchor) || !shape.mayStandIn(text, anchor)) return undefined;
  const { expression, before, holds } = shape;
  for (let start = Math.max(done, anchor - before); start <= anchor; start++) {
    if (!mayBegin(text, start, shape)) continue;
    expression.lastIndex = start;
    const match = expression.exec(text);
    if (match === null || expression.lastIndex <= anchor) continue;
    if (holds?.(match[0]) === false) continue;
    return { start: start + (match[1]?.length ?? 0), end: runEnd(text, expression.lastIndex, shape) };
  }
  return undefined;
}

/**
 * Whether a key can begin here: not within a word, and not within Base64. A shape with a checksum can begin anywhere.
 */
function mayBegin(text: string, start: number, { anchor, before, holds }: Shape): boolean {
  if (start === 0 || holds !== undefined) return true;
  const previous = text.charCodeAt(start - 1);
  if (before === 0 && anchor.length >= TELLING && !/^[A-Za-z0-9]+$/.test(anchor)) {
    return !(isLower(previous) && isLower(anchor.charCodeAt(0)) && anchor.length <= TELLING + 1);
  }
  if (isAlphanumeric(previous)) return false;
  if (text[start - 1] !== '/' && text[start - 1] !== '+') return true;
  return (
    !/^[A-Za-z0-9+/]+$/.test(text.slice(Math.max(0, start - BASE64_BEFORE), start)) || start < BASE64_BEFORE
  );
}

const RUN = /[\w-]*/y;

/** The end of a key. If its last part has no upper bound, it extends over all letters, digits, `_` and `-`. */
function runEnd(text: string, end: number, { parts }: Shape): number {
  const last = parts.at(-1);
  if (last === undefined || 'literal' in last || !last.open) return end;
  RUN.lastIndex = end;
  RUN.test(text);
  return RUN.lastIndex;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function isAlphanumeric(code: number): boolean {
  return isLower(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39);
}
