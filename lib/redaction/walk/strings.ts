import { createHash, type Hash } from 'node:crypto';
import { wellFormed } from '../../internal/text.js';
import type { Truncation } from '../../schema/record.js';
import { isUri, redactUri } from '../detectors/credentials.js';
import type { KeyFacts } from '../keys/keyNames.js';
import { untear, mapBetweenMarkers } from '../text/replacement.js';
import type { Pass } from './pass.js';
import { isUtf8 } from 'node:buffer';
import { closingBracket } from '../detectors/assigned.js';
import { INVISIBLE, mapRuns, SURROGATE, withoutInvisible } from '../text/prefilter.js';

/** Bytes kept of a name, an id or an address. */
export const LABEL_BYTES = 1_024;
/** The longest stretch of text that is searched at once. No secret within it can be missed. */
const CHUNK_UNITS = 256 * 1024;
/** How far before the end of a chunk a blank is looked for, at which the text is divided. */
const BREAK_UNITS = 4_096;

/**
 * A text with its secrets replaced, cut to `stringBytes`. A cut is noted with the length in bytes and the SHA-256 of the whole
 * redacted text, never of the original.
 */
export function keepString(
  text: string,
  key: string | undefined,
  pass: Pass,
  most = pass.policy.limits.stringBytes,
): string {
  if (text.length * 3 <= most && isClean(text, pass)) return count(text, pass);
  const whole = wellFormed(text);
  if (whole.length > CHUNK_UNITS || whole.length > pass.scanLeft) return keepChunked(whole, key, pass, most);
  pass.scanLeft -= whole.length;
  return capText(redactText(whole, pass), key, pass, most);
}

/** A URI, or a text that may be one, with its secrets replaced and cut like a label. */
export function keepUri(text: string, key: string | undefined, pass: Pass): string {
  const whole = wellFormed(text);
  if (isUri(whole)) return keepString(redactUri(whole, pass.detectorContext), key, pass, LABEL_BYTES);
  const kept = keepString(whole, key, pass, LABEL_BYTES);
  // A secret with blanks can keep a text from being a URI. Without the secret, it may be one.
  return kept !== whole && isUri(kept)
    ? capText(redactUri(kept, pass.detectorContext), key, pass, LABEL_BYTES)
    : kept;
}

/** A text that the user has chosen: made well-formed and cut, but not searched. */
export function capLabel(text: string, key: string | undefined, pass: Pass): string {
  return capText(wellFormed(text), key, pass, LABEL_BYTES);
}

/** A redacted text, cut to at most `most` bytes. */
function capText(redacted: string, key: string | undefined, pass: Pass, most: number): string {
  if (redacted.length * 3 <= most) return count(redacted, pass);
  const bytes = Buffer.byteLength(redacted);
  if (bytes <= most) return count(redacted, pass);
  const sha256 = createHash('sha256').update(redacted, 'utf8').digest('hex');
  noteCut(key, { original_bytes: bytes, sha256 }, pass);
  return count(cutText(redacted, bytes, most), pass);
}

function count(text: string, pass: Pass): string {
  pass.units += text.length + 2;
  return text;
}

/** Redacts a long text in chunks. The beginning of the first is kept, and all are hashed while the scan budget lasts. */
function keepChunked(text: string, key: string | undefined, pass: Pass, most: number): string {
  const hash = createHash('sha256');
  let kept: string | undefined;
  let bytes = 0;
  let at = 0;
  // A chunk that the budget cuts short could end within a secret, so nothing is kept.
  if (pass.scanLeft < Math.min(text.length, most + BREAK_UNITS)) pass.scanLeft = 0;
  while (at < text.length && pass.scanLeft > 0) {
    const end = chunkEnd(text, at, Math.min(CHUNK_UNITS, pass.scanLeft));
    pass.scanLeft -= end - at;
    const redacted = redactText(text.slice(at, end), pass);
    bytes += hashText(hash, redacted);
    kept ??= redacted;
    at = end;
  }
  const unscanned = at < text.length ? Buffer.byteLength(text.slice(at)) : 0;
  const sizes = { original_bytes: bytes + unscanned };
  noteCut(key, unscanned === 0 ? { ...sizes, sha256: hash.digest('hex') } : sizes, pass);
  return count(cutText(kept ?? '', bytes + unscanned, most), pass);
}

function hashText(hash: Hash, text: string): number {
  const bytes = Buffer.from(text, 'utf8');
  hash.update(bytes);
  return bytes.length;
}

/** The end of a chunk: behind a blank if there is one near, so that no secret is divided, and never within a surrogate pair. */
function chunkEnd(text: string, from: number, most: number): number {
  const end = from + most;
  if (end >= text.length) return text.length;
  const blank = /\s\S*$/.exec(text.slice(Math.max(from, end - BREAK_UNITS), end));
  if (blank !== null) return end - blank[0].length + 1;
  return splitsPair(text, end) ? end + 1 : end;
}

