import { createHash, type Hash } from 'node:crypto';
import { wellFormed } from '../../internal/text.js';
import type { Truncation } from '../../schema/record.js';
import { isUri, redactUri } from '../detectors/credentials/uris.js';
import type { KeyFacts } from '../keys/keyNames.js';
import { untear } from '../text/replacement.js';
import type { Pass } from './pass.js';
import { isClean, redactText } from './text.js';

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
