import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { tokenOf, tokens } from '../../support/tokens.js';

const redactor = createRedactor();
const R = '[REDACTED]';

describe('what is encoded in a query', () => {
  const page = 'https://h.example/p';
  const inText = (query: string) => (redactor.value({ note: `${page}?${query}` }) as { note: string }).note;

  it('is judged by what it stands for', () => {
    expect(inText('to%6ben=x1&page=2')).to.equal(`${page}?to%6ben=${R}&page=2`);
    expect(inText('api+key=x1&page=2')).to.equal(`${page}?api+key=${R}&page=2`);
    expect(inText('page%7=x1&token=x2')).to.equal(`${page}?page%7=x1&token=${R}`);
  });

  it('has the token of what it stands for', () => {
    for (const [value, secret] of [
      ['a%20b', 'a b'],
      ['a+b', 'a b'],
      ['a%2Bb', 'a+b'],
      ['a%b', 'a%b'],
      ['ab', 'ab'],
    ] as const)
      expect(tokens.uri(`${page}?token=${value}`), value).to.equal(`${page}?token=${tokenOf(secret)}`);
  });
});

describe('a value that another value names', () => {
  it('has no token where its name is never tokenised', () => {
    expect(tokens.value({ name: 'cvv', value: 'abc' })).to.deep.equal({ name: 'cvv', value: R });
    expect(tokens.value({ name: 'token', value: 'abc' })).to.deep.equal({
      name: 'token',
      value: tokenOf('abc'),
    });
    expect(tokens.value({ cvv: 'abc', token: 'abc' })).to.deep.equal({ cvv: R, token: tokenOf('abc') });
    expect(tokens.value(['--cvv', 'abc'])).to.deep.equal(['--cvv', R]);
    expect(tokens.value(['--token', 'abc'])).to.deep.equal(['--token', tokenOf('abc')]);
    expect(tokens.text('run --cvv abc --token abc')).to.equal(`run --cvv ${R} --token ${tokenOf('abc')}`);
  });
});

describe('a function of the user', () => {
  it('reaches into JSON within a text, which is written anew only if it changes something', () => {
    const own = createRedactor({ custom: (value) => (value === 'x' ? 'y' : value) });
    expect(own.value({ a: '{ "b": "x" }' })).to.deep.equal({ a: '{"b":"y"}' });
    expect(own.value({ a: '{ "b": "z" }' })).to.deep.equal({ a: '{ "b": "z" }' });
  });

  it('that fails there costs the value alone', () => {
    const own = createRedactor({
      custom: (value) => {
        if (value === 'x') throw new Error('mine');
        return value;
      },
    });
    expect(own.value({ a: '{ "b": "x", "c": 1 }' })).to.deep.equal({ a: '{"b":"[REDACTION FAILED]","c":1}' });
  });

  it('sees neither objects nor nothing', () => {
    const seen: unknown[] = [];
    const own = createRedactor({ custom: (value) => (seen.push(value), value) });
    own.value({ a: null, b: undefined, c: {}, d: [1, true, 2n, 's'] });
    expect(seen).to.deep.equal([1, true, 2n, 's']);
  });
});

describe('a property whose name had to change', () => {
  it('is one like any other', () => {
    const kept = redactor.value(JSON.parse('{"a\\ud800":1,"b":2,"__proto__":3}')) as object;
    expect(Object.keys(kept)).to.deep.equal(['a\ufffd', 'b', '__proto__']);
    for (const [name, { value, ...rest }] of Object.entries(Object.getOwnPropertyDescriptors(kept)))
      expect(rest, `${name} ${value}`).to.deep.equal({
        writable: true,
        enumerable: true,
        configurable: true,
      });
  });

  it('does not take the place of another', () => {
    const given = { 'a\ud800': 1, 'a\ufffd': 2, 'a\udc00': 3 };
    expect(redactor.value(given)).to.deep.equal({ 'a\ufffd': 1, 'a\ufffd (2)': 2, 'a\ufffd (3)': 3 });
  });
});

describe('a list that is nested in a text', () => {
  for (const [text, shown] of [
    ['[["authorization","x1"]]', `[["authorization","${R}"]]`],
    ['[1,{"name":"token","value":"x1"}]', `[1,{"name":"token","value":"${R}"}]`],
    [
      'got [["authorization","x1"]] and {"list":["--token","x1"]}',
      `got [["authorization","${R}"]] and {"list":["--token","${R}"]}`,
    ],
    ['[ [ "authorization", "x1" ] ]', `[["authorization","${R}"]]`],
  ] as const)
    it(`is walked: ${text}`, () => expect(redactor.text(text)).to.equal(shown));
});
