import type { Hider } from './hider.js';
import { KeyVerdict } from './keys.js';
import { isMarker } from './replacer.js';

/** Longest name that is looked at. */
const MAX_NAME = 128;
/** Most backslashes, and most blanks, between a name and its sign or a sign and its value. */
const MAX_BETWEEN = 8;
/** What may stand between the sign and the value. */
const AFTER_SIGN = /(?:>|3D)?[ \t\r\n]{0,8}/y;

/** A command line's flag and its value in the next word. */
const FLAG = /(?<![^\s"'=,[(])(--?[A-Za-z][\w-]{0,127})[ \t]{1,8}(?=[^\s-])/g;

/** Header fields whose value goes to the end of the line, spaces and all (RFC 9110, RFC 6265). */
const WHOLE_LINE = /^(?:proxy-)?authorization$|cookie$/i;
/** The scheme before credentials, which a detector has hidden already. */
const SCHEME = /^[A-Za-z][\w-]{0,30} /;

const QUOTE = /\\{0,7}["'`]/y;
const LINE = /[^\r\n"'`]*/y;
const BARE = /(?:[^\s"'`&<>,;)}\]\\#]|#(?!\[|hmac-)|\[REDACTED\]|[,;)}\]\\](?![\s"'`&<>]|$))*/y;

/** Hides the values of secret names in running text: `password=…`, `"token": "…"`, `X-Api-Key: …`, `--secret …`. */
export function redactAssignments(text: string, hider: Hider): string {
  const named = hideAfterSigns(text, hider);
  return named.includes('-') ? hideAfterFlags(named, hider) : named;
}

/** Collects the parts of a text that stay and those that are hidden. */
class Rewriter {
  #out = '';
  #done = 0;

  constructor(
    private readonly text: string,
    private readonly hider: Hider,
  ) {}

  /** Hides the value that stands at `at`, of the given name; gives back where it ends. */
  hideValue(name: string, at: number): number {
    const wholeLine = WHOLE_LINE.test(name);
    const { start, end, next } = valueAt(this.text, at, wholeLine);
    const value = this.text.slice(start, end);
    if (value === '' || (wholeLine && isMarker(value.replace(SCHEME, '')))) return next;
    const mask = this.hider.judge(name) === KeyVerdict.mask;
    this.#out += this.text.slice(this.#done, start) + this.hider.hide(value, mask);
    this.#done = end;
    return next;
  }

  toString(): string {
    return this.#done === 0 ? this.text : this.#out + this.text.slice(this.#done);
  }
}

/** Every `=` and `:` is looked back from: what stands before it is short, while what stands between two can be anything. */
function hideAfterSigns(text: string, hider: Hider): string {
  const rewriter = new Rewriter(text, hider);
  let from = 0;
  let colon = text.indexOf(':');
  let equals = text.indexOf('=');
  let encoded = text.indexOf('%3D');
  while (colon !== -1 || equals !== -1 || encoded !== -1) {
    const sign = Math.min(colon >>> 0, equals >>> 0, encoded >>> 0);
    const name = nameBefore(text, from, sign);
    let next = sign + 1;
    if (name !== undefined && hider.judge(name) !== KeyVerdict.keep) {
      AFTER_SIGN.lastIndex = next;
      AFTER_SIGN.test(text);
      next = Math.max(next, rewriter.hideValue(name, AFTER_SIGN.lastIndex));
      from = next;
    }
    colon = reach(text, ':', colon, next);
    equals = reach(text, '=', equals, next);
    encoded = reach(text, '%3D', encoded, next);
  }
  return rewriter.toString();
}

/** Where a sign stands from `next` on, given where it stood last; -1 once there is none. */
function reach(text: string, sign: string, last: number, next: number): number {
  return last === -1 || last >= next ? last : text.indexOf(sign, next);
}

/** Read backwards from the sign, by character: blanks, a bracket or a quote (escaped or not), the name. */
function nameBefore(text: string, from: number, sign: number): string | undefined {
  let end = sign;
  while (end > from && sign - end < MAX_BETWEEN && isBlank(text.charCodeAt(end - 1))) end--;
  const quoted = isQuote(text.charCodeAt(end - 1));
  if (quoted) end--;
  for (let most = MAX_BETWEEN; quoted && most > 0 && text[end - 1] === '\\'; most--) end--;
  if (text[end - 1] === ']') end--;
  else if (text.startsWith('%5D', end - 3)) end -= 3;
  let start = end;
  while (start > from && end - start < MAX_NAME && isNamePart(text.charCodeAt(start - 1))) start--;
  if (text[start - 1] === '%') start = Math.min(start + 2, end);
  return start === end ? undefined : text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isQuote(code: number): boolean {
  return code === 0x22 || code === 0x27;
}

/** ASCII letters and digits, `$`, `-`, `.`, `_`, and whatever is not ASCII. */
function isNamePart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x2d && code <= 0x39 && code !== 0x2f) ||
    code === 0x5f ||
    code === 0x24 ||
    code > 0x7f
  );
}

function hideAfterFlags(text: string, hider: Hider): string {
  const rewriter = new Rewriter(text, hider);
  FLAG.lastIndex = 0;
  for (let found = FLAG.exec(text); found !== null; found = FLAG.exec(text)) {
    const name = found[1] ?? '';
    if (hider.judge(name) === KeyVerdict.keep) continue;
    FLAG.lastIndex = rewriter.hideValue(name, FLAG.lastIndex);
  }
  return rewriter.toString();
}

interface ValuePlace {
  readonly start: number;
  readonly end: number;
  /** Where to look for the next name. */
  readonly next: number;
}

function valueAt(text: string, at: number, wholeLine: boolean): ValuePlace {
  const quote = matchAt(QUOTE, text, at);
  if (quote !== '') {
    const start = at + quote.length;
    const end = closingQuote(text, start, quote);
    return { start, end, next: Math.min(end + quote.length, text.length) };
  }
  const open = text[at];
  const bracketed = open === '{' || open === '[' ? closingBracket(text, at) : at;
  const end = bracketed + matchAt(wholeLine ? LINE : BARE, text, bracketed).length;
  return { start: at, end, next: end };
}

function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? '';
}

/** The same quote again with as many backslashes before it; the end of the text where there is none. */
function closingQuote(text: string, from: number, quote: string): number {
  const mark = quote.at(-1) ?? '"';
  const slashes = quote.length - 1;
  for (let at = text.indexOf(mark, from); at !== -1; at = text.indexOf(mark, at + 1)) {
    let before = 0;
    while (at - before > from && text[at - before - 1] === '\\') before++;
    if (before <= slashes || (slashes === 0 && before % 2 === 0)) return at - Math.min(before, slashes);
  }
  return text.length;
}

/** Past the bracket that closes the one at `from`; the end of the text where none does. Strings are stepped over. */
export function closingBracket(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = closingQuote(text, at + 1, '"');
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}
