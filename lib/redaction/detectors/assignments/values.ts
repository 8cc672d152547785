import { closingBracket, closingQuote } from './brackets.js';

/** A value in a text: where it stands, where the search goes on, and how it is written. */
export interface Value {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly written: 'quoted' | 'bare' | 'bracketed' | 'block';
}

/** What may stand between an operator and the quote: prefixes of strings, tags of YAML. */
const PREFIX = /(?:!![\w-]{1,16} |![\w-]{1,32} |&\w{1,32} )?(?:[bBrRuUfFlLcC]{1,2}|[@$]{1,2})?(?=["'`])/y;
/** A call around a literal: `SecretStr("…")`, `new Secret('…')`, `[]byte("…")`, `md5('…')`. */
const CALL =
  /(?:await |new )?(?:\[\])?[\w.$:]{0,64}(?:<\w{1,32}>)?[(!]{1,2}\s{0,8}(?:[bBrRuUfF]{1,2})?(?=["'`])/y;
/** Calls that hold or change a literal; all others fetch a secret from somewhere. */
const HOLDER =
  /(?:^|new |[.:])(?:new |[\w.:]*(?:Secret|Password|Token(?!iz)|Key|Credential|Sensitive|Protected|Secure)\w*|String|str|string|bytes?|Buffer|from|of|b64\w*|base64\w*|\w*(?:decode|encode)\w*|md5|sha\d*|hash\w*|bcrypt|crypt|encrypt|password|some|ok|just|unquote|trim|strip|SecretStr|byte|Array)?(?:<\w{1,32}>)?[(!]+\s*(?:[bBrRuUfF]{1,2})?$/i;
const QUOTE = /\\{0,8}(?:"""|'''|["'`])|%22|%27|&quot;|&#34;|&#39;|&apos;|[“”„«‘’「『]/y;
const CLOSING: Readonly<Record<string, string>> = {
  '“': '”',
  '”': '”',
  '„': '“',
  '«': '»',
  '‘': '’',
  '’': '’',
  '「': '」',
  '『': '』',
};
const JOINED = /[ \t]*[+.]?[ \t]*\r?\n?[ \t]*[+.][ \t]*(?=["'`])/y;
const BLOCK = /[|>][+-]?\d?[+-]?[ \t]*(?:#[^\r\n]{0,200})?\r?\n/y;
const NEXT_LINE = /[ \t]*\r?\n[ \t]{0,64}/y;
/** A bare word up to what ends one: blanks, quotes, separators; a bracket or a full stop at its end belongs to the text. */
const BARE =
  /(?:[^\s"'`&<>,;)}\[\]\\#|]|#(?!\[|hmac-)|\[(?:REDACTED|DROPPED|REDACTION FAILED)\]|\[|[,;)}\]\\|](?![\s"'`&<>]|$))*/y;
/** Strings that are joined, at most. */
const PIECES = 8;

function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? '';
}

/** The value that begins at `at`; undefined where a call fetches it. */
export function readValue(text: string, at: number, block?: number): Value | undefined {
  if (block !== undefined) {
    const indented = matchAt(BLOCK, text, at);
    if (indented !== '') return readBlock(text, at + indented.length, block);
  }
  const call = matchAt(CALL, text, at);
  if (call !== '' && !HOLDER.test(call)) return undefined;
  const from = at + (call === '' ? matchAt(PREFIX, text, at) : call).length;
  const quote = matchAt(QUOTE, text, from);
  if (quote !== '') return readQuoted(text, from, quote);
  const open = text[at];
  if (open === '{' || (open === '[' && !/^\[[A-Z_ ]{4,20}\]/.test(text.slice(at, at + 24)))) {
    const end = closingBracket(text, at);
    const rest = end + matchAt(BARE, text, end).length;
    return { start: at, end: rest, next: rest, written: rest === end ? 'bracketed' : 'bare' };
  }
  const end = at + matchAt(BARE, text, at).length;
  return { start: at, end, next: end, written: 'bare' };
}

/** A string; parts that are joined to it belong to it. */
function readQuoted(text: string, at: number, quote: string): Value {
  const start = at + quote.length;
  let end = endOfString(text, start, quote);
  let next = Math.min(end + quote.length, text.length);
  for (let pieces = 0; pieces < PIECES; pieces++) {
    const joint = matchAt(JOINED, text, next);
    if (joint === '') break;
    const more = matchAt(QUOTE, text, next + joint.length);
    end = endOfString(text, next + joint.length + more.length, more);
    next = Math.min(end + more.length, text.length);
  }
  return { start, end, next, written: 'quoted' };
}

function endOfString(text: string, start: number, quote: string): number {
  const closing = CLOSING[quote] ?? quote;
  if (/^\\*["'`]$/.test(quote)) return closingQuote(text, start, quote);
  const end = text.indexOf(closing, start);
  return end === -1 ? text.length : end;
}

/** The lines below that are indented further than the name: a block of YAML. */
function readBlock(text: string, at: number, indent: number): Value | undefined {
  let end = at;
  let start = -1;
  for (let line = at; line < text.length;) {
    const stop = text.indexOf('\n', line);
    const lineEnd = stop === -1 ? text.length : stop;
    const blank = matchAt(/[ \t]*/y, text, line).length;
    if (line + blank < lineEnd && text[line + blank] !== '\r') {
      if (blank <= indent) break;
      if (start === -1) start = line + blank;
      end = lineEnd;
    }
    line = lineEnd + 1;
  }
  return start === -1 ? undefined : { start, end, next: end, written: 'block' };
}

/** Where the next line's first word stands, if the rest of this one is empty. */
export function onNextLine(text: string, at: number): number | undefined {
  const gap = matchAt(NEXT_LINE, text, at);
  return gap === '' ? undefined : at + gap.length;
}
