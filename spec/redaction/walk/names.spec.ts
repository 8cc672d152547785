import { expect } from 'chai';
import { KeyVerdict } from '../../../lib/redaction/keys/keyNames.js';
import { keepName, noteCut } from '../../../lib/redaction/walk/strings.js';
import { passOf } from '../../support/passOf.js';

const R = '[REDACTED]';
const judged = () => ({ verdict: KeyVerdict.keep, plain: false, role: 0 });

describe('a key in a record', () => {
  it('stands as it is where that is known', () => {
    expect(keepName('password=abc', { verdict: KeyVerdict.keep, plain: true, role: 0 }, passOf())).to.equal(
      'password=abc',
    );
  });

  it('is known once it was found clean, unless that may change', () => {
    const facts = judged();
    expect([keepName('a"b', facts, passOf()), facts.plain]).to.deep.equal(['a"b', true]);
    for (const [key, shown] of [
      ['password=abc', `password=${R}`],
      ['__proto__', '__proto__'],
      ['\ud800', '\ufffd'],
    ] as const) {
      const other = judged();
      expect([keepName(key, other, passOf()), other.plain]).to.deep.equal([shown, false]);
    }
    const pass = passOf();
    pass.secrets.add('a secret');
    const late = judged();
    expect([keepName('a"b', late, pass), late.plain]).to.deep.equal(['a"b', false]);
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
