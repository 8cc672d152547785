import { isUtf8 } from 'node:buffer';
import { closingBracket } from '../detectors/assignments/values.js';
import { INVISIBLE, mapRuns, SURROGATE, withoutInvisible } from '../text/prefilter.js';
import { mapBetweenMarkers } from '../text/replacement.js';
import type { Pass } from './pass.js';

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
