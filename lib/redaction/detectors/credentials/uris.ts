import { findKeys } from '../providerKeys/providerKeys.js';
import { type DetectorContext, Rewriter } from '../detector.js';
import { KeyVerdict } from '../../keys/keyNames.js';
import { looksRandom } from '../../text/random.js';

/** A query value that only its looks tell is at least so long. */
const SHORTEST_GUESS = 10;

/**
 * What follows the scheme of a URI, if it has one, up to a character that cannot stand in a URI (RFC 3986, section 2). The
 * expression begins with a slash and looks behind from there, because few characters of a text are slashes.
 */
const URIS = /[/\\](?<![A-Za-z0-9+.-][/\\])[/\\][^\s"'<>`]+/g;
/** The `@` of `user:password@host` without a scheme. */
const BARE_USERINFO =
  /@(?<=(?<![\w.%+:/@-])([\w.%+-]{1,64}):([^\s:/@"'<>]{1,256})@)(?=([A-Za-z0-9.-]{1,253}|\[))/g;
/** Schemes without an authority, whose addresses have an `@` of their own. */
const ADDRESS_SCHEMES = /^(?:mailto|sips?|xmpp|acct|im|pres|skype|tel|urn|npm|pkg|git|image)$/i;
/** The user that a server of repositories knows everybody by. */
const NO_SECRET = /^(?:git|hg|svn|ssh)?$/;
/** A name behind the `@` that is the algorithm of a digest, as in `nginx:1.25@sha256:…`. */
const DIGEST = /^(?:sha\d+|md5)$/i;
/** `\\\\ada:x@host`, which browsers take for `//ada:x@host` (WHATWG URL). */
const BACKSLASHED = /^[/\\]{2}[\w.%+-]{1,64}:[^/\\]{1,256}@[A-Za-z0-9]/;
/** A password that holds a `#` or a `?`, which a URI should have escaped. */
const UNESCAPED =
  /^((?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2})([^/\\@?#\s]*:[^/\\@\s]*[?#][^/\\@\s]*)@(?=[\w.[-]+(?:[:/]|$))/;
/** Query values that are secret if they look random: an authorization code (RFC 6749), a signature, a session. */
const GUESSED = /^(?:code|sig|key|ticket|sid|session|st|auth_?code|hmac)$/i;

/** Scheme, authority, path, query and fragment, as RFC 3986 (appendix B) splits them; nothing is decoded or normalized. */
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*:)?([/\\]{2}[^/\\?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s;

/** Whether a text is one URI with a scheme: `https://…`, `file:///…`, `memo:insights`. */
export function isUri(text: string): boolean {
  return /^(?![A-Za-z0-9+.-]*hmac-sha256:)[A-Za-z][A-Za-z0-9+.-]{1,30}:[^\s]+$/.test(text);
}

/** Redacts the URIs that stand in a text. */
export function redactUris(text: string, context: DetectorContext): string {
  let out = text;
  if (out.includes('//') || out.includes('\\\\')) out = out.replace(URIS, (uri) => redactUri(uri, context));
  if (!out.includes('@')) return out;
  const rewriter = new Rewriter(out, context);
  for (const { index, 1: user = '', 2: password = '', 3: host = '' } of out.matchAll(BARE_USERINFO)) {
    if (!isUserinfo(user, password, host)) continue;
    context.remember?.(decode(password));
    rewriter.hide(index - user.length - 1 - password.length, index);
  }
  return rewriter.toString();
}

/** A time, a ratio and a group have a colon before an `@` as well; a password has more than letters, or a real host. */
function isUserinfo(user: string, password: string, host: string): boolean {
  if (ADDRESS_SCHEMES.test(user) || DIGEST.test(host)) return false;
  if (/^[\d.]+$/.test(user) && /^[\d.]+$/.test(password)) return false;
  return /[^A-Za-z]/.test(password) || host.includes('.');
}

/**
 * One URI: userinfo is always hidden; of query and fragment the values of secret names or, where `wholeUris` says so, all
 * values.
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

/** The password of a userinfo may be quoted elsewhere without its user. */
function hideUserinfo(userinfo: string, { hide, remember }: DetectorContext): string {
  const colon = userinfo.indexOf(':');
  if (colon !== -1) remember?.(decode(userinfo.slice(colon + 1)));
  return hide(userinfo);
}

function redactAuthority(authority: string, context: DetectorContext): string {
  const at = authority.lastIndexOf('@');
  // Backslashes begin a folder on a share, or escape a sign of an expression, more often than an address.
  if (authority.startsWith('\\') && !BACKSLASHED.test(authority)) return authority;
  return at === -1 || NO_SECRET.test(authority.slice(2, at))
    ? authority
    : `${authority.slice(0, 2)}${hideUserinfo(authority.slice(2, at), context)}${authority.slice(at)}`;
}

function redactPath(path: string, { hide, wholeUris, uriPaths }: DetectorContext): string {
  if (!wholeUris || !uriPaths || path === '' || path === '/') return path;
  return path.startsWith('/') ? `/${hide(path.slice(1), false, true)}` : hide(path, false, true);
}

/** Items between `&` or `;`, as in `application/x-www-form-urlencoded`. */
function redactQuery(query: string, context: DetectorContext): string {
  return query
    .split(/([&;])/)
    .map((item, index) => (index % 2 === 1 ? item : redactItem(item, context)))
    .join('');
}

/** A fragment may hold a query of its own, as OAuth's implicit grant does (RFC 6749, section 4.2.2). */
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
  // A key's own signs may be percent-encoded, so that its shape shows only in what the value stands for.
  const shown = decoded !== value && findKeys(decoded).length > 0;
  const secret = guess || shown || (!guessed && verdict !== KeyVerdict.keep);
  if (value === '' || !(secret || wholeUris)) return item;
  return item.slice(0, equals + 1) + hide(decoded, verdict === KeyVerdict.mask, !secret);
}

/** Percent-decoding that gives back what it cannot decode. */
function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return text;
  }
}
