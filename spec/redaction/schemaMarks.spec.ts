import { expect } from 'chai';
import { hasMarks, markedIn } from '../../lib/redaction/toolDefinition.js';

const SECRET = { type: 'string', format: 'password' };
const placesOf = (schema: unknown, value: unknown): string[] =>
  (markedIn(schema, value, [])?.places ?? []).map((place) => place.join('.')).sort();

describe('what a JSON schema marks as secret', () => {
  for (const [what, schema, value, places] of [
    ['a property', { properties: { a: SECRET, b: {} } }, { a: 'x', b: 'y' }, ['a']],
    ['what is only written', { properties: { a: { writeOnly: true } } }, { a: 1 }, ['a']],
    ['a property below', { properties: { a: { properties: { b: SECRET } } } }, { a: { b: 1 } }, ['a.b']],
    ['a whole object', { properties: { a: { writeOnly: true } } }, { a: { b: 1 } }, ['a']],
    ['items', { properties: { a: { items: SECRET } } }, { a: ['x', 'y'] }, ['a.0', 'a.1']],
    ['the first item', { prefixItems: [SECRET], items: {} }, ['x', 'y'], ['0']],
    ['the items behind the first', { items: [{}], additionalItems: SECRET }, ['x', 'y', 'z'], ['1', '2']],
    ['one of some', { oneOf: [{ properties: { a: SECRET } }, {}] }, { a: 'x' }, ['a']],
    ['any of some', { anyOf: [{}, { properties: { a: SECRET } }] }, { a: 'x' }, ['a']],
    ['all of some', { allOf: [{ properties: { a: {} } }, { properties: { a: SECRET } }] }, { a: 'x' }, ['a']],
    ['a condition', { if: {}, then: { properties: { a: SECRET } } }, { a: 'x' }, ['a']],
    ['a dependent schema', { dependentSchemas: { b: { properties: { a: SECRET } } } }, { a: 'x' }, ['a']],
    ['all other properties', { properties: { a: {} }, additionalProperties: SECRET }, { a: 1, b: 2 }, ['b']],
    ['properties by a pattern', { patternProperties: { '^x-': SECRET } }, { 'x-a': 1, b: 2 }, ['x-a']],
    ['a definition', { properties: { a: { $ref: '#/$defs/s' } }, $defs: { s: SECRET } }, { a: 'x' }, ['a']],
    [
      'an escaped pointer',
      { properties: { a: { $ref: '#/$defs/s~1t%20u' } }, $defs: { 's/t u': SECRET } },
      { a: 1 },
      ['a'],
    ],
    [
      'an anchor',
      { properties: { a: { $ref: '#s' } }, $defs: { s: { $anchor: 's', ...SECRET } } },
      { a: 'x' },
      ['a'],
    ],
    [
      'itself',
      { properties: { p: SECRET, next: { $ref: '#' } } },
      { p: 1, next: { next: { p: 2 } } },
      ['next.next.p', 'p'],
    ],
    ['nothing that is not there', { properties: { a: SECRET } }, { b: 1 }, []],
    ['nothing by inherited names', { properties: {} }, { constructor: 1 }, []],
    ['no reference elsewhere', { properties: { a: { $ref: 'https://a.example/s' } } }, { a: 1 }, []],
    [
      'what toJSON gives',
      { properties: { a: { properties: { b: SECRET } } } },
      { a: { toJSON: () => ({ b: 1 }) } },
      ['a.b'],
    ],
  ] as const)
    it(`is ${what}`, () => expect(placesOf(schema, value)).to.deep.equal(places));

  it('is found by looking through the schema once', () => {
    expect(hasMarks({ properties: { a: { items: [SECRET] } } })).to.equal(true);
    expect(hasMarks({ properties: { a: { type: 'string' } } })).to.equal(false);
    expect(hasMarks(undefined)).to.equal(false);
  });

  it('gives what stands there, to be found elsewhere', () => {
    const schema = { properties: { a: SECRET, b: { writeOnly: true } } };
    expect(markedIn(schema, { a: 'x', b: { c: ['y', 3] } }, [])?.texts).to.deep.equal(['x', 'y', '3']);
  });

  it('is all of a value that cannot be read, or is too large', () => {
    const thrower = {
      get a(): never {
        throw new Error('no');
      },
    };
    expect(placesOf({ properties: { a: SECRET } }, thrower)).to.deep.equal(['']);
    expect(placesOf({ items: SECRET }, Array(2_000).fill('x'))).to.deep.equal(['']);
    let deep: object = {};
    for (let level = 0; level < 100; level++) deep = { n: deep };
    expect(placesOf({ properties: { n: { $ref: '#' }, p: SECRET } }, deep)).to.deep.equal(['']);
  });

  it('takes a pattern that could run forever for one that matches', () => {
    const schema = { patternProperties: { '^(a+)+$': SECRET } };
    expect(placesOf(schema, { [`${'a'.repeat(50)}!`]: 1 })).to.have.length(1);
  });
});
