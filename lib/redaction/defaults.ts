/** The value detectors that are built in, in the order in which they run, with what each finds. `docs/redaction.md` lists them. */
export const DETECTORS = Object.freeze({
  privateKey: 'private keys in PEM form, to their end line or to the end of the text',
  jwt: 'JSON Web Tokens, signed, unsigned and encrypted',
  uri: 'userinfo in URIs, and the query and fragment values whose names are secret',
  authorization: '`Bearer`, `Basic` and other `Authorization` credentials',
  assignment:
    'names that a key pattern matches, followed by a value: `password=…`, `"token": "…"`, `--api-key …`',
  providerKey: 'keys of AWS, Google, GitHub, GitLab, Slack, Stripe, OpenAI, Anthropic, npm, PyPI and others',
  embedded: 'JSON and Base64 text inside a string, walked like the rest',
  ssn: 'US social security numbers, written with hyphens or spaces',
  card: 'payment card numbers (PAN): 13 to 19 digits of an issued range that pass the Luhn check',
  email: 'e-mail addresses',
});

/** A built-in detector, by its name. */
export type DetectorName = keyof typeof DETECTORS;

/** The detectors that are off unless asked for. */
export const OFF_BY_DEFAULT: readonly DetectorName[] = Object.freeze(['email'] as const);

/** The key names that are redacted unless `defaults: false`. */
export const DEFAULT_KEY_PATTERNS: readonly string[] = Object.freeze([
  // Passwords and the like
  'password',
  'passwd',
  'pgpassword',
  'pwd',
  'pass',
  'passphrase',
  'passcode',
  'passwort',
  'kennwort',
  'contraseña',
  'senha',
  'mot_de_passe',
  'пароль',
  '密码',
  'パスワード',
  // Secrets, tokens, keys
  'secret',
  'token',
  'jwt',
  'bearer',
  'api_key',
  'access_key',
  'account_key',
  'auth_key',
  'client_key',
  'encryption_key',
  'license_key',
  'master_key',
  'private_key',
  'secret_key',
  'service_key',
  'session_key',
  'shared_key',
  'signing_key',
  'ssh_key',
  'webhook_key',
  'hmac_key',
  'credential',
  'connection_string',
  'seed_phrase',
  'mnemonic',
  // HTTP
  'auth',
  'authorization',
  'cookie',
  'csrf',
  'xsrf',
  'signature',
  // One-time codes
  'otp',
  'totp',
  'mfa_code',
  'one_time_code',
  'verification_code',
  'security_code',
  'recovery_code',
  'backup_code',
  // Payment and identity
  'card_number',
  'credit_card',
  'debit_card',
  'cvv',
  'cvc',
  'csc',
  'pin',
  'pin_block',
  'track_data',
  'account_number',
  'routing_number',
  'iban',
  'ssn',
  'social_security',
  'social_security_number',
  'tax_id',
  'passport_number',
]);

/**
 * Sensitive authentication data of payment cards: never stored in any form (PCI DSS 3.3.1), so masked even where the policy
 * asks for tokens.
 */
export const NEVER_TOKENISED: readonly string[] = Object.freeze([
  'cvv',
  'cvc',
  'csc',
  'security_code',
  'pin',
  'pin_block',
  'track_data',
]);

/**
 * Words that, right after a pattern's words, say that the key measures or describes a secret and does not hold one:
 * `token_count`, `passwordPolicy`, `auth_url`.
 */
export const DESCRIBING_WORDS: readonly string[] = Object.freeze(
  (
    'age algorithm budget budgets cost count counts counter created description enabled endpoint endpoints ' +
    'estimate expiration expire expired expires expiry format index issuer kind label length len lifetime limit limits ' +
    'location max method methods min mode name names number offset optional path per policies policy position provider ' +
    'rate ratio remaining required requirements rotated rotation rules schema scheme scope scopes server size sizes ' +
    'status strength supported ttl type types updated uri uris url urls usage used valid validity version window'
  ).split(' '),
);

/** Words that, right before a plural, say that the key counts things: `max_tokens`, `promptTokens`. */
export const COUNTING_WORDS: readonly string[] = Object.freeze(
  (
    'accepted audio available average avg budget cache cached completion context count estimated generated image input ' +
    'limit max maximum min minimum n new num number output predicted prediction prompt reasoning rejected remaining ' +
    'special stop sum text thinking total used'
  ).split(' '),
);
