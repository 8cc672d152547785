import { createHash, type Hash } from 'node:crypto';
import { wellFormed } from '../../internal/text.js';
import type { Truncation } from '../../schema/record.js';
import { isUri, redactUri } from '../detectors/credentials/uris.js';
import type { KeyFacts } from '../keys/keyNames.js';
import { untear } from '../text/replacement.js';
import type { Pass } from './pass.js';
import { isClean, redactText } from './text.js';

/** Bytes kept of a text that identifies: a name, an id, an address. */
export const LABEL_BYTES = 1_024;
/** Longest stretch of text that is searched at once; within it no secret can be missed for crossing a border. */
const CHUNK_UNITS = 256 * 1024;
/** How far back from the end of a chunk a blank is looked for to part it at. */
const BREAK_UNITS = 4_096;

/**
 * A text with its secrets replaced, cut to `stringBytes`. What was cut is noted with the byte length and the SHA-256 of the
 * whole redacted text, never of the raw one.
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

/** A URI, or a text where one may stand, with userinfo, query and fragment hidden; capped like a label. */
export function keepUri(text: string, key: string | undefined, pass: Pass): string {
  const whole = wellFormed(text);
  if (isUri(whole)) return keepString(redactUri(whole, pass.detectorContext), key, pass, LABEL_BYTES);
  const kept = keepString(whole, key, pass, LABEL_BYTES);
  // A secret with blanks in it kept the text from being a URI; without it, it may be one.
  return kept !== whole && isUri(kept)
    ? capText(redactUri(kept, pass.detectorContext), key, pass, LABEL_BYTES)
    : kept;
}

/** A text that the user has chosen, well-formed and capped, but not searched. */
export function capLabel(text: string, key: string | undefined, pass: Pass): string {
  return capText(wellFormed(text), key, pass, LABEL_BYTES);
}

/** A redacted text, cut to so many bytes if it has more. */
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

/** A long text, redacted chunk by chunk: the first is kept (in part), all are hashed, as far as the scan budget goes. */
function keepChunked(text: string, key: string | undefined, pass: Pass, most: number): string {
  const hash = createHash('sha256');
  let kept: string | undefined;
  let bytes = 0;
  let at = 0;
  // A stretch that the budget cuts short could end in half a secret: better to keep nothing.
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

/** After a blank where one is near, so that no secret is torn; never within a surrogate pair. */
function chunkEnd(text: string, from: number, most: number): number {
  const end = from + most;
  if (end >= text.length) return text.length;
  const blank = /\s\S*$/.exec(text.slice(Math.max(from, end - BREAK_UNITS), end));
  if (blank !== null) return end - blank[0].length + 1;
  return splitsPair(text, end) ? end + 1 : end;
}

/** The beginning of a text and a note of how much is gone, together within `most` bytes; a marker is not torn. */
export function cutText(text: string, bytes: number, most: number): string {
  const note = `…[${bytes} bytes]`;
  const room = Math.max(0, most - Buffer.byteLength(note));
  return untear(text.slice(0, unitsWithin(text, room))) + note;
}

/** How many code units of a text fit into so many UTF-8 bytes. */
function unitsWithin(text: string, bytes: number): number {
  const prefix = Buffer.from(text.slice(0, bytes), 'utf8');
  if (prefix.length <= bytes) return Math.min(text.length, splitsPair(text, bytes) ? bytes - 1 : bytes);
  let end = bytes;
  while (end > 0 && ((prefix[end] ?? 0) & 0xc0) === 0x80) end--;
  return prefix.toString('utf8', 0, end).length;
}

/** Code units kept of a key, and of the path to a cut. */
const NAME_UNITS = 256;
/** Cuts that get an entry of their own in `truncated`; further ones are marked in place only. */
const MAX_CUTS = 16;

/** A key as it can stand in a record: redacted, well-formed and cut. What is found to be plain is remembered so. */
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

/** Notes that something was cut at the place where the walk stands, or at a key below it. */
export function noteCut(key: string | undefined, sizes: Omit<Truncation, 'path'>, pass: Pass): void {
  pass.changes++;
  if (pass.cuts.length >= MAX_CUTS) return;
  const steps = key === undefined ? pass.path : [...pass.path, key];
  const path = steps.map((step) => cleanName(step, pass)).join('.');
  pass.cuts.push({ path: wellFormed(path.slice(0, NAME_UNITS)), ...sizes });
}

/** Whether the code unit at `index` is the second half of a pair: no cut may fall before it. */
export function splitsPair(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  if (!(code >= 0xdc00 && code <= 0xdfff)) return false;
  const before = text.charCodeAt(index - 1);
  return before >= 0xd800 && before <= 0xdbff;
}
