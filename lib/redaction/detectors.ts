import { redactAssignments } from './assignments.js';
import { redactCards, redactSsns } from './numbers.js';
import type { DetectorName } from './defaults.js';
import type { Hider } from './hider.js';
import { redactUris } from './uri.js';

/** Finds one kind of secret in a text and puts markers in its place; gives back the same string where there is none. */
export type Detector = (text: string, hider: Hider) => string;

// Every expression below runs in linear time: a match begins only at the boundary that its look-behind asks for, and repeats
// are over character classes that exclude what follows them. `spec/redaction/linear.spec.ts` feeds each its worst texts.

const PEM_BEGIN = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/;
const PEM_END = /-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/;

const CREDENTIALS =
  /(?<![A-Za-z0-9])(Bearer|Basic|Digest|Negotiate|NTLM|ApiKey|AWS4-HMAC-SHA256)([ \t]+)(?=([^\s"'<>,;\\]{1,16384}))\3/gi;

/** A word that stands after `Bearer` in plain English is no token: `Bearer authentication required`. */
const PLAIN_WORD = /^[A-Za-z]{1,19}[.:!?]?$/;

const EMAIL =
  /(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?![A-Za-z0-9-])/g;

/** Prefixes that providers give their keys so that scanners find them, each with the shape of the rest. */
const PROVIDER_KEYS = [
  // Amazon: access key ids. Google: API keys, OAuth access and refresh tokens, client secrets.
  '(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}',
  'AIza[\\w-]{30,}',
  'ya29\\.[\\w-]{20,}',
  '1//0[\\w-]{20,}',
  'GOCSPX-[\\w-]{20,}',
  // GitHub, GitLab, Atlassian, npm, PyPI, RubyGems, Docker, Hugging Face.
  'gh[opsur]_[A-Za-z0-9]{20,}',
  'github_pat_\\w{20,}',
  'gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[\\w-]{20,}',
  'ATATT3[\\w=-]{20,}',
  'npm_[A-Za-z0-9]{30,}',
  'pypi-[\\w-]{40,}',
  'rubygems_[0-9a-f]{40,}',
  'dckr_[a-z]{2,4}_[\\w-]{20,}',
  'hf_[A-Za-z0-9]{20,}',
  // Slack, Discord-like bots, Telegram, Twilio, SendGrid, Mailgun.
  'xox[a-z](?:\\.xox[a-z])?-[\\w-]{10,}',
  'xapp-\\d-[\\w-]{10,}',
  '\\d{8,10}:AA[\\w-]{32,}',
  '(?:AC|SK)[0-9a-f]{32}',
  'SG\\.[\\w-]{16,}\\.[\\w-]{16,}',
  'key-[0-9a-f]{32}',
  // Stripe, Square, Shopify.
  '(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}',
  'whsec_[A-Za-z0-9+/=]{16,}',
  'sq0[a-z]{3}-[\\w-]{20,}',
  'shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}',
  // Model providers: OpenAI, Anthropic and others with `sk-`, Groq, xAI, Replicate, Perplexity.
  'sk-[\\w-]{16,}',
  '(?:gsk|r8)_[A-Za-z0-9]{20,}',
  '(?:xai|pplx)-[A-Za-z0-9]{20,}',
  // Vault, DigitalOcean, Databricks, Linear, Notion, age, New Relic, Grafana.
  'hv[bs]\\.[\\w-]{20,}',
  'do[opr]_v1_[0-9a-f]{40,}',
  'dapi[0-9a-f]{32}',
  'lin_(?:api|oauth)_[A-Za-z0-9]{20,}',
  '(?:ntn|secret)_[A-Za-z0-9]{40,}',
  'AGE-SECRET-KEY-1[A-Z0-9]{50,}',
  'NRAK-[A-Z0-9]{20,}',
  'glsa_\\w{30,}',
];
const PROVIDER = new RegExp(`(?<![A-Za-z0-9_-])(?:${PROVIDER_KEYS.join('|')})`, 'g');
const SLACK_HOOK = /(?<=hooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/-]{10,}/g;

/** The built-in detectors; `embedded` is none of them, since it walks the value that it finds. */
export const BUILT_IN: Readonly<Record<Exclude<DetectorName, 'embedded'>, Detector>> = Object.freeze({
  privateKey: redactPrivateKeys,
  jwt: redactJwts,
  uri: redactUris,
  authorization: (text, { hide }) =>
    text.replace(CREDENTIALS, (all, scheme: string, gap: string, token: string) =>
      PLAIN_WORD.test(token) ? all : `${scheme}${gap}${hide(token)}`,
    ),
  assignment: redactAssignments,
  providerKey: (text, { hide }) =>
    text.replace(PROVIDER, hideMatch(hide)).replace(SLACK_HOOK, hideMatch(hide)),
  ssn: redactSsns,
  card: redactCards,
  email: (text, { hide }) => (text.includes('@') ? text.replace(EMAIL, hideMatch(hide)) : text),
});

/** `replace` hands its callback more than the match; this takes only that. */
function hideMatch(hide: Hider['hide']): (match: string) => string {
  return (match) => hide(match);
}

/** A key whose end line is missing, because the text was cut, is hidden to the end of the text. */
function redactPrivateKeys(text: string, { hide }: Hider): string {
  if (!text.includes('PRIVATE KEY')) return text;
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

const RUN = /[\w-]*/y;

function runEnd(text: string, at: number): number {
  RUN.lastIndex = at;
  RUN.test(text);
  return RUN.lastIndex;
}

/** Base64url of `{"` is `eyJ`; with a dot and a second part it is a token (RFC 7519), with up to five parts (RFC 7516). */
function redactJwts(text: string, { hide }: Hider): string {
  let out = '';
  let done = 0;
  for (let start = text.indexOf('eyJ'); start !== -1; start = text.indexOf('eyJ', start)) {
    let end = runEnd(text, start);
    let parts = 1;
    while (parts < 5 && text[end] === '.') {
      end = runEnd(text, end + 1);
      parts++;
    }
    if (parts > 1 && end - start >= 16) {
      out += text.slice(done, start) + hide(text.slice(start, end));
      done = end;
    }
    start = Math.max(end, start + 3);
  }
  return done === 0 ? text : out + text.slice(done);
}
