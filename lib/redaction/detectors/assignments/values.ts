/** What may close a name: its quote, escaped or not, the bracket of an index, the end of bold or of code. */
const CLOSE =
  /(?:\\{0,8}["'`]|%22|%27|&quot;|&#34;|&#39;|[”’»」』])?(?:\]|%5[Dd]|\[\d{0,6}\])?(?:\*\*|__|<\/(?:b|strong|code|em|i|label|span)>)?[?!]?/y;
const BLANKS = /[ \t\u00a0\u3000]{0,64}/y;
const OPERATOR =
  /===?|!==?|<>|::=|:=|=>|->|\+=|\?\?=|\|\|=|&&=|\?=|\.=|<-|=~|::(?=\S)|=|:(?!:)|[：＝﹕∶]|%3[DdAa]|&#(?:61|58);/y;
const AFTER = /(?:>|3D)?(?:\*\*|__|<\/(?:b|strong|code|em|i|label|span)>)?[ \t\u00a0\u3000]{0,64}/y;
/** The type between a name and its value: `: string = `, `: &str = `, `: Optional[str] = `. */
const TYPE =
  /&?(?:'\w{1,16} )?(?:mut )?[A-Za-z_][\w.:]{0,64}(?:<[^<>\n=]{0,64}>|\[[^\]\n]{0,64}\])?\??(?:\s?\|\s?[\w."']{1,32}){0,4}[ \t]{0,8}=(?![=>])[ \t]{0,8}/y;
/** `password string = "x"` (Go), `@password varchar(20) = 'x'` (SQL). */
const TYPE_AFTER_BLANK =
  /[ \t]{1,8}[*[\]]{0,3}[A-Za-z_][\w.]{0,32}(?:\(\d{1,5}\))?[ \t]{0,8}:?=(?!=)[ \t]{0,8}(?=[bru@]?["'`])/y;

const COMPARISONS = new Set(['==', '===', '!=', '!==', '<>', '=~']);

/** The operator behind a name. */
export interface Operator {
  /** Where the value begins. */
  readonly at: number;
  readonly sign: string;
  /** Whether it compares, so that a bare word on its other side is a name too. */
  readonly compares: boolean;
}

function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? '';
}

/** The place behind what closes a name that ends at `at`. */
export function pastName(text: string, at: number): number {
  return at + matchAt(CLOSE, text, at).length;
}

/** The operator behind a name that is closed at `closed`; undefined where there is none. */
export function operatorAt(text: string, closed: number): Operator | undefined {
  const typed = matchAt(TYPE_AFTER_BLANK, text, closed);
  if (typed !== '') return { at: closed + typed.length, sign: '=', compares: false };
  const from = closed + matchAt(BLANKS, text, closed).length;
  const sign = matchAt(OPERATOR, text, from);
  if (sign === '' || (sign === ':' && text.startsWith('//', from + 1))) return undefined;
  let at = from + sign.length;
  at += matchAt(AFTER, text, at).length;
  if (sign === ':') at += matchAt(TYPE, text, at).length;
  return { at, sign, compares: COMPARISONS.has(sign) };
}

/** A value in a text: where it begins and ends, where the search continues, and how it is written. */
export interface Value {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly written: 'quoted' | 'bare' | 'bracketed' | 'block';
}

/** What may precede the quote: a prefix of the string, a tag of YAML. */
const PREFIX = /(?:!![\w-]{1,16} |![\w-]{1,32} |&\w{1,32} )?(?:[bBrRuUfFlLcC]{1,2}|[@$]{1,2})?(?=["'`])/y;
/** A call around a literal: `SecretStr("…")`, `new Secret('…')`, `[]byte("…")`, `md5('…')`. */
const CALL =
  /(?:await |new )?(?:\[\])?[\w.$:]{0,64}(?:<\w{1,32}>)?[(!]{1,2}\s{0,8}(?:[bBrRuUfF]{1,2})?(?=["'`])/y;
/** Calls that wrap or convert a literal. Any other call fetches the secret from somewhere. */
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
/** A bare word. Blanks and quotes end it, separators and brackets only if one of these follows. */
const BARE =
  /(?:[^\s"'`&<>,;)}\[\]\\#|]|#(?!\[|hmac-)|\[(?:REDACTED|DROPPED|REDACTION FAILED)\]|\[|[,;)}\]\\|](?![\s"'`&<>]|$))*/y;
/** The most strings that are joined to one value. */
const PIECES = 8;

/** The value that begins at `at`, or undefined if a call fetches it. */
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

/** A string, with those that are concatenated to it. */
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

/** A block of YAML: the lines below that are indented further than the name. */
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

/** Where the next line's first word begins, if the rest of this line is empty. */
export function onNextLine(text: string, at: number): number | undefined {
  const gap = matchAt(NEXT_LINE, text, at);
  return gap === '' ? undefined : at + gap.length;
}

/** The place of the same quote with as many backslashes before it, or the end of the text. */
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

/** The place behind the bracket that closes the one at `from`, or the end of the text. Brackets within strings do not count. */
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