/** The beginning of a text and a note of its length, together within `most` bytes. A marker is never divided. */
export function cutText(text: string, bytes: number, most: number): string {
  const note = `…[${bytes} bytes]`;
  const room = Math.max(0, most - Buffer.byteLength(note));
  return untear(text.slice(0, unitsWithin(text, room))) + note;
}

/** How many code units of a text fit into a number of UTF-8 bytes. */
function unitsWithin(text: string, bytes: number): number {
  const prefix = Buffer.from(text.slice(0, bytes), 'utf8');
  if (prefix.length <= bytes) return Math.min(text.length, splitsPair(text, bytes) ? bytes - 1 : bytes);
  let end = bytes;
  while (end > 0 && ((prefix[end] ?? 0) & 0xc0) === 0x80) end--;
  return prefix.toString('utf8', 0, end).length;
}

/** Code units kept of a key, and of the path to a cut. */
const NAME_UNITS = 256;
/** The most entries of `truncated`. Further cuts are only marked in place. */
const MAX_CUTS = 16;

/** A key that is redacted, well-formed and cut. If it was so before, that is remembered in its facts. */
export function keepName(key: string, facts: KeyFacts, pass: Pass): string {
  if (facts.plain) return key;
  const name = cleanName(key, pass);
  facts.plain = name === key && key !== '__proto__' && pass.secrets.size === 0;
  return name;
}

function cleanName(key: string, pass: Pass): string {
  const name = redactText(wellFormed(key), pass);
  return name.length > NAME_UNITS ? `${untear(wellFormed(name.slice(0, NAME_UNITS - 1)))}…` : name;
}

/** Notes a cut at the walk's place, or at a key below it. */
export function noteCut(key: string | undefined, sizes: Omit<Truncation, 'path'>, pass: Pass): void {
  pass.changes++;
  if (pass.cuts.length >= MAX_CUTS) return;
  const steps = key === undefined ? pass.path : [...pass.path, key];
  const path = steps.map((step) => cleanName(step, pass)).join('.');
  pass.cuts.push({ path: wellFormed(path.slice(0, NAME_UNITS)), ...sizes });
}

/** Whether a cut before `index` would divide a surrogate pair. */
export function splitsPair(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (!(code >= 0xdc00 && code <= 0xdfff)) return false;
  const before = text.charCodeAt(index - 1);
  return before >= 0xd800 && before <= 0xdbff;
}

/** A longer text is not asked first whether it is clean: the search looks at it anyway. */
const QUICK_UNITS = 1_024;

/** So many short texts that were clean are remembered: names, states and units recur from call to call. */
const REMEMBERED_UNITS = 48;
const MOST_REMEMBERED = 4_096;

/** From this length on a text is put into one piece of memory before it is searched. */
const LONG = 2_048;
const WIDE = /[^\0-\xff]/;

/** After so many rounds a text counts as redacted. Replacing one secret can expose another, but rarely twice. */
const MAX_ROUNDS = 8;

/** Texts within texts that are opened. Each adds a layer of escaping, so real ones are few. */
const MAX_NESTING = 6;

/** Base64 and base64url (RFC 4648) of at least 12 bytes. */
const SHORTEST_BASE64 = 16;
const BASE64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16}[A-Za-z0-9+/_-]*={0,2}/g;

/** Characters of Base64 that are decoded first; a multiple of four. */
const HEAD_UNITS = 64;

