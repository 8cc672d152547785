import { isUtf8 } from 'node:buffer';
import { closingBracket } from '../detectors/assignments/values.js';
import { INVISIBLE, SURROGATE, withoutInvisible } from '../text/prefilter.js';
import { mapBetweenMarkers } from '../text/replacement.js';
import { hideEchoes } from './knownSecrets.js';
import type { Pass } from './pass.js';

/** Of longer texts it is not asked first whether they are clean: they are looked at when they are searched. */
const QUICK_UNITS = 1_024;

/** Short texts that were clean are remembered, so many of them: names, states and units come again from call to call. */
const REMEMBERED_UNITS = 48;
const MOST_REMEMBERED = 4_096;

/** Whether a text can be kept as it is, told at little cost; false says nothing. */
export function isClean(text: string, { policy, echoes }: Pass): boolean {
  if (!policy.quick || echoes.length > 0 || text.length > QUICK_UNITS) return false;
  if (text.length > REMEMBERED_UNITS) return policy.look(text) === 0;
  const { clean } = policy;
  if (clean.has(text)) return true;
  if (policy.look(text) !== 0) return false;
  if (clean.size >= MOST_REMEMBERED) clean.clear();
  clean.add(text);
  return true;
}

/** Rounds after which a text counts as redacted; what hides one secret can show another, rarely twice. */
const MAX_ROUNDS = 8;

/** A well-formed text with every secret in it replaced; the same string where there is none. */
export function redactText(text: string, pass: Pass): string {
  let out = text;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const before = out;
    out = redactOnce(before, pass);
    if (out === before) break;
  }
  return out;
}

function redactOnce(text: string, pass: Pass): string {
  const { patterns, look } = pass.policy;
  const holds = look(text);
  let out = (holds & ~SURROGATE) === 0 ? text : searched(text, holds, pass);
  if ((holds & INVISIBLE) !== 0) out = searchVisible(out, pass);
  out = hideEchoes(out, pass);
  for (const pattern of patterns)
    out = mapBetweenMarkers(out, (part) => pattern.replace(part, pass.hider.hide));
  return out;
}

/** What a text shows to its reader, searched as well: a secret that invisible characters part would not be known. */
function searchVisible(text: string, pass: Pass): string {
  const visible = withoutInvisible(text);
  const redacted = searched(visible, pass.policy.look(visible), pass);
  return redacted === visible ? text : redacted;
}

/** The text after each detector that it holds something for. */
function searched(text: string, holds: number, pass: Pass): string {
  const { detectors } = pass.policy;
  const embedded = detectors.findIndex(({ name }) => name === 'embedded');
  const opened = embedded !== -1 && (holds & (1 << embedded)) !== 0;
  let out = opened ? redactJson(text, pass) : text;
  detectors.forEach(({ redact }, bit) => {
    if (redact !== undefined && (holds & (1 << bit)) !== 0) out = redact(out, pass.hider);
  });
  return opened ? redactBase64(out, pass, redactText) : out;
}

/** Texts within texts that are opened: each adds a layer of escaping, so real ones are few. */
const MAX_NESTING = 6;

/** Base64 and base64url (RFC 4648) of at least 12 bytes. */
const BASE64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16}[A-Za-z0-9+/_-]*={0,2}/g;

/** Looked at first: a multiple of four. */
const HEAD_UNITS = 64;

/** A text with control characters other than tab, line feed and carriage return is no text. */
const BINARY = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** Where an object or an array may begin within a text; what redaction leaves there (`[REDACTED]`) is neither. */
const OPENING = /[{[]\s{0,8}["{[]/g;

/** What the detectors of running text do not know: lists, pairs of name and value, texts within texts. */
const NEEDS_WALK = /[[\\]|"value"/;

/**
 * A text that is JSON, as a whole or in parts (`HTTP 500: {"error":…}`): what stands in it is walked like any value, and
 * written anew if something was redacted or cut. Each part is looked at once.
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
    // What is walked may hold texts that are looked through by the same expression.
    const redacted = parsed === undefined ? part : redactParsed(part, parsed.value, pass);
    if (redacted !== part) {
      out += text.slice(done, start) + redacted;
      done = end;
    }
    OPENING.lastIndex = end;
  }
  return done === 0 ? text : out + text.slice(done);
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function redactParsed(text: string, parsed: unknown, pass: Pass): string {
  const before = pass.changes;
  const { units } = pass;
  pass.nesting++;
  const redacted = pass.walk(parsed, pass, undefined);
  pass.nesting--;
  pass.units = units;
  return pass.changes === before ? text : JSON.stringify(redacted);
}

function mayBeJson(text: string): boolean {
  const first = /\S/.exec(text)?.[0];
  return first === '{' || first === '[' || first === '"';
}

/** Base64 of readable text, wherever it stands: in a data URL, a header, a field of its own. */
function redactBase64(text: string, pass: Pass, redact: (text: string, pass: Pass) => string): string {
  if (pass.nesting >= MAX_NESTING) return text;
  return text.replace(BASE64, (run) => {
    const decoded = decodeText(run);
    if (decoded === undefined) return run;
    const before = pass.changes;
    pass.nesting++;
    const redacted = redact(decoded, pass);
    pass.nesting--;
    return pass.changes === before ? run : encode(redacted, run);
  });
}

/** The text that Base64 stands for, if it is text: nearly all that is not shows within a few bytes. */
function decodeText(run: string): string | undefined {
  const head = Buffer.from(run.slice(0, HEAD_UNITS), 'base64').toString('utf8');
  // The head may end within a character, nowhere else may one be broken.
  if (BINARY.test(head) || /\ufffd./s.test(head)) return undefined;
  const bytes = Buffer.from(run, 'base64');
  if (!isUtf8(bytes)) return undefined;
  const decoded = bytes.toString('utf8');
  return BINARY.test(decoded) ? undefined : decoded;
}

/** In the same alphabet as what it replaces. */
function encode(text: string, like: string): string {
  const url = /[-_]/.test(like) || (!like.endsWith('=') && like.length % 4 !== 0);
  return Buffer.from(text, 'utf8').toString(url ? 'base64url' : 'base64');
}
