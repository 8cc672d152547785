import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { plainSecret, secretSamples } from '../../support/secretSamples.js';

const redactor = createRedactor();
const show = (value: unknown): string => JSON.stringify(redactor.value(value));

describe('value detectors', () => {
  for (const kind of Object.keys(secretSamples())) {
    it(`find ${kind} alone, in a sentence, in JSON, in Base64, in a data URL and in bytes`, () => {
      const secret = secretSamples()[kind] ?? '';
      const needle = kind === 'pem' ? (secret.split('\n')[1] ?? '') : secret;
      const json = JSON.stringify({ note: secret, list: [secret] });
      const base64 = Buffer.from(json).toString('base64');
      for (const value of [
        secret,
        `before ${secret} after`,
        `(${secret})`,
        { deep: [{ note: secret }] },
        json,
        JSON.stringify({ inner: json }),
        base64,
        Buffer.from(json).toString('base64url'),
        `data:application/json;base64,${base64}`,
        Buffer.from(`x ${secret}`),
        new Uint8Array(Buffer.from(secret)),
        new Map([['note', secret]]),
        new Map([[secret, 1]]),
        { [secret]: 1 },
        new Set([secret]),
        new URLSearchParams({ q: secret }),
        new Error(`failed: ${secret}`, { cause: secret }),
      ]) {
        const out = show(value);
        expect(out, kind).not.to.contain(needle);
        expect(decodeRuns(out), `${kind} in Base64`).not.to.contain(needle);
      }
    });
  }

  it('[attack 19] find secrets by key in JSON inside JSON inside a string', () => {
    const secret = plainSecret();
    const inner = JSON.stringify({ password: secret, token_count: 7 });
    const out = show({ body: JSON.stringify({ body: inner }), raw: `payload=${inner}` });
    expect(out).not.to.contain(secret);
    expect(out).to.contain('token_count');
  });

  it('find a private key in PEM beside one of PuTTY', () => {
    const putty = Buffer.from(plainSecret().repeat(4)).toString('base64').slice(0, 64);
    const pem = secretSamples()['pem'] ?? '';
    const out = show(`Private-Lines: 1\n${putty}\n\n${pem}`);
    expect(out).not.to.contain(putty);
    expect(out).not.to.contain(pem.split('\n')[1]);
  });

  it('find the second track of a card by either of its separators', () => {
    for (const separator of ['=', 'D'])
      expect(show(`read 4111111111111111${separator}25121010000012300 at the till`)).to.equal(
        '"read [REDACTED] at the till"',
      );
  });

  it('find named values in running text', () => {
    for (const text of [
      (s: string) => `login failed: password=${s}`,
      (s: string) => `password: ${s}, user: ada`,
      (s: string) => `{"broken": true, "password": "${s}"`,
      (s: string) => `{\\"password\\":\\"${s}\\"}`,
      (s: string) => `curl -H 'X-Api-Key: ${s}' https://example.com`,
      (s: string) => `Authorization: Custom ${s} more`,
      (s: string) => `Cookie: a=1; sid=${s}\r\nHost: x`,
      (s: string) => `deploy --token ${s} --verbose`,
      (s: string) => `deploy --token=${s}`,
      (s: string) => `Server=db;Password=${s};Database=x`,
      (s: string) => `POST /x?api_key=${s}&page=2`,
      (s: string) => `user%5Bpassword%5D=${s}`,
      (s: string) => `password%3D${s}`,
      (s: string) => `{secret: {a: "${s}"}}`,
      (s: string) => `tokens: [${s}, ${s}]`,
    ]) {
      const secret = plainSecret();
      expect(show(text(secret)), text('…')).not.to.contain(secret);
      expect(redactor.text(text(secret)), text('…')).not.to.contain(secret);
    }
  });

  it('find what command lines and header lists say of their next element', () => {
    const secret = plainSecret();
    for (const value of [
      ['--password', secret],
      ['authorization', secret],
      { name: 'X-Api-Key', value: secret },
      new Headers({ authorization: secret }),
      { type: 'Buffer', data: [...Buffer.from(`password=${secret}`)] },
    ]) {
      expect(show(value)).not.to.contain(secret);
    }
  });

  it('find the same in JSON that is a part of a text, or a text within it', () => {
    const secret = plainSecret();
    const json = JSON.stringify({
      argv: ['run', '--token', secret],
      headers: [{ name: 'Cookie', value: secret }],
    });
    for (const text of [
      json,
      JSON.stringify(json),
      `HTTP 500: ${json}`,
      `first {"a": 1}, then [ ${json} ] and (${json}) in [REDACTED] {`,
      `{ it is not JSON } ${json}`,
    ])
      expect(redactor.text(text), text).not.to.contain(secret);
    const plain = 'HTTP 404: {"error": "no such thing",   "tries": [1, 2]}';
    expect(redactor.text(plain)).to.equal(plain);
  });

  it('find credentials after the name of their scheme, and values in the fragment of a URI', () => {
    const secret = plainSecret();
    for (const scheme of ['Bearer', 'basic', 'Negotiate', 'AWS4-HMAC-SHA256'])
      expect(show(`the server got ${scheme} ${secret} from us`), scheme).not.to.contain(secret);
    for (const fragment of [`access_token=${secret}`, `state=1&id_token=${secret}`])
      expect(show({ at: `https://app.example/cb#${fragment}` }), fragment).not.to.contain(secret);
    expect(redactor.uri(`https://app.example/cb#state=${secret}`)).to.equal(
      'https://app.example/cb#state=[REDACTED]',
    );
  });

  it('read search parameters and headers', () => {
    const api_key = plainSecret();
    for (const value of [new URLSearchParams({ api_key, q: 'x' }), new Headers({ api_key, q: 'x' })])
      expect(redactor.value(value)).to.deep.equal({ api_key: '[REDACTED]', q: 'x' });
  });

  it('leave ordinary text alone', () => {
    for (const text of [
      'quarterly revenue by region',
      '2026-01-31T12:00:00.000Z',
      '5d41402abc4b2a76b9719d911017c592',
      '123e4567-e89b-12d3-a456-426614174000',
      'https://example.com/search?q=cats&page=2#results',
      'Bearer authentication required',
      'src/components/authentication/index.ts',
      'call +1 415 555 0100 before 17:00',
      'order 1234-5678-9012-3456',
      'a: b, c = d',
      'The token count was 17 of 4096',
      Buffer.from('{"city":"Paris","n":1}').toString('base64'),
      '{"city": "Paris",  "token_count": 5}',
    ]) {
      expect(redactor.value(text), text).to.equal(text);
    }
  });

  it('find card numbers as numbers and bigints, and only by Luhn', () => {
    expect(redactor.value([4111111111111111, 4111111111111112, 4111111111111111n])).to.deep.equal([
      '[REDACTED]',
      4111111111111112,
      '[REDACTED]',
    ]);
    expect(redactor.value('4111-1111 1111-1111 and 378282246310005')).to.equal('[REDACTED] and [REDACTED]');
  });

  it('find e-mail addresses only if asked to', () => {
    expect(redactor.value('write to ada@example.com')).to.equal('write to ada@example.com');
    const strict = createRedactor({ redactValues: { email: true } });
    expect(strict.value('write to ada@example.com.')).to.equal('write to [REDACTED].');
  });

  it('can each be switched off, and joined by patterns of the user', () => {
    const { card, ssn } = secretSamples();
    const own = createRedactor({ redactValues: { card: false, patterns: [/\bEMP-\d{6}\b/] } });
    expect(own.value(`${card} ${ssn} EMP-123456`)).to.equal(`${card} [REDACTED] [REDACTED]`);
  });

  it('hide a secret that a key has given away wherever else the record quotes it', () => {
    const secret = plainSecret();
    expect(show([{ password: secret }, `the server said: ${secret} is wrong`])).not.to.contain(secret);
  });
});

