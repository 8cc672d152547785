import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { isUri } from '../../../lib/redaction/detectors/credentials.js';
import { draftRecord } from '../../support/draftRecord.js';
import { secretSamples } from '../../support/secretSamples.js';
import { tokenOf, tokens } from '../../support/tokens.js';

const redactor = createRedactor();
const R = '[REDACTED]';

describe('a secret that a key gives away', () => {
  /** How a text of the same record shows it. */
  const echoed = (secret: string) =>
    (redactor.value({ password: secret, note: `it was ${secret}.` }) as { note: string }).note;

  it('is hidden elsewhere if it is of eight characters to 4,096', () => {
    expect(echoed('zebra-99')).to.equal(`it was ${R}.`);
    expect(echoed('zebra-9')).to.equal('it was zebra-9.');
    const words = 'zebra '.repeat(1_000);
    expect(echoed(words.slice(0, 4_096))).to.equal(`it was ${R}.`);
    expect(echoed(words.slice(0, 4_097))).to.equal(`it was ${words.slice(0, 4_097)}.`);
  });

  it('is hidden wherever it comes, as often as it comes', () => {
    const value = {
      token: 'zebra-zebra',
      list: ['zebra-zebra', { deep: 'a zebra-zebra and a zebra-zebra' }],
    };
    expect(redactor.value(value)).to.deep.equal({ token: R, list: [R, { deep: `a ${R} and a ${R}` }] });
  });

  it('is forgotten with the record', () => {
    redactor.record(draftRecord({ tool_arguments: { password: 'zebra-zebra' } }));
    const { mcp } = redactor.record(draftRecord({ tool_arguments: { note: 'zebra-zebra' } }));
    expect(mcp?.tool_arguments).to.deep.equal({ note: 'zebra-zebra' });
  });
});

describe('a URI is told by its scheme:', () => {
  const long = 'a'.repeat(31);
  for (const text of ['ab:c', 'https://h.example', 'a1+.-:x', `${long}:x`, 'urn:a:b'])
    it(`${text} is one`, () => expect(isUri(text)).to.equal(true));
  for (const text of [
    'a:b',
    '9a:b',
    ' ab:c',
    'ab:c d',
    'ab:',
    ':b',
    `${long}a:x`,
    '-a:b',
    'hmac-sha256:ab',
    'x-hmac-sha256:ab',
  ])
    it(`${text} is none`, () => expect(isUri(text)).to.equal(false));
});

describe('the token of a secret', () => {
  it('is made of the secret alone, whatever stands beside it', () => {
    expect(tokens.text('db user:hunter2222@host')).to.equal(`db ${tokenOf('user:hunter2222')}@host`);
    expect(tokens.text('run --token hunter2222 now')).to.equal(`run --token ${tokenOf('hunter2222')} now`);
    const { pem = '' } = secretSamples();
    expect(tokens.text(`see ${pem}\nafter`)).to.equal(`see ${tokenOf(pem)}\nafter`);
  });
});

describe('the place of a cut', () => {
  it('is named from the field on, whichever field came before', () => {
    const list = Array.from({ length: 1_001 }, () => 0);
    const { truncated } = redactor.record(
      draftRecord(
        { tool_arguments: { list } },
        { policy_tags: [{ list }] as never, data: { list }, error: { list } as never },
      ),
    );
    expect(truncated?.map(({ path }) => path)).to.deep.equal([
      'mcp.tool_arguments.list',
      'policy_tags.0.list',
      'error.list',
      'data.list',
    ]);
  });

  it('is named in 256 characters at most', () => {
    let value: unknown = 'x'.repeat(9_000);
    for (let level = 0; level < 10; level++) value = { ['k'.repeat(60)]: value };
    const { truncated } = redactor.record(draftRecord({ tool_arguments: value as object }));
    expect(truncated?.[0]?.path).to.have.length(256);
  });
});

describe('bytes', () => {
  it('are shown as a text only where they are one', () => {
    for (const bytes of [
      [0xc3, 0x28, 0x61, 0x62],
      [0x61, 0xff],
      [0x61, 0xe2, 0x82],
    ])
      expect(redactor.value(Buffer.from(bytes))).to.match(/^\[\w+: \d bytes\]$/);
    expect(redactor.value(Buffer.from('grün €'))).to.equal('grün €');
  });
});
