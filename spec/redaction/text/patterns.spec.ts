import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { compilePattern } from '../../../lib/redaction/text/patterns.js';

const compile = (pattern: unknown) => compilePattern('here', pattern);

describe("a user's pattern", () => {
  for (const [why, ...patterns] of [
    [
      'a repeat of a repeat',
      ...['(a+)+', '(a*)*', '(?:a+)+', '(?<name>a+)+', '(\\w+)+', '(\\p{Lu}+)+', '(\\P{Lu}+)*', '(.+)+'],
      ...['([ab]+)+', '([\\]]+)+', '([^,]+)*', '(a{2,})+', '(a{12,})+', '(a+){2,}', '(a+){12,}', '(a+?)+'],
    ],
    ['no linear algorithm', '(?=a)b', '(?<!a)b', '(a)\\1'],
    ['too many steps', '((a{1,100}){1,100}b)'],
  ] as const)
    for (const pattern of patterns)
      it(`is refused for ${why}: ${pattern}`, () => {
        expect(() => compile(new RegExp(pattern, 'u'))).to.throw(ConfigError, 'here');
      });

  for (const pattern of ['(a+)', 'a+', '(a+){2}', '(ab+)+', '(a)+', '(?<name>a)+', '(?:ab)*'])
    it(`is taken: ${pattern}`, () => {
      expect(compile(new RegExp(pattern)).test('aab')).to.equal(new RegExp(pattern).test('aab'));
    });

  it('is a RegExp', () => {
    for (const other of ['a+', undefined, null, {}])
      expect(() => compile(other)).to.throw(ConfigError, 'a RegExp');
  });

  it('heeds its flags', () => {
    expect([compile(/B/i).test('b'), compile(/B/).test('b')]).to.deep.equal([true, false]);
    expect([compile(/^b/m).test('a\nb'), compile(/^b/).test('a\nb')]).to.deep.equal([true, false]);
    expect([compile(/a.b/s).test('a\nb'), compile(/a.b/).test('a\nb')]).to.deep.equal([true, false]);
  });

  it('replaces each match that is not empty, and nothing else', () => {
    const replace = (pattern: RegExp, text: string) =>
      compile(pattern).replace(text, (match) => `<${match}>`);
    expect(replace(/b*/, 'abbac')).to.equal('a<bb>ac');
    expect(replace(/b/, 'abcb')).to.equal('a<b>c<b>');
    expect(replace(/x/, 'abc')).to.equal('abc');
    expect(replace(/x*/, 'abc')).to.equal('abc');
  });
});
