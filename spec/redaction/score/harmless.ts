import type { Random } from './random.js';
import { FORMS } from './forms.js';
import type { Sample } from './samples.js';

const HEX = '0123456789abcdef';
const DIGITS = '0123456789';
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** What stands in the place of a secret and is none: references, types, placeholders. */
const REFERENCES = [
  '${DB_PASSWORD}',
  '$(cat /run/secret)',
  'process.env.TOKEN',
  'os.environ["TOKEN"]',
  '{{ vault_password }}',
  '<your-token>',
  'null',
  'None',
  'true',
  '********',
  'string',
  '',
];
/** Forms whose value is bare, so that a reference can stand in it. */
const BARE_FORMS = new Set(['INI', 'YAML', '.env', 'Makefile', 'docker run']);

const TEXTS = [
  'Token usage: 1234 / 4096',
  'Basic income is debated, and the digest of the week has five articles.',
  'SELECT count(*) FROM tokens WHERE key = 1',
  'npm install --save-dev typescript@5 && tar -xzf a.tgz -C /opt',
  'ssh -p 2222 ada@host.example',
  'docker run -p 8080:80 nginx:1.25@sha256:abc',
  'mkdir -p build && cp -r a b',
  'const token = await fetchToken();',
  'function verify(token: string): Promise<void> {',
  'interface A { password: string; token?: string }',
  'if (token !== "}") return tokens.length;',
  'this.password = password;',
  '@param password - the password',
  'throw new UnauthorizedError("the token has expired");',
  'at 10:30@office, ratio 16:9@60Hz',
  'git+ssh://git@github.com/a/b.git',
  'mailto:ada@example.com',
  '"cookie-signature": "^1.2.2"',
  'jwt: "JWT", iban: "IBAN", credit_card: "número de tarjeta",',
  'PASS tests/a.test.ts (1.2 s)',
  'Authorization header missing',
  'cd $(pwd)',
  'gpt-4o-mini-2024-07-18 and text-embedding-3-large',
  'task-management-and-learning, sk-learn, pk-wrapper',
];
const OBJECTS: readonly unknown[] = [
  { token_count: 12, max_tokens: 4096, tokensPerSecond: 3 },
  { has_password: true, isTokenValid: false, requires_auth: true },
  { eos_token: '</s>', token_ids: [1, 2], pad_token_id: 0 },
  { sort_key: 'name', public_key: 'ssh-ed25519 AAAA', key_path: '/a/b', key: 'value' },
  { password_policy: 'strong', secret_name: 'db', token_type: 'jwt' },
  { type: 'text', text: 'hello' },
  { name: 'title', value: 'a b c' },
  { command: 'ls', args: ['-p', 'src'] },
  { columns: ['user', 'age'], rows: [['ada', 36]] },
];

/** Everything that has to stay as it is. */
export function harmlessSamples(random: Random): Sample[] {
  const drawn = [
    () => `Merge commit ${random.text(HEX, 40)} into main`,
    () => `sha256:${random.text(HEX, 64)}`,
    () => `order ${[8, 4, 4, 4, 12].map((length) => random.text(HEX, length)).join('-')} shipped`,
    () => `parcel ${random.text(DIGITS, 12)}, order no. ${random.text(DIGITS, 10)}`,
    () =>
      `"integrity": "sha512-${random.text('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 86)}=="`,
    () =>
      `data:image/png;base64,${Buffer.from(random.text('\u0080\u0090\u00a0\u00ff\u0000\u0001', 90), 'latin1').toString('base64')}`,
    () => `2026-0${random.between(1, 9)}-02T03:04:05.${random.text(DIGITS, 6)}Z`,
    () => `the name laughp_${random.text(ALNUM, 36)} is no key by its checksum`,
    () =>
      `build 4${random.text(DIGITS, 3)}.${random.text(DIGITS, 2)}.${random.text(DIGITS, 4)}.${random.text(DIGITS, 4)}`,
    () => `logs/2026/0${random.between(1, 9)}/02/${random.text(DIGITS, 4)}/${random.text(DIGITS, 6)}.gz`,
    () => `192.168.${random.between(0, 255)}.${random.between(0, 255)}:8080`,
  ];
  const texts = [...TEXTS, ...Array.from({ length: 8 }, () => drawn.map((draw) => draw())).flat()];
  const references = FORMS.filter(([form]) => BARE_FORMS.has(form)).flatMap(([form, write]) =>
    REFERENCES.map((reference) => ({ kind: `${form}, ${reference}`, text: write('db_password', reference) })),
  );
  return [
    ...texts.map((text) => ({ section: 'harmless texts', kind: text, value: { text } })),
    ...references.map(({ kind, text }) => ({ section: 'references to secrets', kind, value: { text } })),
    ...OBJECTS.map((value) => ({ section: 'harmless objects', kind: JSON.stringify(value), value })),
  ];
}
