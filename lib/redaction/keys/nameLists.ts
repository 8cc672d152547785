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
 * Words right behind a name that make the key describe or measure a secret instead of holding one:
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

/** Words before a name that make the key a question: `has_password`, `isTokenValid`, `requires_auth`. */
export const ASKING_WORDS: readonly string[] = Object.freeze(
  (
    'allow allows can disable enable expires forgot generate has hide ignore is mask missing must needs redact require requires ' +
    'revoke rotate should show skip strip supports use uses validate'
  ).split(' '),
);

/** Names that contain the name of a secret but mean something else: the tokens of language models, tests that pass. */
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

/** Names that are also recognized at the end of a longer word: `dbpassword`, `hapikey`. */
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

/** Names of numbers. A value without a digit is not the value of such a name. */
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
 * Words before `key` that make it harmless: `sort_key`, `publicKey`. Behind any other word, and alone, `key` is secret if its
 * value looks random.
 */
export const PLAIN_KEYS: readonly string[] = Object.freeze(
  (
    'any arrow blob bucket cache child column composite config data dedup dict document don event field file foreign group hash ' +
    'hoc hot i18n idempotency index item joc join json jwk kms legend list locale lookup map message meta metadata mon natural ' +
    'node object parent partition primary property pub public queue range react record redis routing row s3 shard shift shortcut sort ' +
    'state storage surrogate tab table translation translations tur unique verifying whis'
  ).split(' '),
);

/** Words right before a plural that make the key a count: `max_tokens`, `promptTokens`. */
export const COUNTING_WORDS: readonly string[] = Object.freeze(
  (
    'accepted audio available average avg budget cache cached completion context count estimated generated image input ' +
    'limit max maximum min minimum n new num number output predicted prediction prompt reasoning rejected remaining ' +
    'special stop sum text thinking total used'
  ).split(' '),
);

/**
 * Providers whose keys have no recognizable form. A value that looks random is secret if its name contains the provider's word.
 * Each line has the name of gitleaks' rule (https://github.com/gitleaks/gitleaks), the word, and the form of the key (see
 * `template.ts`), from which samples are generated.
 */
