import { expect } from 'chai';
import type { RedactionOptions } from '../../../lib/redaction/policy/options.js';
import { FAILED, REDACTED } from '../../../lib/redaction/text/replacement.js';
import { GONE, hideValue, keepScalar } from '../../../lib/redaction/walk/values.js';
import { passOf } from '../../support/passOf.js';
import { TOKENS } from '../../support/tokens.js';

/** What becomes of a value, and how many changes that counts as. */
function kept(value: unknown, options: RedactionOptions = {}): [unknown, number] {
  const pass = passOf(options);
  return [keepScalar(value, 'key', pass), pass.changes];
}

describe('a value that is no object', () => {
  for (const [value, shown, changes] of [
    [5, 5, 0],
    [-1.5, -1.5, 0],
    [NaN, '[NaN]', 0],
    [-Infinity, '[-Infinity]', 0],
    [4111111111111111, REDACTED, 1],
    [4111111111111112, 4111111111111112, 0],
    [4111111111111111n, REDACTED, 1],
    [5n, '5n', 0],
    [true, true, 0],
    [null, null, 0],
    [undefined, undefined, 0],
    ['hello', 'hello', 0],
  ] as const)
    it(`is shown as it is, unless it is a card's number: ${String(value)}`, () =>
      expect(kept(value)).to.deep.equal([shown, changes]));

  it('is shown as it is where cards are not looked for', () =>
    expect(kept(4111111111111111, { redactValues: { card: false } })[0]).to.equal(4111111111111111));

  it('counts what a number takes on a line', () => {
    const pass = passOf();
    keepScalar(5, undefined, pass);
    expect([pass.units, pass.slack]).to.deep.equal([1, 24]);
  });
});

describe("a value as a user's function has it", () => {
  for (const [title, custom, shown, changes] of [
    ['as it was', (value: unknown) => value, 'abc', 0],
    ['another', () => 'other', 'other', 1],
    ['null', () => null, null, 1],
    ['hidden', () => undefined, REDACTED, 1],
    ['no scalar', () => ({}), FAILED, 1],
    [
      'thrown at',
      () => {
        throw new Error('no');
      },
      FAILED,
      1,
    ],
  ] as const)
    it(`is ${title}`, () =>
      expect(kept('abc', { custom: custom as NonNullable<RedactionOptions['custom']> })).to.deep.equal([
        shown,
        changes,
      ]));

  it('is told where the value stands', () => {
    const places: string[] = [];
    const pass = passOf({
      custom: (value, path) => {
        places.push(path);
        return value;
      },
    });
    pass.path.push('mcp', 'tool_arguments');
    keepScalar('a', 'key', pass);
    keepScalar('a', undefined, pass);
    keepScalar(null, 'key', pass);
    expect(places).to.deep.equal(['mcp.tool_arguments.key', 'mcp.tool_arguments']);
  });

  it('is a token where it hides something and tokens stand for secrets', () => {
    expect(kept('abc', { ...TOKENS, custom: () => undefined })[0]).to.match(/^hmac-sha256:/);
  });
});

describe('a value that a key hides', () => {
  it('is nothing where there was nothing', () => {
    for (const value of [null, undefined]) expect(hideValue(value, passOf(), false)).to.equal(value);
  });

  it('is a token of its text, or the mask where it has none or must have none', () => {
    const pass = passOf(TOKENS);
    const token = hideValue('5', pass, false);
    expect(token).to.match(/^hmac-sha256:/);
    expect([hideValue(5, pass, false), hideValue(5n, pass, false)]).to.deep.equal([token, token]);
    expect([hideValue('5', pass, true), hideValue({}, pass, false)]).to.deep.equal([REDACTED, REDACTED]);
  });

  it('is gone, and counted, where secrets are dropped', () => {
    const pass = passOf({ replacement: 'drop' });
    expect(hideValue('a secret', pass, false)).to.equal(GONE);
    expect([pass.changes, pass.slack, [...pass.secrets]]).to.deep.equal([1, 0, ['a secret', 'a%20secret']]);
  });

  it('counts what it takes on a line', () => {
    const pass = passOf();
    hideValue('x', pass, false);
    expect([pass.changes, pass.slack]).to.deep.equal([1, 80]);
  });
});
