import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { compileKeys, KeyVerdict } from '../../lib/redaction/keys.js';
import { keepName, noteCut } from '../../lib/redaction/names.js';
import { passOf } from '../support/passOf.js';

const R = '[REDACTED]';
const judged = () => ({ verdict: KeyVerdict.keep, plain: false });
const judgeOf = (patterns: unknown[], defaults: string[] = []) =>
  compileKeys('here', patterns, defaults, (key) => key === 'plain');

describe('a key in a record', () => {
  it('stands as it is where that is known', () => {
    expect(keepName('password=abc', { verdict: KeyVerdict.keep, plain: true }, passOf())).to.equal(
      'password=abc',
    );
  });

  it('is known once it was found clean, unless that may change', () => {
    const facts = judged();
    expect([keepName('a=b', facts, passOf()), facts.plain]).to.deep.equal(['a=b', true]);
    for (const [key, shown] of [
      ['password=abc', `password=${R}`],
      ['__proto__', '__proto__'],
      ['\ud800', '\ufffd'],
    ] as const) {
      const other = judged();
      expect([keepName(key, other, passOf()), other.plain]).to.deep.equal([shown, false]);
    }
    const pass = passOf();
    pass.giveAway('a secret');
    const late = judged();
    expect([keepName('a=b', late, pass), late.plain]).to.deep.equal(['a=b', false]);
  });

  it('has 256 units at most, and no half of a mark', () => {
    const shown = (key: string) => keepName(key, judged(), passOf());
    expect(shown('x '.repeat(128))).to.equal('x '.repeat(128));
    expect(shown(`${'x '.repeat(128)}x`)).to.equal(`${'x '.repeat(127)}x…`);
    expect(shown(`${'x '.repeat(124)}password=abcdef`)).to.equal(`${'x '.repeat(124)}passwor…`);
    expect(shown(`${'x '.repeat(121)}token=abcdef`)).to.equal(`${'x '.repeat(121)}token=…`);
  });
});

describe('a note of what was cut', () => {
  it('says where, without the secrets in the way', () => {
    const pass = passOf();
    pass.path.push('mcp', 'password=abc');
    noteCut('key', { original_bytes: 5 }, pass);
    noteCut(undefined, {}, pass);
    expect(pass.cuts).to.deep.equal([
      { path: `mcp.password=${R}.key`, original_bytes: 5 },
      { path: `mcp.password=${R}` },
    ]);
    // Two cuts, and a key with a secret in it each time.
    expect(pass.changes).to.equal(4);
  });

  it('has its bounds, in number and in length', () => {
    const pass = passOf();
    pass.path.push(...Array.from({ length: 100 }, () => 'abcd'));
    for (let n = 0; n < 20; n++) noteCut(undefined, {}, pass);
    expect([pass.changes, pass.cuts.length, pass.cuts[0]?.path.length]).to.deep.equal([20, 16, 256]);
  });
});

describe('a judge of keys', () => {
  it('knows names, the plural, and what only describes or counts', () => {
    const judge = judgeOf([], ['token', 'cvv', 'api key']);
    const verdicts = (...keys: string[]) => keys.map((key) => judge(key).verdict);
    expect(verdicts('token', 'tokens', 'xToken', 'API-KEYS', 'x.apikey')).to.deep.equal([1, 1, 1, 1, 1]);
    expect(verdicts('max_tokens', 'token_count', 'cvv2_policy', 'tok', 'tokenss', '')).to.deep.equal([
      ...[0, 0, 0, 0, 0, 0],
    ]);
    expect(verdicts('cvv', 'cvv2', 'token_cvv', 'cvv_token')).to.deep.equal([2, 2, 2, 2]);
  });

  it('asks expressions where no name matches', () => {
    const judge = judgeOf([/^x\d$/, 'colour']);
    expect(['x1', 'x', 'colour', 'plain'].map((key) => judge(key).verdict)).to.deep.equal([1, 0, 1, 0]);
    expect(['x1', 'plain'].map((key) => judge(key).plain)).to.deep.equal([false, true]);
  });

  it('looks at both ends of a long key', () => {
    const judge = judgeOf([], ['password', 'cvv']);
    const rest = 'x '.repeat(200);
    const keys = [`password ${rest}`, `${rest}password`, `${rest}password ${rest}`, `cvv ${rest}password`];
    expect(keys.map((key) => judge(key).verdict)).to.deep.equal([1, 1, 0, 2]);
    const longest = `${'x '.repeat(124)}password`;
    expect([judge(longest).verdict, judge(`x${longest}`).verdict]).to.deep.equal([1, 1]);
  });

  it('remembers some thousands of keys of usual length', () => {
    const judge = judgeOf([]);
    const first = judge('first');
    expect(judge('first')).to.equal(first);
    const long = 'x'.repeat(257);
    expect(judge(long)).not.to.equal(judge(long));
    for (let n = 0; n < 4_095; n++) judge(`key ${n}`);
    expect(judge('first')).to.equal(first);
    judge('one more');
    expect(judge('first')).not.to.equal(first);
  });

  it('is made of names and expressions', () => {
    for (const patterns of [['--'], [''], [5], [null]])
      expect(() => judgeOf(patterns), String(patterns)).to.throw(ConfigError, 'here');
    expect(() => judgeOf(['a', ''])).to.throw(ConfigError, 'here[1]');
    expect(() => judgeOf(['a', /(?=x)/])).to.throw(ConfigError, 'here[1]');
  });
});
