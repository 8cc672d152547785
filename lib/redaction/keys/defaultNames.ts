/** The key names that are redacted unless `defaults: false`. */
export const DEFAULT_KEY_PATTERNS: readonly string[] = Object.freeze([
  // Passwords and the like
  'password',
  'passwd',
  'pswd',
  'psswd',
  'psswrd',
  'passwrd',
  'pasword',
  'pgpassword',
  'pwd',
  'pass',
  'passphrase',
  'passcode',
  'passwort',
  'kennwort',
  'contrasena',
  'contraseña',
  'senha',
  'mot_de_passe',
  'пароль',
  '密码',
  'パスワード',
  '비밀번호',
  'wachtwoord',
  'hasło',
  'parola',
  'losenord',
  'lösenord',
  // Secrets, tokens, keys
  'secret',
  'secrete',
  'secret_id',
  'token',
  'jwt',
  'bearer',
  'api_key',
  'apikey',
  'app_key',
  'application_key',
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
  'deploy_key',
  'host_key',
  'subscription_key',
  'storage_key',
  'consumer_key',
  'shared_access_key',
  'pre_shared_key',
  'psk',
  'sas_token',
  'webhook_key',
  'hmac_key',
  'credential',
  'creds',
  'cred',
  'connection_string',
  'seed_phrase',
  'wallet_seed',
  'recovery_phrase',
  'mnemonic',
  // HTTP
  'auth',
  'authorization',
  'cookie',
  'csrf',
  'xsrf',
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
    'address addresses age algorithm alphabet arn at attempts banner brand budget budgets button changed chars checking class ' +
    'color colour confirmed consent cost count counts counter country created date days deadline decimals description ' +
    'domain enabled endpoint endpoints error errors estimate event exists expiration expire expired expires expiry ' +
    'field fields file flow format generator handler help helper hint hours icon index issuer kind label last ' +
    'length len lifetime limit limits line lines location manager masked max metadata method methods middleware min ' +
    'minutes mode model modified name names network number offset on optional options page path pattern per percent ' +
    'placeholder policies policy position prefix present price prompt provided provider rate ratio reader ref reference ' +
    'references refs regex regexp remaining required requirements rotated rotation rules schema scheme scope scopes ' +
    'screen seconds sent server size sizes status store strength strings supported symbol template threshold timeout ' +
    'title ttl type types updated uri uris url urls usage used valid validity verified version versions window'
  ).split(' '),
);

/** Words that, before a name, make it a question: `has_password`, `isTokenValid`, `requires_auth`. */
export const ASKING_WORDS: readonly string[] = Object.freeze(
  (
    'allow allows can disable enable expires forgot generate has hide ignore is mask missing must needs redact require requires ' +
    'revoke rotate should show skip strip supports use uses validate'
  ).split(' '),
);

/** Names that hold a secret's name and are none: the tokens that language models read, tests that pass, and so on. */
export const HARMLESS_NAMES: readonly string[] = Object.freeze([
  'bos_token',
  'cls_token',
  'design_token',
  'eos_token',
  'eot_token',
  'input_token',
  'mask_token',
  'oov_token',
  'output_token',
  'pad_token',
  'api_key_header',
  'token_detail',
  'sep_token',
  'special_token',
  'stop_token',
  'unk_token',
  'token_id',
  'token_embedding',
  'token_classification',
  'test_pass',
  'tests_pass',
  'first_pass',
  'pass_through',
  'pass_fail',
  'function_signature',
  'method_signature',
  'type_signature',
  'email_signature',
]);

/** Names that end a name written as one word: `dbpassword`, `hapikey`. */
export const NAME_ENDINGS: readonly string[] = Object.freeze([
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'apikey',
  'accesskey',
  'secretkey',
  'privatekey',
  'credentials',
]);

/** Names of numbers: in a text their value has a digit, or it is no such number. */
export const NUMBER_NAMES: readonly string[] = Object.freeze([
  'account_number',
  'card_number',
  'credit_card',
  'csc',
  'cvc',
  'cvv',
  'debit_card',
  'iban',
  'otp',
  'passport_number',
  'pin',
  'routing_number',
  'security_code',
  'social_security',
  'social_security_number',
  'ssn',
  'tax_id',
  'totp',
  'verification_code',
]);

/**
 * Words that, before `key`, say that it is none that opens anything: `sort_key`, `publicKey`. After any other word, and
 * alone, `key` is secret where its value looks random.
 */
export const PLAIN_KEYS: readonly string[] = Object.freeze(
  (
    'any arrow blob bucket cache child column composite config data dedup dict document don event field file foreign group hash ' +
    'hoc hot i18n idempotency index item joc join json jwk kms legend list locale lookup map message meta metadata mon natural ' +
    'node object parent partition primary property pub public queue range react record redis routing row s3 shard shift shortcut sort ' +
    'state storage surrogate tab table translation translations tur unique verifying whis'
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
