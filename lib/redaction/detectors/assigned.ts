import { splitWords } from '../keys/keyNames.js';
import { looksRandom } from '../text/random.js';

/** Values in lower case that mean that there is no secret, name its type, or ask for it. */
const WORDS = new Set(
  (
    'any array bool boolean buffer byte bytes char cryptokey date default empty enum false float function hidden include ' +
    'int integer interface keyobject keylike list long map masked never nil no none null number object off omit on ' +
    'optional promise read readonly record redacted required same-origin securestring secret secretstr short str string ' +
    'symbol text true type uint8array uuid undefined unknown unset varchar void write yes n/a tbd todo nullptr self this ' +
    // The mechanisms of SASL, which follow `AUTH=` (IANA's registry).
    'anonymous cram-md5 digest-md5 external gssapi ntlm oauthbearer plain scram-sha-1 scram-sha-256 xoauth2'
  ).split(' '),
);
/** A character class of a regular expression, a colour, and what a manual writes instead of a secret. */
const NOT_ONE =
  /\[\^?(?:A-Z|a-z|0-9|\\[wd])|^\^.*\$$|^#(?:[\da-f]{3}|[\da-f]{6}|[\da-f]{8})$|^(?:your|enter|insert|replace|example|placeholder|dummy|fake|mock)(?:[-_ ][a-z]+){1,5}$/i;
const PLACEHOLDER =
  /^(?:[*•●.…xX_-]{3,}|[~^<>=v]{0,2}\d{1,4}\.\d{1,4}\.\d{1,4}[\w.+-]{0,40}|(?:\$\{[^}]*\}|[\s.:/_-])+|<[^<>]*>|\[[A-Za-z][\w. -]{2,40}\]|\$\{[^}]*\}|\$\(.*|\$[A-Za-z_]\w*|\$env:\w+|\$\{\{.*\}\}|%[A-Za-z_]\w*%|\{\{.*\}\}|\{%.*%\}|<%.*%>|#\{[^}]*\}|@\{[^}]*\}|\(\([\w.-]+\)\)|!(?:Ref|Sub|GetAtt|ImportValue|vault)\b.*|ENC\[.*\])$/s;
/** The address of a secret in a store, by its scheme. */
const KEPT_ELSEWHERE =
  /^(?:op|vault|ssm|secretsmanager|gcp-?secretmanager|awssm|doppler|keychain|keyvault|env|secretref|projects\/[\w-]+\/secrets|arn:aws:(?:secretsmanager|ssm)|@Microsoft\.KeyVault)[:(/]/i;
/** Names of the objects in which programs keep settings and arguments. */
const ROOTS =
  /^(?:process|import\.meta|os|env|ENV|System|self|this|config|cfg|conf|settings|options|opts|args|argv|params|props|state|data|var|vars|local|module|secrets|inputs|github|context|ctx|app|req|request|res|response|body|user|event|session|credentials?|creds|auth|t|z|yup|Joi|types?|schema|\$_(?:POST|GET|ENV|SERVER|REQUEST|SESSION))$/;
const CHAIN = /^[&*]?\$?[A-Za-z_]\w*(?:(?:\.|\?\.|->|::)\$?[A-Za-z_]\w*)*/;
/** What occurs only in a program: a keyword, a call, an arrow. */
const CODE =
  /^(?:void|await|new|yield|typeof|keyof|readonly|function|async|lambda|class|not|return|if|else|case|import|throw|delete)\b|^\(|=>|^&'?\w/;

/** Two operands with an operator between them, or a union of types. */
const OPERATION =
  /^[\w$.!([\]'"<>]{1,128}\s(?:[-+*/%|&?<>]|\|\||&&|\?\?|[!=]==?|instanceof|in|as|extends|satisfies|and|or)\s/;
/** The scheme before a reference: `Bearer ${token}`. */
const SCHEME = /^(?:Bearer|Basic|Token|Bot)\s+/i;

/** What surrounds a value, as far as it tells what the value is. */
interface Place {
  readonly quoted: boolean;
  /** The name that the value has. */
  readonly name: string;
  /** Whether the text is a program, not settings or prose. */
  readonly code: boolean;
  /** The text after the value. */
  readonly after: string;
}

/**
 * Whether the value of a secret name is not the secret itself: empty, a placeholder, a type, a boolean, the name repeated as a
 * label, or a reference to where the secret is.
 */
export function isReference(value: string, place: Place): boolean {
  const text = value.trim().replace(SCHEME, '');
  if (text === '' || WORDS.has(text.toLowerCase())) return true;
  if (PLACEHOLDER.test(text) || KEPT_ELSEWHERE.test(text) || NOT_ONE.test(text)) return true;
  if (isLabel(text, place.name)) return true;
  return !place.quoted && isExpression(text, place);
}

/** Whether the value only repeats the name: `jwt: "JWT"`, `password: "Your Password"`. */
function isLabel(text: string, name: string): boolean {
  if (text.length > 64 || /\d/.test(text)) return false;
  const said = splitWords(text).join('');
  return said === splitWords(name).join('') || said === splitWords(name.replace(/^.*\./, '')).join('');
}

function isExpression(text: string, { code, after, name }: Place): boolean {
  // The value of a command-line option is a word, even one that would be an expression in a program.
  if (name.startsWith('-')) return false;
  if (CODE.test(text) || OPERATION.test(text)) return true;
  if (/^&?\w[\w.]*(?:<.*>?|\[\]|\?)$/.test(text) && !/\d/.test(text)) return true;
  const bare = text.replace(/^[!~+-]{1,3}/, '');
  const chain = CHAIN.exec(bare)?.[0] ?? '';
  if (chain === '') return code && /^-?\d{1,3}[;,)]*$/.test(text);
  const rest = bare.slice(chain.length);
  if (WORDS.has(chain.toLowerCase()) && /^[^\w@#$%^&*+=~-]/.test(rest)) return true;
  const called = /^(?:\(|\[|\?\.\[|!?\.)/.test(rest) || (rest === '' && /^[ \t]?[([]/.test(after));
  const steps = chain.split(/\.|\?\.|->|::/);
  const random = looksRandom(chain);
  if (called) return !random;
  if (rest !== '' && !/^[;:,)}\]!?|]+$/.test(rest)) return false;
  if (steps.length > 1 && steps.at(-1) === name) return true;
  const closed = rest !== '' || /^[;,)]/.test(after);
  if (steps.length > 1 && (ROOTS.test(steps[0] ?? '') || code || closed)) return !random;
  if (closed && /^(?:[a-z]+(?:[A-Z][a-z]+){2,}|[A-Z]+[a-z]*(?:[A-Z]+[a-z]+)+)$/.test(chain)) return true;
  const operand = rest.includes(')') || /^\s(?:[-+*/?]|[=!]==?|&&|\|\|)\s/.test(after);
  if (operand && /^[A-Za-z_$]+$/.test(chain)) return true;
  // A type with its parameters: `Get<T>`.
  if (rest === '' && after.startsWith('<') && /^[A-Z][A-Za-z]*$/.test(chain)) return true;
  if (/^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(chain)) return true;
  return code && !random && splitWords(name).length > 0;
}

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
