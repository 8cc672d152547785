import { expect } from 'chai';
import { Marker } from '../../../lib/redaction/text/replacement.js';
import { convert } from '../../../lib/redaction/walk/values.js';

const BREADTH = 2;
const converted = (source: object) => convert(source, BREADTH);

function* numbers() {
  yield 1;
}

describe('an object that JSON has no word for', () => {
  const date = new Date('2026-01-02T03:04:05.678Z');
  for (const [title, source, value] of [
    ['a date', date, '2026-01-02T03:04:05.678Z'],
    ['no date', new Date(NaN), Marker.invalidDate],
    ['readable bytes', Buffer.from('abc'), 'abc'],
    ['readable bytes of a larger buffer', new Uint8Array(Buffer.from('abcdef').buffer, 0, 0), ''],
    ['a buffer of readable bytes', new TextEncoder().encode('abc').slice().buffer, 'abc'],
    ['bytes with escapes of a terminal', Buffer.from('\x1b[0m\f\t\r\n'), '\x1b[0m\f\t\r\n'],
    ['bytes with controls', new Uint8Array([0x61, 0x01]), '[Uint8Array: 2 bytes]'],
    ['bytes with a vertical tab', new Uint8Array([0x0b]), '[Uint8Array: 1 bytes]'],
    ['bytes with a separator', new Uint8Array([0x1c]), '[Uint8Array: 1 bytes]'],
    ['bytes that are no text', new Uint8Array([0xff, 0xfe, 0xfd]), '[Uint8Array: 3 bytes]'],
    ['a buffer that is no text', new Uint8Array([0xff]).buffer, '[ArrayBuffer: 1 bytes]'],
    ['an address', new URL('https://h/a?b=c'), 'https://h/a?b=c'],
    ['a number in a box', new Number(5), 5],
    ['a text in a box', new String('x'), 'x'],
    ['an expression', /a+/g, '/a+/g'],
    ['a promise', Promise.resolve(1), '[Promise]'],
    ['a weak map', new WeakMap(), '[Weak collection]'],
    ['a weak set', new WeakSet(), '[Weak collection]'],
    ['a generator', numbers(), '[Generator]'],
  ] as const)
    it(`is told in its own way: ${title}`, () => expect(converted(source)).to.deep.equal({ value }));

  for (const [title, source, value, size] of [
    ['names and values', new Map([['a', 1], ['b', 2]]), { a: 1, b: 2 }, 2], // prettier-ignore
    ['keys that are no texts', new Map<unknown, unknown>([[1, 'a'], ['1', 'b']]), [[1, 'a'], ['1', 'b']], 2], // prettier-ignore
    ['nothing', new Map(), {}, 0],
    ['some of many', new Map('abcd'.split('').map((key) => [key, 1])), { a: 1, b: 1, c: 1 }, 4],
    ['items', new Set([1, 2]), [1, 2], 2],
    ['some of many items', new Set([1, 2, 3, 4]), [1, 2, 3], 4],
  ] as const)
    it(`is walked as what it holds, and its size is told: ${title}`, () =>
      expect(converted(source)).to.deep.equal({ value, size }));

  for (const [title, source, value] of [
    ['parameters', new URLSearchParams('a=1&b=2'), { a: '1', b: '2' }],
    ['parameters of one name', new URLSearchParams('a=1&a=2'), [['a', '1'], ['a', '2']]], // prettier-ignore
    ['headers', new Headers({ a: '1' }), { a: '1' }],
  ] as const)
    it(`is walked as what it holds: ${title}`, () => expect(converted(source)).to.deep.equal({ value }));

  it('is walked by its own properties if it is none of these', () => {
    class Own {
      readonly a = 1;
    }
    for (const source of [new Own(), {}, Object.create(null) as object, { [Symbol.toStringTag]: 'Date' }])
      expect(converted(source)).to.equal(undefined);
  });

  it('tells of an error what it says, and what lies behind it', () => {
    const cause = new Error('behind');
    const error = Object.assign(new AggregateError([cause], 'all', { cause }), {
      code: 'E',
      own: 1,
      none: undefined,
    });
    const { stack } = error;
    const parts = {
      name: 'AggregateError',
      message: 'all',
      code: 'E',
      stack,
      cause,
      errors: [cause],
      own: 1,
    };
    expect(converted(error)).to.deep.equal({ value: parts });
    const bad = Object.defineProperty(new Error('x'), 'code', {
      get: () => {
        throw new Error('no');
      },
    });
    expect(converted(bad)?.value).to.deep.include({ name: 'Error', message: 'x', code: Marker.threw });
    expect(converted(bad)?.value).not.to.have.property('cause');
    const like = Object.create(Error.prototype, { message: { value: 'like one' } }) as object;
    expect(converted(like)?.value).to.deep.include({ name: 'Error', message: 'like one' });
  });
});
