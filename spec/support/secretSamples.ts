import { randomBytes, randomInt } from 'node:crypto';

// Keys are put together from parts, so that scanners of this repository's own text find nothing to report.

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function letters(count: number, alphabet = ALPHANUMERIC): string {
  return Array.from({ length: count }, () => alphabet[randomInt(alphabet.length)]).join('');
}

const upper = (count: number): string => letters(count, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
const hex = (count: number): string => randomBytes(count).toString('hex').slice(0, count);

/** A Visa number of 16 digits that passes the Luhn check. */
function card(): string {
  const digits = `4${letters(14, '0123456789')}`;
  const sum = [...digits].reduceRight(
    (total, digit, index) =>
      total + (index % 2 === 0 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)]! : Number(digit)),
    0,
  );
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** One fresh secret of every kind that tells itself by its shape, by kind. */
export function secretSamples(): Record<string, string> {
  return {
    jwt: `${base64url({ alg: 'HS256' })}.${base64url({ sub: hex(12) })}.${randomBytes(32).toString('base64url')}`,
    unsignedJwt: `${base64url({ alg: 'none' })}.${base64url({ sub: hex(12) })}.`,
    pem: [
      '-----BEGIN RSA',
      `PRIVATE KEY-----\n${letters(64)}\n${letters(40)}\n-----END RSA`,
      'PRIVATE KEY-----',
    ].join(' '),
    aws: `AKIA${upper(16)}`,
    google: `AIza${letters(35)}`,
    googleOAuth: `ya29.${letters(40)}`,
    github: `ghp_${letters(36)}`,
    githubFineGrained: `github_pat_${letters(22)}_${letters(59)}`,
    gitlab: `glpat-${letters(20)}`,
    slack: `xoxb-${letters(12, '0123456789')}-${letters(24)}`,
    stripe: `sk_live_${letters(24)}`,
    openai: `sk-proj-${letters(40)}`,
    anthropic: `sk-ant-api03-${letters(60)}`,
    npm: `npm_${letters(36)}`,
    pypi: `pypi-AgEIcHlwaS5vcmc${letters(60)}`,
    sendgrid: `SG.${letters(22)}.${letters(43)}`,
    huggingFace: `hf_${letters(34)}`,
    vault: `hvs.${letters(24)}`,
    card: card(),
    ssn: `${randomInt(100, 665)}-${randomInt(10, 99)}-${randomInt(1000, 9999)}`,
  };
}

/** A random word that only its key can give away. */
export function plainSecret(): string {
  return `canary${hex(16)}`;
}