describe('URIs', () => {
  it('lose userinfo, query values and fragment, and keep the rest', () => {
    expect(redactor.uri('https://u:p@example.com:8080/a/b?page=2&token=x#part')).to.equal(
      'https://[REDACTED]@example.com:8080/a/b?page=[REDACTED]&token=[REDACTED]#[REDACTED]',
    );
    expect(redactor.uri('memo://insights')).to.equal('memo://insights');
    expect(redactor.uri('file:///tmp/a.txt')).to.equal('file:///tmp/a.txt');
    expect(redactor.uri('postgres://u:p%40x@db/x')).to.equal('postgres://[REDACTED]@db/x');
    expect(redactor.uri('//u:p@h/x')).not.to.contain('u:p');
    expect(redactor.uri('https:\\\\u:p@h\\x')).not.to.contain('u:p');
    expect(redactor.uri('memo:x?only')).to.equal('memo:x?[REDACTED]');
  });

  it('lose their path by choice', () => {
    const strict = createRedactor({ uriPath: true });
    expect(strict.uri('https://h/users/7?x=1')).to.equal('https://h/[REDACTED]?x=[REDACTED]');
  });

  it('in arguments lose only what is secret', () => {
    expect(redactor.value('see https://u:p@h/x?q=cats&api_key=1 now')).to.equal(
      'see https://[REDACTED]@h/x?q=cats&api_key=[REDACTED] now',
    );
    expect(redactor.value('git clone ada:hunter22@example.com')).to.equal('git clone [REDACTED]@example.com');
  });

  it('in error texts lose all query values', () => {
    const secret = plainSecret();
    expect(redactor.text(`cannot GET https://h/x?q=${secret}#${secret}`)).not.to.contain(secret);
  });
});

/** Every Base64 run of a text decoded, again and again. */
function decodeRuns(text: string): string {
  const runs = text.match(/[A-Za-z0-9+/_-]{16,}/g) ?? [];
  return runs.map((run) => Buffer.from(run, 'base64').toString('utf8')).join('\n');
}
