import { expect } from 'chai';
import { commandLine } from '../../../lib/redaction/commandLine.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { compilePolicies } from '../../../lib/redaction/policy/policy.js';
import { splitsPair } from '../../../lib/redaction/walk/strings.js';
import { draftRecord } from '../../support/draftRecord.js';
import { secretSamples } from '../../support/secretSamples.js';
import { tokenOf, TOKENS } from '../../support/tokens.js';

const redactor = createRedactor();
const R = '[REDACTED]';

describe('one look at a text', () => {
  const { look } = compilePolicies({})(undefined);

  for (const text of [
    '',
    'hello world',
    'a well-known name',
    'abcdefghijklmno',
    '12345678',
    'café',
    'v1.2.3',
    'a/b',
    '5-4',
  ])
    it(`finds nothing in ${JSON.stringify(text)}`, () => expect(look(text)).to.equal(0));

  const suspicious = [
    ...['password', 'my_api_key', '{', '[', '"', '@', '\\', 'https://x', '--token', 'curl -x', 'Bearer'],
    ...['abcdefghijklmnop', '123456789', '1 2 3 4 5 6 7 8 9', '\ud800', 'a\udfff', 'ghp_', 'eyJ', 'a\u200bb'],
  ];
  for (const text of suspicious)
    it(`is not enough for ${JSON.stringify(text)}`, () => expect(look(text)).not.to.equal(0));

  it('overlooks no secret that is known by its shape', () => {
    for (const [kind, secret] of Object.entries(secretSamples()))
      if (kind !== 'email') expect(look(secret), kind).not.to.equal(0);
  });
});

describe('the second half of a pair', () => {
  for (const [text, index, second] of [
    ['😀', 1, true],
    ['😀', 0, false],
    ['😀', 2, false],
    ['a\udc00', 1, false],
    ['\ud7ff\udc00', 1, false],
    ['\ud800\udc00', 1, true],
    ['\udbff\udfff', 1, true],
    ['\udc00\udc00', 1, false],
    ['\ud800\udbff', 1, false],
    ['\ud800\ue000', 1, false],
    ['\udc00', 0, false],
  ] as const)
    it(`${second ? 'stands' : 'does not stand'} at ${index} of ${JSON.stringify(text)}`, () => {
      expect(splitsPair(text, index)).to.equal(second);
    });
});

describe('a name and its value in a text', () => {
  for (const [text, shown] of [
    ['password9=hunter2222', `password9=${R}`],
    ['password/x=1', 'password/x=1'],
    ['password="abc" token="def"', `password="${R}" token="${R}"`],
    ['password="abc', `password="${R}`],
    [`${'x'.repeat(200)}_password=hunter2222`, `${'x'.repeat(200)}_password=${R}`],
    ['a%5Bpassword%5D=x1', `a%5Bpassword%5D=${R}`],
    ['password%3Dhunter2222', `password%3D${R}`],
    ['run -token abc', `run -token ${R}`],
    ['run --token abc', `run --token ${R}`],
    ['run --token   abc', `run --token   ${R}`],
    ['"--token abc"', `"--token ${R}"`],
    ['(--token=abc)', `(--token=${R})`],
    ['x--token abc', 'x--token abc'],
    ['--9token abc', '--9token abc'],
    ['see --token', 'see --token'],
    ['run --token --verbose', 'run --token --verbose'],
  ] as const)
    it(`shows no secret, and all else: ${text.slice(-40)}`, () =>
      expect(redactor.text(text)).to.equal(shown));

  for (const kind of ['services', 'workflows', 'triggers'])
    it(`is the end of a hook's address, too: ${kind}`, () => {
      const address = `https://hooks.slack.com/${kind}`;
      expect(redactor.text(`${address}/T000/B000/XXXXXXXX`)).to.equal(`${address}/${R}`);
      expect(redactor.text(`${address}/short`)).to.equal(`${address}/short`);
    });

  it('is a flag of a command with its argument, and no word that only holds one', () => {
    const shown = (...words: string[]) => commandLine(words, redactor);
    expect(shown('run', '/token', 'abc')).to.equal(`run /token ${R}`);
    expect(shown('run', 'x/token', 'abc')).to.equal('run x/token abc');
    expect(shown('run', '--token;', 'abc')).to.equal('run --token; abc');
  });
});

describe('what stands within Base64', () => {
  const inside = (text: string) => `{"note":"${text}","password":"hunter2222"}`;
  const hidden = (text: string) => `{"note":"${text}","password":"${R}"}`;
  // Of every length modulo three, so with and without padding; the last bring characters in which the two alphabets differ.
  for (const note of ['', 'a', 'ab', '??>>~~', '>>>???a', '~~~???>>>ab'])
    for (const alphabet of ['base64', 'base64url'] as const)
      it(`is hidden, and encoded again as it was: ${note} in ${alphabet}`, () => {
        const encode = (text: string) => Buffer.from(text).toString(alphabet);
        const decoded = Buffer.from(redactor.text(encode(inside(note))), 'base64').toString();
        expect(decoded).to.equal(hidden(note));
        const letters = alphabet === 'base64' ? /^[A-Za-z0-9+/]+={0,2}$/ : /^[\w-]+$/;
        expect(redactor.text(encode(inside(note)))).to.match(letters);
      });

  it('is found however often it comes, be it known by a walk alone', () => {
    const encoded = (value: string) => Buffer.from(`[["authorization","${value}"]]`).toString('base64');
    // Too short to be looked for elsewhere once one of them is known.
    const texts = Array.from({ length: 12 }, (_, index) => encoded(`x${index}`));
    expect(redactor.text(texts.join(' '))).to.equal(Array(12).fill(encoded(R)).join(' '));
  });
});

describe('bytes and addresses', () => {
  it('are texts where they can be', () => {
    expect(redactor.value(Buffer.from('password=hunter2222'))).to.equal(`password=${R}`);
    expect(redactor.value(new Uint8Array([0xff, 0xfe, 1]))).to.equal('[Uint8Array: 3 bytes]');
    expect(redactor.value(new URL('https://u:p@h.example/a?token=1'))).to.equal(
      `https://${R}@h.example/a?token=${R}`,
    );
  });
});

describe('a record', () => {
  it('holds the token of a field that a path hides, where tokens stand for secrets', () => {
    const hiding = createRedactor({ ...TOKENS, redactPaths: ['actor_id'] });
    expect(hiding.record(draftRecord()).actor_id).to.equal(tokenOf('user-1'));
  });

  it('has its bound though none of its values is too large', () => {
    const half = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`k${index}`, 'y'.repeat(1_000)]),
    );
    const record = redactor.record(draftRecord({ tool_arguments: half }, { data: half }));
    expect(Buffer.byteLength(JSON.stringify(record))).to.be.within(50_000, 65_535);
    expect(record.truncated?.map(({ path }) => path)).to.deep.equal(['data', 'mcp.tool_arguments']);
  });
});
