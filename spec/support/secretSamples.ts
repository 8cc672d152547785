// Keys are put together from parts, so that scanners of this repository's own text find nothing to report.

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Makes texts of random characters, from even random numbers. */
function lettersFrom(random: () => number) {
  return (count: number, alphabet = ALPHANUMERIC): string =>
    Array.from({ length: count }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

/** A Visa number of 16 digits that passes the Luhn check. */
function card(digits: string): string {
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

/**
 * One fresh secret of every kind that tells itself by its shape, by kind.
 *
 * @param random Where the numbers come from, for secrets that can be made again.
 */
export function secretSamples(random: () => number = Math.random): Record<string, string> {
  const letters = lettersFrom(random);
  const upper = (count: number) => letters(count, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567');
  const digits = (count: number, first = '0123456789') =>
    `${letters(1, first)}${letters(count - 1, '0123456789')}`;
  return {
    // Not hexadecimal: Base64 of hashes, of which outputs are full, has the same eleven characters by chance in a fifth of all runs.
    jwt: `${base64url({ alg: 'HS256' })}.${base64url({ sub: letters(12) })}.${letters(43)}`,
    unsignedJwt: `${base64url({ alg: 'none' })}.${base64url({ sub: letters(12) })}.`,
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
    slack: `xoxb-${digits(12)}-${letters(24)}`,
    stripe: `sk_live_${letters(24)}`,
    openai: `sk-proj-${letters(40)}`,
    anthropic: `sk-ant-api03-${letters(60)}`,
    npm: `npm_${letters(36)}`,
    pypi: `pypi-AgEIcHlwaS5vcmc${letters(60)}`,
    sendgrid: `SG.${letters(22)}.${letters(43)}`,
    huggingFace: `hf_${letters(34)}`,
    vault: `hvs.${letters(24)}`,
    card: card(`4${digits(14)}`),
    ssn: `${digits(3, '12345')}-${digits(2, '123456789')}-${digits(4, '123456789')}`,
  };
}

/** A random word that only its key can give away. */
export function plainSecret(random: () => number = Math.random): string {
  return `canary${lettersFrom(random)(16, '0123456789abcdef')}`;
}