/** A control character other than tab, line feed and carriage return: what holds one is not text. */
const BINARY = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Where a JSON object or array may begin within a text. A marker such as `[REDACTED]` does not match. */
const OPENING = /[{[]\s{0,8}["{[]/g;

/** What only the walk understands, and no detector: lists, pairs of name and value, texts within texts. */
const NEEDS_WALK = /[[\\]|"value"/;

/** Whether a text is certain to hold no secret. False means that it has to be searched. */
export function isClean(text: string, { policy, secrets }: Pass): boolean {
  if (!policy.quick || secrets.size > 0 || text.length > QUICK_UNITS) return false;
  if (text.length > REMEMBERED_UNITS) return policy.look(text) === 0;
  const { clean } = policy;
  if (clean.has(text)) return true;
  if (policy.look(text) !== 0) return false;
  if (clean.size >= MOST_REMEMBERED) clean.clear();
  clean.add(text);
  return true;
}

/** Runs a step of the search on a text; a step that has left just this text as it is would do so again, and is not run. */
type Run = (step: unknown, text: string, redact: (text: string) => string) => string;

/** A well-formed text with every secret in it replaced, or the same string if there is none. */
export function redactText(text: string, pass: Pass): string {
  const unchanged = new Map<unknown, string>();
  const run: Run = (step, before, redact) => {
    if (unchanged.get(step) === before) return before;
    const after = redact(before);
    if (after !== before) return contiguous(after);
    unchanged.set(step, before);
    return before;
  };
  let out = contiguous(text);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = out;
    out = redactOnce(before, pass, run);
    if (out === before) break;
  }
  return out;
}

/** The same text in one piece of memory. V8 reads the characters of slices and of joined strings several times as slowly. */
function contiguous(text: string): string {
  if (text.length < LONG) return text;
  const encoding = WIDE.test(text) ? 'utf16le' : 'latin1';
  return Buffer.from(text, encoding).toString(encoding);
}

function redactOnce(text: string, pass: Pass, run: Run): string {
  const { patterns, look } = pass.policy;
  const holds = look(text);
  let out = (holds & ~SURROGATE) === 0 ? text : search(text, holds, pass, run);
  if ((holds & INVISIBLE) !== 0) out = searchVisible(out, pass, run);
  out = pass.secrets.hideIn(out);
  for (const pattern of patterns)
    out = mapBetweenMarkers(out, (part) => pattern.replace(part, pass.detectorContext.hide));
  return out;
}

/** Searches the text as its reader sees it: invisible characters within a secret would keep it from being found. */
function searchVisible(text: string, pass: Pass, run: Run): string {
  const visible = withoutInvisible(text);
  const redacted = search(visible, pass.policy.look(visible), pass, run);
  return redacted === visible ? text : redacted;
}

/** Runs each detector whose bit is set. JSON is walked before them, Base64 decoded after them. */
function search(text: string, holds: number, pass: Pass, run: Run): string {
  const { detectors } = pass.policy;
  const embedded = detectors.findIndex(({ name }) => name === 'embedded');
  const opened = embedded !== -1 && (holds & (1 << embedded)) !== 0;
  let out = opened ? run(redactJson, text, (part) => redactJson(part, pass)) : text;
  detectors.forEach(({ redact }, bit) => {
    if (redact !== undefined && (holds & (1 << bit)) !== 0)
      out = run(redact, out, (part) => redact(part, pass.detectorContext));
  });
  return opened ? run(redactBase64, out, (part) => redactBase64(part, pass)) : out;
}

/**
 * Walks the JSON that a text is or contains (`HTTP 500: {"error":…}`) and replaces it if something in it was redacted or cut.
 * Each part of the text is looked at once.
 */
function redactJson(text: string, pass: Pass): string {
  if (pass.nesting >= MAX_NESTING) return text;
  if (mayBeJson(text)) {
    const parsed = parse(text);
    if (parsed !== undefined) return redactParsed(text, parsed.value, pass);
  }
  let out = '';
  let done = 0;
  OPENING.lastIndex = 0;
  for (let found = OPENING.exec(text); found !== null; found = OPENING.exec(text)) {
    const start = found.index;
    const end = closingBracket(text, start);
    const part = text.slice(start, end);
    const parsed = NEEDS_WALK.test(part) ? parse(part) : undefined;
    const redacted = parsed === undefined ? part : redactParsed(part, parsed.value, pass);
    if (redacted !== part) {
      out += text.slice(done, start) + redacted;
      done = end;
    }
    // Set last, because texts within the part are searched with the same expression.
    OPENING.lastIndex = end;
  }
  return done === 0 ? text : out + text.slice(done);
}

function mayBeJson(text: string): boolean {
  const first = /\S/.exec(text)?.[0];
  return first === '{' || first === '[' || first === '"';
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function redactParsed(text: string, parsed: unknown, pass: Pass): string {
  const { changes, units } = pass;
  pass.nesting++;
  const redacted = pass.walk(parsed, pass, undefined);
  pass.nesting--;
  pass.units = units;
  return pass.changes === changes ? text : JSON.stringify(redacted);
}

/** Searches the text that Base64 stands for, wherever it occurs: in a data URL, a header, a field of its own. */
function redactBase64(text: string, pass: Pass): string {
  if (pass.nesting >= MAX_NESTING) return text;
  return mapRuns(text, SHORTEST_BASE64, (part) => part.replace(BASE64, (run) => redactRun(run, pass)));
}

function redactRun(run: string, pass: Pass): string {
  const decoded = decodeText(run);
  if (decoded === undefined) return run;
  const { changes } = pass;
  pass.nesting++;
  const redacted = redactText(decoded, pass);
  pass.nesting--;
  return pass.changes === changes ? run : encode(redacted, run);
}

/** What Base64 decodes to, if that is text. Most binary data shows within the first bytes. */
function decodeText(run: string): string | undefined {
  const head = Buffer.from(run.slice(0, HEAD_UNITS), 'base64').toString('utf8');
  // The head may end within a character; a broken character anywhere else means that this is not text.
  if (BINARY.test(head) || /\ufffd./s.test(head)) return undefined;
  const bytes = Buffer.from(run, 'base64');
  if (!isUtf8(bytes)) return undefined;
  const decoded = bytes.toString('utf8');
  return BINARY.test(decoded) ? undefined : decoded;
}

/** Encodes a text in the alphabet of the Base64 that it replaces. */
function encode(text: string, like: string): string {
  const url = /[-_]/.test(like) || (!like.endsWith('=') && like.length % 4 !== 0);
  return Buffer.from(text, 'utf8').toString(url ? 'base64url' : 'base64');
}
