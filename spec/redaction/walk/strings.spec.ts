import { expect } from 'chai';
import { keepString, keepUri, isClean, redactText } from '../../../lib/redaction/walk/strings.js';
import { passOf } from '../../support/passOf.js';
import { sha256 } from '../../support/sha256.js';

const R = '[REDACTED]';
const clean = 'ab '.repeat(341);

describe('a text that is kept', () => {
  it('is clean at one look if it is short, and nothing more is searched for', () => {
    expect(isClean(`${clean}a`, passOf())).to.equal(true);
    expect(isClean(`${clean}ab`, passOf())).to.equal(false);
    expect(isClean('ab', passOf({ redactValues: { patterns: [/x/] } }))).to.equal(false);
    expect(isClean('a"b', passOf())).to.equal(false);
    const pass = passOf();
    pass.secrets.add('a secret');
    expect(isClean('ab', pass)).to.equal(false);
  });

  it('is not opened where that is not asked for', () => {
    const coded = Buffer.from('password=hunter2222').toString('base64');
    expect(redactText(coded, passOf())).not.to.equal(coded);
    expect(redactText(coded, passOf({ redactValues: { embedded: false } }))).to.equal(coded);
  });

  it('counts what it takes, and what was searched of it', () => {
    const pass = passOf();
    const before = pass.scanLeft;
    expect(keepString('abc', undefined, pass)).to.equal('abc');
    expect([pass.units, before - pass.scanLeft]).to.deep.equal([5, 0]);
    expect(keepString('password=abc', undefined, pass)).to.equal(`password=${R}`);
    expect([pass.units, before - pass.scanLeft]).to.deep.equal([5 + 21, 12]);
  });

  it('is cut though it is clean', () => {
    const pass = passOf();
    const text = 'ab '.repeat(20);
    expect(keepString(text, 'key', pass, 40)).to.equal('ab ab ab ab ab ab ab ab ab …[60 bytes]');
    expect(pass.cuts).to.deep.equal([{ path: 'key', original_bytes: 60, sha256: sha256(text) }]);
  });

  it('is whole if the budget is just enough for it, and has a note if not', () => {
    const text = 'a"b '.repeat(10);
    const pass = passOf();
    pass.scanLeft = 40;
    expect(keepString(text, 'key', pass)).to.equal(text);
    pass.scanLeft = 39;
    expect(keepString(text, 'key', pass)).to.equal('…[40 bytes]');
    expect(pass.cuts).to.deep.equal([{ path: 'key', original_bytes: 40 }]);
  });

  it('is searched as far as the budget goes, and what was not searched is not hashed', () => {
    for (const text of ['x'.repeat(20_000), 'word '.repeat(4_000)]) {
      const pass = passOf();
      pass.scanLeft = 5_000;
      const shown = keepString(text, 'key', pass, 100);
      expect(shown).to.match(/…\[20000 bytes\]$/);
      expect(text.startsWith(shown.slice(0, shown.indexOf('…')))).to.equal(true);
      expect(pass.scanLeft).to.equal(0);
      expect(pass.cuts).to.deep.equal([{ path: 'key', original_bytes: 20_000 }]);
    }
  });

  it('is searched in parts where it is long, and hashed as a whole', () => {
    const text = 'word '.repeat(60_000);
    const pass = passOf();
    pass.scanLeft = 1_000_000;
    expect(keepString(text, 'key', pass, 100)).to.match(/^(?:word ){16}wor…\[300000 bytes\]$/);
    expect(pass.scanLeft).to.equal(700_000);
    expect(pass.cuts).to.deep.equal([{ path: 'key', original_bytes: 300_000, sha256: sha256(text) }]);
  });
});

describe('a text where a URI may stand', () => {
  for (const [text, shown] of [
    ['memo:x?y=1', `memo:x?y=${R}`],
    ['see memo:x?y=1', 'see memo:x?y=1'],
    ['say password=abcdefgh def?x=1', `say password=${R} def?x=1`],
  ] as const)
    it(`is one or none: ${text}`, () => {
      const pass = passOf();
      pass.wholeUris = true;
      expect(keepUri(text, undefined, pass)).to.equal(shown);
    });
});
