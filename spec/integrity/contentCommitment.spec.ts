import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { openCommitmentKey, readCommitmentKeys } from '../../lib/integrity/commitmentKeys.js';
import {
  commitmentKey,
  commitTo,
  commitToContent,
  formatSalt,
  parseSalt,
  saltOf,
} from '../../lib/integrity/contentCommitment.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const RECORD = '0197f5c0-7d1f-7b3a-9c55-0123456789ab';

describe('a commitment to content', () => {
  const bytes = randomBytes(32);
  const key = commitmentKey(bytes);
  const salt = saltOf(key, RECORD);

  it('is the HMAC that node:crypto gives, for texts of every length and alphabet', () => {
    const saltBytes = createHmac('sha256', bytes).update(RECORD).digest();
    expect(formatSalt(salt)).to.equal(saltBytes.toString('hex'));
    for (const letter of ['a', 'é', '€', '😀', '\u0000'])
      for (const length of [0, 1, 45, 54, 55, 56, 64, 119, 1000, 4086, 4087, 4096, 20_000]) {
        const text = letter.repeat(length);
        const expected = createHmac('sha256', saltBytes).update(`result\n${text}`).digest('hex');
        expect(commitTo(salt, 'result', text), `${length} of ${letter}`).to.equal(expected);
      }
  });

  it('names a key by a digest of it', () => {
    const id = createHmac('sha256', bytes).update('otel-mcp-log commitment key').digest('hex').slice(0, 16);
    expect(key.id).to.equal(id);
  });

  it('differs by key, by record and by part', () => {
    const digest = commitTo(salt, 'arguments', '{}');
    expect(commitTo(salt, 'result', '{}')).not.to.equal(digest);
    expect(commitTo(saltOf(key, RECORD.replace('0', '1')), 'arguments', '{}')).not.to.equal(digest);
    expect(commitTo(saltOf(commitmentKey(randomBytes(32)), RECORD), 'arguments', '{}')).not.to.equal(digest);
  });

  it('is to the JSON that goes over the wire, whatever the order of its keys', () => {
    const sent = {
      b: undefined,
      when: new Date(0),
      a: [Number.NaN, undefined],
      z: { toJSON: () => 'as text' },
    };
    const arrived: unknown = JSON.parse(JSON.stringify(sent));
    expect(arrived).to.deep.equal({ a: [null, null], when: '1970-01-01T00:00:00.000Z', z: 'as text' });
    expect(commitToContent(salt, 'arguments', sent)).to.deep.equal(
      commitToContent(salt, 'arguments', arrived),
    );
    expect(commitToContent(salt, 'arguments', new Number(7))).to.deep.equal(
      commitToContent(salt, 'arguments', 7),
    );
  });

  it('says what it is not made to', () => {
    const circle: unknown[] = [];
    circle.push(circle);
    const trap = {
      get secret(): never {
        throw new Error('no');
      },
    };
    for (const content of [10n, { n: 10n }, circle, trap])
      expect(commitToContent(salt, 'result', content)).to.deep.equal({ leftOut: 'not_json' });
    const large = [
      'x'.repeat(50_000_000),
      Array.from({ length: 2_000_000 }, () => 1),
      Buffer.alloc(5_000_000),
    ];
    for (const content of large)
      expect(commitToContent(salt, 'result', content)).to.deep.equal({ leftOut: 'too_large' });
    expect(commitToContent(salt, 'result', 'x'.repeat(1_048_574))).to.have.property('digest');
  });

  it('is checked with openssl and jq alone', function () {
    const folder = temporaryFolder();
    const content = { z: 'naïve €', a: [1, 2.5, true, null], 'b c': { y: '"', x: [] } };
    const digest = commitToContent(salt, 'result', content);
    try {
      writeFileSync(join(folder.path, 'content.json'), JSON.stringify(content, undefined, 2));
      const script = `
        salt=$(printf '%s' ${RECORD} | openssl dgst -sha256 -mac HMAC -macopt hexkey:${bytes.toString('hex')} | sed 's/.* //')
        { printf 'result\\n'; jq -cjS . content.json; } | openssl dgst -sha256 -mac HMAC -macopt hexkey:$salt | sed 's/.* //'`;
      const out = execFileSync('sh', ['-c', script], { cwd: folder.path, encoding: 'utf8' });
      expect(digest).to.deep.equal({ digest: out.trim() });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || /not found/.test(String(error))) this.skip();
      throw error;
    } finally {
      folder.remove();
    }
  });

  it('reads back the salt that it writes, and nothing else', () => {
    expect(parseSalt(formatSalt(salt))).to.equal(salt);
    for (const other of [
      undefined,
      '',
      'x'.repeat(64),
      `${formatSalt(salt)}0`,
      formatSalt(salt).toUpperCase(),
      7,
    ])
      expect(parseSalt(other)).to.equal(undefined);
  });
});

describe('the keys of commitments', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'audit.jsonl.commitment.key');
  });
  afterEach(() => folder.remove());

  it('are made once, readable by their owner alone', () => {
    const made = openCommitmentKey('commitmentKey', path);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(openCommitmentKey('commitmentKey', path)).to.deep.equal(made);
  });

  it('are several after a change: the last is in use, and all open their records', () => {
    const old = openCommitmentKey('commitmentKey', path);
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n# since May\n${randomBytes(32).toString('hex')}`);
    const now = openCommitmentKey('commitmentKey', path);
    expect(now.id).not.to.equal(old.id);
    expect(readCommitmentKeys('commitmentKey', path)).to.deep.equal([old, now]);
  });

  it('are refused where others may read them, and where there are none, without a word of what is there', () => {
    openCommitmentKey('commitmentKey', path);
    chmodSync(path, 0o644);
    expect(() => openCommitmentKey('commitmentKey', path)).to.throw(ConfigError, /mode 0600/);
    for (const text of ['', '# nothing', 'hunter2hunter2', `${'a'.repeat(64)}\n${'b'.repeat(63)}`]) {
      writeFileSync(path, text);
      chmodSync(path, 0o600);
      expect(() => openCommitmentKey('commitmentKey', path), text)
        .to.throw(ConfigError, /64 hex digits/)
        .with.property('message')
        .that.does.not.match(/hunter2|aaaa/);
    }
    expect(() => openCommitmentKey('commitmentKey', join(path, 'below'))).to.throw(
      ConfigError,
      /cannot be made/,
    );
  });
});
