import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';

const redactor = createRedactor();
const shown = (text: string): unknown => (redactor.value({ text }) as { text: unknown }).text;

describe('what names a secret and gives none', () => {
  for (const text of [
    `const a = await ask.password('New password: ')\nconst b = 1`,
    ':param sign_password: The passphrase of the key.',
    'Enter the token : this is a query parameter',
    'credentials: corsAttributeState === "anonymous"',
    '    authorization_details?: readonly Detail[] | undefined;',
    '    [GLOBAL_API_KEY]: Get<LoggerProvider>',
    'const TOKEN_STRINGS = "[A-Za-z0-9._~+/-]+=*";',
    '"pattern": "^[\\\\w+=,.@-]+$"',
    'match = /(\\\\).|([@?!+*]\\(/',
    'var tokens = lunr.tokenizer("foo bar")',
    '![Basic Example][basic-example-img]',
    '- **Automatic default/basic patterns**<br>',
    'def get_auth(url) -> Optional[AuthInfo]:\n    """Return the tuple auth for a url."""',
    'capabilities = "LOGINDISABLED AUTH=CRAM-MD5"',
    'permissions:\n  id-token: write # required',
    'encode_dss_signature = asn1.encode_dss_signature',
    '"pass": "All elements have a name that is read",',
    '"input_token": "NextToken", "output_token": "NextToken"',
    '"MasterUserPassword": {\n "maxLength": 63,\n "minLength": 1}',
    'openToken: {start: number; end: number}',
    'token: "your-token-here"',
    '"result_key": "S3AccessPointAttachments"',
    '["A_KEY", "TR31_P1_PIN_GENERATION_KEY"]',
    'Token: "#cccccc"',
  ])
    it(`is kept: ${text}`, () => expect(shown(text)).to.equal(text));

  for (const key of [
    'secret_key_ref',
    'api_key_id',
    'private_key_id',
    'cvv_present',
    'password_reset_url',
    'iban_country',
    'credit_card_network',
    'jwt_secret_name',
    'cookie_domain',
    'bearer_token_file',
    'host_key_checking',
    'pass_threshold',
    'token_address',
    'input_token',
    'monkey',
    'rotate_secret',
  ])
    it(`keeps the value of ${key}`, () =>
      expect(redactor.value({ [key]: 'kX9vQ2mLw7' })).to.deep.equal({ [key]: 'kX9vQ2mLw7' }));

  it('gives way to a name of the policy', () => {
    const own = createRedactor({ redactPatterns: ['password_reset_url'] });
    expect(own.value({ password_reset_url: 'x' })).to.deep.equal({ password_reset_url: '[REDACTED]' });
  });
});

describe('what gives a secret in few words', () => {
  for (const [text, secret] of [
    [`sirv token - 'Ivus86]AJDk:rghv;8'`, 'Ivus86]AJDk:rghv;8'],
    [`The default password is 'Secret123'.`, 'Secret123'],
    ['curl_easy_setopt(curl, CURLOPT_PASSWORD, "k9Xw)d~ORI");', 'k9Xw)d~ORI'],
    [`field('String' , 'API_KEY' , '951bc382db9cfee29c68634761dd6e19')`, '951bc382db9cfee29c68634761dd6e19'],
    ['ID:master PW:dipPr10Gg!', 'dipPr10Gg!'],
    ['convier_key: "49|07KJBwfPzF2ESyNui5yBw9O"', '49|07KJBwfPzF2ESyNui5yBw9O'],
    [
      'codemagic_key: "PSIYbVgfkbEPQoqJfzHpACTtihONkQ_cKmOpNDPNiCU"',
      'PSIYbVgfkbEPQoqJfzHpACTtihONkQ_cKmOpNDPNiCU',
    ],
    ['tokenkey=5j5jvhn9hm6qojajn61pe1ccq', '5j5jvhn9hm6qojajn61pe1ccq'],
    ['[DEBUG] Using API_KEY=aio_VxEqGaqgMgZej3Dceezb\n[INFO] done', 'aio_VxEqGaqgMgZej3Dceezb'],
    ['root:$6$52450745$k5ka2p8bFuSmoVT1tzOyyuaREkkKBcCN:1:', 'k5ka2p8bFuSmoVT1tzOyyuaREkkKBcCN'],
    ['$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW', 'PgBkqquzi.Ss7KIUgO2t0jWMUW'],
  ] as const)
    it(`is hidden: ${text}`, () => {
      expect(shown(text)).to.include('[REDACTED]');
      expect(shown(text)).to.not.include(secret);
    });
});
