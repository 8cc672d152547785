import { expect } from 'chai';
import fc from 'fast-check';
import { addToMeta, itemsOf, memberOf, valueIn } from '../../lib/relay/jsonText.js';

const MEMBERS = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

function added(text: string): string {
  const { at, text: member } = addToMeta(text, valueIn(text), MEMBERS);
  return text.slice(0, at) + member + text.slice(at);
}

/** JSON text with white space in all the places where it may stand. */
const spaced: fc.Arbitrary<string> = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.array(fc.constantFrom('', ' ', '\t', '\r', ' \n ')))
  .map(([json, spaces]) => {
    let index = 0;
    return json.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token) => {
      const space = spaces.length === 0 ? '' : spaces[index++ % spaces.length];
      return `${space}${token}${space}`;
    });
  });

describe('the place of a member in JSON text', () => {
  it('is where _meta ends, where there is one', () => {
    expect(added('{"id":1,"params":{"_meta":{"a":1},"b":2}}')).to.equal(
      `{"id":1,"params":{"_meta":{"a":1,"traceparent":"${MEMBERS.traceparent}"},"b":2}}`,
    );
  });

  it('is made where there is none', () => {
    const meta = `"_meta":${JSON.stringify(MEMBERS)}`;
    expect(added('{"id":1,"params":{}}')).to.equal(`{"id":1,"params":{${meta}}}`);
    expect(added('{"id":1,"params":{ "b" : 1e400 }}')).to.equal(`{"id":1,"params":{ "b" : 1e400 ,${meta}}}`);
    expect(added(' {"id" : 1}\r\n')).to.equal(` {"id" : 1,"params":{${meta}}}\r\n`);
  });

  it('is in the last of two members with one key, which is the one that counts', () => {
    const text = '{"params":{"_meta":{}},"par\\u0061ms":{"_meta":{"x":"}\\"{"}}}';
    expect(JSON.parse(added(text))).to.deep.equal({ params: { _meta: { x: '}"{', ...MEMBERS } } });
  });

  it('adds the member to any JSON, and nothing else', () => {
    fc.assert(
      fc.property(spaced, spaced, (params, other) => {
        const text = `{"other":${other},"id":7,"params":{"a":${params},"_meta":{"b":${other}}}}`;
        const { at, text: member } = addToMeta(text, valueIn(text), MEMBERS);
        const made = text.slice(0, at) + member + text.slice(at);
        const expected = JSON.parse(text) as { params: { _meta: object } };
        expected.params._meta = { ...expected.params._meta, ...MEMBERS };
        expect(JSON.parse(made)).to.deep.equal(expected);
      }),
    );
  });

  it('is found for every item and member of any JSON', () => {
    fc.assert(
      fc.property(fc.array(spaced, { minLength: 1 }), (items) => {
        const array = `[${items.join(',')}]`;
        const places = itemsOf(array, valueIn(array));
        expect(places.map(({ start, end }) => array.slice(start, end))).to.deep.equal(
          items.map((item) => item.trim()),
        );
        const object = `{"a":0,"b":${items[0]},"c":0}`;
        const place = memberOf(object, valueIn(object), 'b');
        expect(object.slice(place?.start, place?.end)).to.equal(items[0]!.trim());
      }),
    );
  });
});