// prettier-ignore
export const NAMED_KEYS: readonly (readonly [rule: string, word: string, template: string])[] = [
  ['adafruit-api-key', 'adafruit', '{url:32}'],
  ['adobe-client-id', 'adobe', '{hex:32}'],
  ['airtable-api-key', 'airtable', '{low:17}'],
  ['algolia-api-key', 'algolia', '{low:32}'],
  ['alibaba-secret-key', 'alibaba', '{low:30}'],
  ['asana-client-id', 'asana', '{num:16}'],
  ['asana-client-secret', 'asana', '{low:32}'],
  ['beamer-api-token', 'beamer', 'b_{tok:44}'],
  ['bitbucket-client-id', 'bitbucket', '{low:32}'],
  ['bitbucket-client-secret', 'bitbucket', '{tok:64}'],
  ['bittrex-access-key', 'bittrex', '{low:32}'],
  ['bittrex-secret-key', 'bittrex', '{low:32}'],
  ['cisco-meraki-api-key', 'meraki', '{hex:40}'],
  ['cloudflare-api-key', 'cloudflare', '{url:40}'],
  ['cloudflare-global-api-key', 'cloudflare', '{hex:37}'],
  ['codecov-access-token', 'codecov', '{low:32}'],
  ['cohere-api-token', 'cohere', '{alnum:40}'],
  ['coinbase-access-token', 'coinbase', '{url:64}'],
  ['confluent-access-token', 'confluent', '{low:16}'],
  ['confluent-secret-key', 'confluent', '{low:64}'],
  ['contentful-delivery-api-token', 'contentful', '{tok:43}'],
  ['datadog-access-token', 'datadog', '{low:40}'],
  ['discord-api-token', 'discord', '{hex:64}'],
  ['discord-client-id', 'discord', '{num:18}'],
  ['discord-client-secret', 'discord', '{tok:32}'],
  ['droneci-access-token', 'droneci', '{low:32}'],
  ['dropbox-api-token', 'dropbox', '{low:15}'],
  ['etsy-access-token', 'etsy', '{low:24}'],
  ['facebook-secret', 'facebook', '{hex:32}'],
  ['fastly-api-token', 'fastly', '{tok:32}'],
  ['finicity-api-token', 'finicity', '{hex:32}'],
  ['finicity-client-secret', 'finicity', '{low:20}'],
  ['finnhub-access-token', 'finnhub', '{low:20}'],
  ['flickr-access-token', 'flickr', '{low:32}'],
  ['freemius-secret-key', 'freemius', 'sk_{url:29}'],
  ['freshbooks-access-token', 'freshbooks', '{low:64}'],
  ['gitter-access-token', 'gitter', '{url:40}'],
  ['hashicorp-tf-password', 'administrator_login_password', '{low:20}'],
  ['heroku-api-key', 'heroku', '{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}'],
  ['hubspot-api-key', 'hubspot', '{HEX:8}-{HEX:4}-{HEX:4}-{HEX:4}-{HEX:12}'],
  ['intercom-api-key', 'intercom', '{tok:60}'],
  ['jfrog-api-key', 'jfrog', '{low:73}'],
  ['jfrog-identity-token', 'artifactory', '{low:64}'],
  ['kraken-access-token', 'kraken', '{tok:80}'],
  ['kucoin-access-token', 'kucoin', '{hex:24}'],
  ['kucoin-secret-key', 'kucoin', '{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}'],
  ['launchdarkly-access-token', 'launchdarkly', '{tok:40}'],
  ['linear-client-secret', 'linear', '{hex:32}'],
  ['linkedin-client-id', 'linkedin', '{low:14}'],
  ['linkedin-client-secret', 'linkedin', '{low:16}'],
  ['looker-client-id', 'looker', '{low:20}'],
  ['looker-client-secret', 'looker', '{low:24}'],
  ['mailgun-signing-key', 'mailgun', '{ah:32}-{ah:8}-{ah:8}'],
  ['mattermost-access-token', 'mattermost', '{low:26}'],
  ['messagebird-api-token', 'messagebird', '{low:25}'],
  ['messagebird-client-id', 'messagebird', '{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}'],
  ['netlify-access-token', 'netlify', '{tok:40}'],
  ['new-relic-user-api-id', 'newrelic', '{low:64}'],
  ['nytimes-access-token', 'nytimes', '{tok:32}'],
  ['okta-access-token', 'okta', '00{url:40}'],
  ['plaid-client-id', 'plaid', '{low:24}'],
  ['plaid-secret-key', 'plaid', '{low:30}'],
  ['privateai-api-token', 'privateai', '{low:32}'],
  ['rapidapi-access-token', 'rapidapi', '{url:50}'],
  ['sendbird-access-id', 'sendbird', '{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}'],
  ['sendbird-access-token', 'sendbird', '{hex:40}'],
  ['sentry-access-token', 'sentry', '{hex:64}'],
  ['sidekiq-secret', 'contribsys', '{hex:8}:{hex:8}'],
  ['snyk-api-token', 'snyk', '{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}'],
  ['squarespace-access-token', 'squarespace', '{hex:8}-{hex:4}-{hex:4}-{hex:4}-{hex:12}'],
  ['sumologic-access-id', 'sumo', 'su{alnum:12}'],
  ['sumologic-access-token', 'sumologic', '{low:64}'],
  ['travisci-access-token', 'travis', '{low:22}'],
  ['twitch-api-token', 'twitch', '{low:30}'],
  ['twitter-access-secret', 'twitter', '{low:45}'],
  ['twitter-access-token', 'twitter', '{num:19}-{alnum:30}'],
  ['twitter-api-key', 'twitter', '{low:25}'],
  ['twitter-api-secret', 'twitter', '{low:50}'],
  ['yandex-aws-access-token', 'yandex', 'YC{url:38}'],
  ['zendesk-secret-key', 'zendesk', '{low:40}'],
];

/** Rules of gitleaks that have no line above, and the detector that finds what they find. */
export const HELD_ELSEWHERE: Readonly<Record<string, string>> = {
  'curl-auth-header': 'assignment',
  'curl-auth-user': 'command',
  'generic-api-key': 'assignment',
  jwt: 'jwt',
  'jwt-base64': 'embedded',
  'kubernetes-secret-yaml': 'assignment',
  'nuget-config-password': 'assignment',
  'pkcs12-file': 'none: a rule about names of files',
  'private-key': 'privateKey',
  'sidekiq-sensitive-url': 'uri',
};
