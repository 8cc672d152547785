import type { Hider } from './hider.js';
import { KeyVerdict } from './keys.js';

/** Absolute and scheme-relative URIs in a text, up to what cannot stand in one (RFC 3986, section 2). */
const URIS = /(?<![A-Za-z0-9+.-])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}:)?[/\\]{2}(?=([^\s"'<>`]+))\1/g;
/** `user:password@host` without a scheme. */
const BARE_USERINFO = /(?<![\w.%+:/@-])[\w.%+-]{1,64}:(?=([^\s:/@"'<>]{1,256}))\1@(?=[A-Za-z0-9[])/g;

/** Scheme, authority, path, query and fragment, as RFC 3986 (appendix B) splits them; nothing is decoded or normalized. */
const PARTS = /^([A-Za-z][A-Za-z0-9+.-]*:)?([/\\]{2}[^/\\?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s;

/** Whether a text is one URI with a scheme: `https://…`, `file:///…`, `memo:insights`. */
export function isUri(text: string): boolean {
  return /^(?![A-Za-z0-9+.-]*hmac-sha256:)[A-Za-z][A-Za-z0-9+.-]{1,30}:[^\s]+$/.test(text);
}

/** Redacts the URIs that stand in a text. */
export function redactUris(text: string, hider: Hider): string {
  let out = text;
  if (out.includes('//') || out.includes('\\\\')) out = out.replace(URIS, (uri) => redactUri(uri, hider));
  if (out.includes('@')) out = out.replace(BARE_USERINFO, (found) => `${hider.hide(found.slice(0, -1))}@`);
  return out;
}

/**
 * One URI: userinfo is always hidden; of query and fragment the values of secret names or, where `wholeUris` says so, all
 * values.
 */
export function redactUri(uri: string, hider: Hider): string {
  if (!hider.wholeUris && !/[@?#]/.test(uri)) return uri;
  const parts = PARTS.exec(uri);
  if (parts === null) return uri;
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = parts;
  return (
    scheme +
    redactAuthority(authority, hider) +
    redactPath(path, hider) +
    (query === '' ? '' : `?${redactQuery(query.slice(1), hider)}`) +
    (fragment === '' ? '' : `#${redactFragment(fragment.slice(1), hider)}`)
  );
}

function redactAuthority(authority: string, { hide }: Hider): string {
  const at = authority.lastIndexOf('@');
  return at === -1
    ? authority
    : `${authority.slice(0, 2)}${hide(authority.slice(2, at))}${authority.slice(at)}`;
}

function redactPath(path: string, { hide, wholeUris, uriPaths }: Hider): string {
  if (!wholeUris || !uriPaths || path === '' || path === '/') return path;
  return path.startsWith('/') ? `/${hide(path.slice(1))}` : hide(path);
}

/** Items between `&` or `;`, as in `application/x-www-form-urlencoded`. */
function redactQuery(query: string, hider: Hider): string {
  return query
    .split(/([&;])/)
    .map((item, index) => (index % 2 === 1 ? item : redactItem(item, hider)))
    .join('');
}

/** A fragment may hold a query of its own, as OAuth's implicit grant does (RFC 6749, section 4.2.2). */
function redactFragment(fragment: string, hider: Hider): string {
  if (fragment.includes('=')) return redactQuery(fragment, hider);
  return hider.wholeUris && fragment !== '' ? hider.hide(fragment) : fragment;
}

function redactItem(item: string, { hide, judge, wholeUris }: Hider): string {
  const equals = item.indexOf('=');
  if (equals === -1) return wholeUris && item !== '' ? hide(item) : item;
  const value = item.slice(equals + 1);
  const verdict = judge(decode(item.slice(0, equals)));
  if (value === '' || (verdict === KeyVerdict.keep && !wholeUris)) return item;
  return item.slice(0, equals + 1) + hide(decode(value), verdict === KeyVerdict.mask);
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
