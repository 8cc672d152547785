import { Rewriter, type DetectorContext } from './detector.js';
import { findKeys } from './providerKeys.js';
import { KeyVerdict } from '../keys/keyNames.js';
import { looksRandom } from '../text/random.js';

// Every expression runs in linear time: a match begins only at the boundary that its look-behind asks for, and repeats are over
// character classes that exclude what follows them. `spec/redaction/detectors/linear.spec.ts` feeds each its worst texts.

const PEM_BEGIN = /-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}/;
const PEM_END = /-{4,5} ?END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)? ?-{4,5}/;
/** The lines of a PuTTY key file that hold the private part. */
const PUTTY = /(?<=Private-Lines: \d{1,3}\r?\n)(?:[A-Za-z0-9+/=]{1,76}\r?\n?){1,200}/g;

/** What a text with credentials contains, in either case. */
export const SCHEMES: readonly string[] = [
  'bearer',
  'basic',
  'digest',
  'negotiate',
  'ntlm',
  'apikey',
  'aws4-hmac-sha256',
  'auth plain',
  'auth login',
];
const CREDENTIALS =
  /(?<![A-Za-z0-9])(Bearer|Basic|Digest|Negotiate|NTLM|ApiKey|AWS4-HMAC-SHA256|AUTH PLAIN|AUTH LOGIN)([ \t]+)(?![=:!?+|-]{1,3}[\s>=]|[({$&`*)])(?=([^\s"'<>,;\\]{1,16384}))\3/gi;
/** A word that follows `Bearer` in plain English is no token: `Bearer authentication required`. */
const PLAIN_WORD =
  /^(?:[A-Za-z]{1,19}(?:-[A-Za-z]{1,19}){0,3}(?:[.:!?)]|\*\*|__|\]\[.*|\]\(.*)?|\[[A-Z][a-z]*)$/;

/** The fewest characters of a JSON Web Token that is worth hiding. */
const SHORTEST_JWT = 16;
const BASE64URL = /[\w-]*/y;

/** Hides private keys. One whose end line is missing, because the text was cut, is hidden to the end of the text. */
export function redactPrivateKeys(text: string, { hide }: DetectorContext): string {
  const rest = text.includes('Private-Lines:') ? text.replace(PUTTY, (key) => hide(key)) : text;
  return rest.includes('PRIVATE KEY') ? redactPem(rest, hide) : rest;
}

function redactPem(text: string, hide: DetectorContext['hide']): string {
  let out = '';
  let rest = text;
  for (let begin = PEM_BEGIN.exec(rest); begin !== null; begin = PEM_BEGIN.exec(rest)) {
    const body = rest.slice(begin.index);
    const end = PEM_END.exec(body);
    const length = end === null ? body.length : end.index + end[0].length;
    out += rest.slice(0, begin.index) + hide(body.slice(0, length));
    rest = body.slice(length);
  }
  return out + rest;
}

/** Hides what follows the name of an authentication scheme (RFC 9110, section 11). */
export function redactCredentials(text: string, { hide }: DetectorContext): string {
  return text.replace(CREDENTIALS, (all, scheme: string, gap: string, token: string) =>
    PLAIN_WORD.test(token) ? all : `${scheme}${gap}${hide(token)}`,
  );
}

/**
 * Hides JSON Web Tokens: Base64url of `{"`, which is `eyJ`, with at least a second part behind a dot (RFC 7519) and at most five
 * parts (RFC 7516).
 */
export function redactJwts(text: string, { hide }: DetectorContext): string {
  let out = '';
  let done = 0;
  for (let start = text.indexOf('eyJ'); start !== -1; start = text.indexOf('eyJ', start)) {
    let end = partEnd(text, start);
    let parts = 1;
    while (parts < 5 && text[end] === '.') {
      end = partEnd(text, end + 1);
      parts++;
    }
    if (parts > 1 && end - start >= SHORTEST_JWT) {
      out += text.slice(done, start) + hide(text.slice(start, end));
      done = end;
    }
    start = Math.max(end, start + 3);
  }
  return done === 0 ? text : out + text.slice(done);
}

function partEnd(text: string, at: number): number {
  BASE64URL.lastIndex = at;
  BASE64URL.test(text);
  return BASE64URL.lastIndex;
}

/** The shortest query value that is recognized by its looks. */
const SHORTEST_GUESS = 10;

/**
 * What follows the scheme of a URI, if it has one, up to a character that cannot stand in a URI (RFC 3986, section 2). The
 * expression begins with a slash and looks behind from there, because few characters of a text are slashes.
 */
const URIS = /[/\\](?<![A-Za-z0-9+.-][/\\])[/\\][^\s"'<>`]+/g;
/** The `@` of `user:password@host` without a scheme. */
const BARE_USERINFO =
  /@(?<=(?<![\w.%+:/@-])([\w.%+-]{1,64}):([^\s:/@"'<>]{1,256})@)(?=([A-Za-z0-9.-]{1,253}|\[))/g;
/** Schemes whose addresses contain an `@` that does not end a userinfo. */
const ADDRESS_SCHEMES = /^(?:mailto|sips?|xmpp|acct|im|pres|skype|tel|urn|npm|pkg|git|image)$/i;
/** A userinfo that is no secret: the name by which servers of repositories know every user. */
const NO_SECRET = /^(?:git|hg|svn|ssh)?$/;
/** The algorithm of a digest instead of a host, as in `nginx:1.25@sha256:…`. */
const DIGEST = /^(?:sha\d+|md5)$/i;
/** `\\\\ada:x@host`, which browsers read as `//ada:x@host` (WHATWG URL). */
const BACKSLASHED = /^[/\\]{2}[\w.%+-]{1,64}:[^/\\]{1,256}@[A-Za-z0-9]/;
/** A userinfo whose password contains an unescaped `#` or `?`. */
const UNESCAPED =
  /^((?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2})([^/\\@?#\s]*:[^/\\@\s]*[?#][^/\\@\s]*)@(?=[\w.[-]+(?:[:/]|$))/;
/** Names of query values that are secret if they look random: an authorization code (RFC 6749), a signature, a session. */
const GUESSED = /^(?:code|sig|key|ticket|sid|session|st|auth_?code|hmac)$/i;

/** Scheme, authority, path, query and fragment by RFC 3986, appendix B. Nothing is decoded or normalized. */
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*:)?([/\\]{2}[^/\\?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s;

/** Whether a text is one URI with a scheme: `https://…`, `file:///…`, `memo:insights`. */
export function isUri(text: string): boolean {
  return /^(?![A-Za-z0-9+.-]*hmac-sha256:)[A-Za-z][A-Za-z0-9+.-]{1,30}:[^\s]+$/.test(text);
}

/** What may be a password at the end of a text that was cut before the `@`; a port has digits alone, and a token is no password. */
const CUT_USERINFO = /(?<=[/\\]{2}[\w.%+-]{1,64}:)(?<!hmac-sha256:)[^\s:/@"'<>]{10,256}$/;

/** Redacts the URIs in a text. */
export function redactUris(text: string, context: DetectorContext): string {
  let out = text;
  if (out.includes('//') || out.includes('\\\\')) out = out.replace(URIS, (uri) => redactUri(uri, context));
  out = hideCutUserinfo(out, context);
  if (!out.includes('@')) return out;
  const rewriter = new Rewriter(out, context);
  for (const { index, 1: user = '', 2: password = '', 3: host = '' } of out.matchAll(BARE_USERINFO)) {
    if (!isUserinfo(user, password, host)) continue;
    context.remember?.(decode(password));
    rewriter.hide(index - user.length - 1 - password.length, index);
  }
  return rewriter.toString();
}

function hideCutUserinfo(text: string, { hide }: DetectorContext): string {
  return text.replace(CUT_USERINFO, (password) =>
    looksRandom(decode(password), SHORTEST_GUESS) ? hide(password) : password,
  );
}

/** Whether it is a userinfo, and not a time, a ratio or a group before an `@`. */
function isUserinfo(user: string, password: string, host: string): boolean {
  if (ADDRESS_SCHEMES.test(user) || DIGEST.test(host)) return false;
  if (/^[\d.]+$/.test(user) && /^[\d.]+$/.test(password)) return false;
  return /[^A-Za-z]/.test(password) || host.includes('.');
}

/**
 * Redacts one URI: always its userinfo; of query and fragment the values of secret names, or with `wholeUris` all values.
 */
export function redactUri(uri: string, context: DetectorContext): string {
  if (!context.wholeUris && !/[@?#]/.test(uri)) return uri;
  const unescaped = UNESCAPED.exec(uri);
  if (unescaped !== null) {
    const [all, before = '', userinfo = ''] = unescaped;
    return `${before}${hideUserinfo(userinfo, context)}@${redactUri(`//${uri.slice(all.length)}`, context).slice(2)}`;
  }
  const parts = PARTS.exec(uri);
  if (parts === null) return uri;
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = parts;
  return (
    scheme +
    redactAuthority(authority, context) +
    redactPath(path, context) +
    (query === '' ? '' : `?${redactQuery(query.slice(1), context)}`) +
    (fragment === '' ? '' : `#${redactFragment(fragment.slice(1), context)}`)
  );
}

/** Hides a userinfo, and its password wherever it is repeated without the user. */
function hideUserinfo(userinfo: string, { hide, remember }: DetectorContext): string {
  const colon = userinfo.indexOf(':');
  if (colon !== -1) remember?.(decode(userinfo.slice(colon + 1)));
  return hide(userinfo);
}

function redactAuthority(authority: string, context: DetectorContext): string {
  const at = authority.lastIndexOf('@');
  // Backslashes more often begin a path on a file share, or escape something in an expression.
  if (authority.startsWith('\\') && !BACKSLASHED.test(authority)) return authority;
  return at === -1 || NO_SECRET.test(authority.slice(2, at))
    ? authority
    : `${authority.slice(0, 2)}${hideUserinfo(authority.slice(2, at), context)}${authority.slice(at)}`;
}

function redactPath(path: string, { hide, wholeUris, uriPaths }: DetectorContext): string {
  if (!wholeUris || !uriPaths || path === '' || path === '/') return path;
  return path.startsWith('/') ? `/${hide(path.slice(1), false, true)}` : hide(path, false, true);
}

/** Redacts the items between `&` or `;`, as in `application/x-www-form-urlencoded`. */
function redactQuery(query: string, context: DetectorContext): string {
  return query
    .split(/([&;])/)
    .map((item, index) => (index % 2 === 1 ? item : redactItem(item, context)))
    .join('');
}

/** Redacts a fragment. It may be a query, as in OAuth's implicit grant (RFC 6749, section 4.2.2). */
function redactFragment(fragment: string, context: DetectorContext): string {
  if (fragment.includes('=')) return redactQuery(fragment, context);
  return context.wholeUris && fragment !== '' ? context.hide(fragment, false, true) : fragment;
}

function redactItem(item: string, { hide, judge, wholeUris }: DetectorContext): string {
  const equals = item.indexOf('=');
  if (equals === -1) return wholeUris && item !== '' ? hide(item, false, true) : item;
  const value = item.slice(equals + 1);
  const name = decode(item.slice(0, equals));
  const verdict = judge(name);
  const guessed = verdict === KeyVerdict.ifRandom || GUESSED.test(name);
  const decoded = decode(value);
  const guess = guessed && looksRandom(decoded, SHORTEST_GUESS);
  // Characters of a key may be percent-encoded, so that only the decoded value shows its shape.
  const shown = decoded !== value && findKeys(decoded).length > 0;
  const secret = guess || shown || (!guessed && verdict !== KeyVerdict.keep);
  if (value === '' || !(secret || wholeUris)) return item;
  return item.slice(0, equals + 1) + hide(decoded, verdict === KeyVerdict.mask, !secret);
}

/** Percent-decodes a text, or returns it as it is if that fails. */
function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return text;
  }
}
