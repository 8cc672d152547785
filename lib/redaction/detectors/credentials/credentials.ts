import type { DetectorContext } from '../detector.js';

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
