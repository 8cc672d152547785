import type { Hider } from './hider.js';
import { KeyVerdict } from './keys.js';

/** A name and the sign that gives it a value; names in quotes, escaped or not, as in JSON inside JSON. */
const NAMED =
  /(?<![\w.$\u0080-\uffff-])([A-Za-z_$\u0080-\uffff-][\w.$\u0080-\uffff-]{0,127})(?:\]|%5D)?(\\{0,7}["'])?[ \t]{0,8}(?:=>|[=:]|%3D)[ \t\r\n]{0,8}/g;

/** A command line's flag and its value in the next word. */
const FLAG = /(?<![^\s"'=,[(])(--?[A-Za-z][\w-]{0,127})([ \t]{1,8})(?=[^\s-])/g;

/** Header fields whose value goes to the end of the line, spaces and all (RFC 9110, RFC 6265). */
const WHOLE_LINE = /^(?:proxy-)?authorization$|cookie$/i;

const QUOTE = /\\{0,7}["'`]/y;
const LINE = /[^\r\n"'`]*/y;
const BARE = /(?:[^\s"'`&<>,;)}\]\\]|[,;)}\]\\](?![\s"'`&<>]|$))*/y;

/** Hides the values of secret names in running text: `password=…`, `"token": "…"`, `X-Api-Key: …`, `--secret …`. */
export function redactAssignments(text: string, hider: Hider): string {
  const named = hideAfter(text, NAMED, hider);
  return named.includes('-') ? hideAfter(named, FLAG, hider) : named;
}

function hideAfter(text: string, names: RegExp, { judge, hide }: Hider): string {
  let out = '';
  let done = 0;
  names.lastIndex = 0;
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const name = found[1] ?? '';
    const verdict = judge(name);
    if (verdict === KeyVerdict.keep) continue;
    const { start, end, next } = valueAt(text, names.lastIndex, WHOLE_LINE.test(name));
    if (end === start) continue;
    out += text.slice(done, start) + hide(text.slice(start, end), verdict === KeyVerdict.mask);
    done = end;
    names.lastIndex = next;
  }
  return done === 0 ? text : out + text.slice(done);
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
  if (open === '{' || open === '[') {
    const end = closingBracket(text, at);
    return { start: at, end, next: end };
  }
  const end = at + matchAt(wholeLine ? LINE : BARE, text, at).length;
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
function closingBracket(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') at = closingQuote(text, at + 1, '"');
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}
