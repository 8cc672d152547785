import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { tokenOf, tokens } from '../../support/tokens.js';

const redactor = createRedactor();
const R = '[REDACTED]';

/** A test for each text and what is shown of it. */
function shows(table: readonly (readonly [text: string, shown: string])[]): void {
  for (const [text, shown] of table)
    it(`${JSON.stringify(text).slice(0, 70)}${text === shown ? ' stays' : ''}`, () =>
      expect(redactor.text(text)).to.equal(shown));
}

describe('JSON within a text is walked, and is JSON still:', () => {
  shows([
    ['{"password":12345}', `{"password":"${R}"}`],
    [' {"password":[1,2]}', `{"password":"${R}"}`],
    ['[{"token":{"a":1}}]', `[{"token":"${R}"}]`],
    ['"{\\"password\\":1}"', `"{\\"password\\":\\"${R}\\"}"`],
    ['HTTP 500: {"list":["--token","abcdef12"]}', `HTTP 500: {"list":["--token","${R}"]}`],
    [
      'a [["authorization","x1"]] b [["authorization","y1"]] c',
      `a [["authorization","${R}"]] b [["authorization","${R}"]] c`,
    ],
    ['{ "a" : 1 }', '{ "a" : 1 }'],
    ['{"a":"b"', '{"a":"b"'],
    ['5 [1,2] {"a":[3]}', '5 [1,2] {"a":[3]}'],
  ]);
});

describe('a token that is told by its shape goes, and nothing beside it:', () => {
  shows([
    ['x eyJhbGciOiJub25lIn0.abc y eyJhbGciOiJub25lIn0.def z', `x ${R} y ${R} z`],
    // Five parts at most (RFC 7516).
    ['eyJhbGciOiJub25lIn0.a.b.c.d.e', `${R}.e`],
    ['eyJ4567890123.12', R],
    ['eyJ456789012.12', 'eyJ456789012.12'],
    ['eyJ.a', 'eyJ.a'],
    ['eyJhbGciOiJub25lIn0', 'eyJhbGciOiJub25lIn0'],
    ['user:pw1@host', `${R}@host`],
    ['db user:pw1@host.example/p', `db ${R}@host.example/p`],
    ['user: pw@host', 'user: pw@host'],
    [
      '-----END RSA PRIVATE KEY-----\n-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nafter',
      `-----END RSA PRIVATE KEY-----\n${R}\nafter`,
    ],
  ]);
});

describe('a key with numbers in it', () => {
  for (const key of ['token_2', 'password_10', 'token_2b', 'tokens'])
    it(`hides its value: ${key}`, () => expect(redactor.value({ [key]: 'v' })).to.deep.equal({ [key]: R }));
  for (const key of ['cvv2_policy', 'token_2_count', 'token2count', 'max_tokens', 'count_tokens'])
    it(`does not where it only describes one: ${key}`, () =>
      expect(redactor.value({ [key]: 'v' })).to.deep.equal({ [key]: 'v' }));

  it('is searched itself where the policy looks for more than it does by default', () => {
    const patterns = createRedactor({ redactValues: { patterns: [/secretword/] } });
    expect(patterns.value({ 'my secretword': 1, mine: 2 })).to.deep.equal({ [`my ${R}`]: 1, mine: 2 });
    const emails = createRedactor({ redactValues: { email: true } });
    expect(emails.value({ 'ada@host.example': 1 })).to.deep.equal({ [R]: 1 });
  });
});

describe('a URI of its own', () => {
  it('shows tokens for secrets, but none of what is never tokenised', () => {
    expect(tokens.uri('https://h.example/?cvv=123&token=abc')).to.equal(
      `https://h.example/?cvv=${R}&token=${tokenOf('abc')}`,
    );
  });

  it('hides its path where that is asked for, and nothing where there is none', () => {
    const paths = createRedactor({ uriPath: true });
    for (const [uri, shown] of [
      ['https://h.example/users/ada', `https://h.example/${R}`],
      ['https://h.example/', 'https://h.example/'],
      ['https://h.example', 'https://h.example'],
      ['memo:insights', `memo:${R}`],
    ] as const)
      expect(paths.uri(uri)).to.equal(shown);
    expect(paths.value('see https://h.example/users/ada')).to.equal('see https://h.example/users/ada');
  });
});
