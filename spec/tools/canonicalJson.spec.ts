import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { canonicalJson } from '../../lib/schema/canonicalJson.js';
import { definitionOf, differingFields, UNREADABLE } from '../../lib/tools/definitions.js';

describe('canonical JSON', () => {
  it('gives the text of the example in RFC 8785, section 3.2.4', () => {
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"\u002f',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).to.equal(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts keys by UTF-16 code units, as the example of section 3.2.3 does', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(JSON.parse(text) as object).filter((key) => key !== '1')).to.deep.equal(
      sorted.filter((key) => key !== '1'),
    );
    expect(text.indexOf('"1"')).to.equal('{"\\r":0,'.length);
  });

  it('writes the doubles of RFC 8785, appendix B, as the RFC does', () => {
    const rows: readonly (readonly [bits: string, text: string])[] = [
      ['0000000000000000', '0'],
      ['8000000000000000', '0'],
      ['0000000000000001', '5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'],
      ['4340000000000000', '9007199254740992'],
      ['4430000000000000', '295147905179352830000'],
      ['44b52d02c7e14af6', '1e+23'],
      ['444b1ae4d6e2ef4e', '999999999999999700000'],
      ['444b1ae4d6e2ef50', '1e+21'],
      ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
      ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['41b3de4355555555', '333333333.3333333'],
      ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ];
    for (const [bits, text] of rows)
      expect(canonicalJson([Buffer.from(bits, 'hex').readDoubleBE()])).to.equal(`[${text}]`);
  });

  it('sorts at each level, takes the empty key first, and normalises no text', () => {
    const value = {
      1: { f: { f: 'hi', F: 5 }, '\n': 56.0 },
      10: {},
      '': 'empty',
      111: [{ e: 'y', E: 'n' }],
      A: {},
    };
    expect(canonicalJson(value)).to.equal(
      '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"n","e":"y"}],"A":{}}',
    );
    expect(canonicalJson('A\u030a')).to.equal('"A\u030a"');
  });

  it('leaves out what has no value, and refuses what is nested beyond reason', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, () => 1] })).to.equal('{"a":[null,null]}');
    let deep: unknown = 1;
    for (let i = 0; i < 20_000; i++) deep = { deep };
    expect(() => canonicalJson(deep)).to.throw(TypeError, 'nested too deeply');
  });
});

describe("a tool's definition", () => {
  const tool = { name: 'pay', description: 'Pays', inputSchema: { type: 'object', properties: { to: {} } } };

  it('has the SHA-256 of its canonical JSON, whatever the order of its keys', () => {
    const text = '{"description":"Pays","inputSchema":{"properties":{"to":{}},"type":"object"},"name":"pay"}';
    const expected = createHash('sha256').update(text).digest('hex');
    const shuffled = {
      inputSchema: { properties: { to: {} }, type: 'object' },
      name: 'pay',
      description: 'Pays',
    };
    expect(definitionOf(tool).fingerprint).to.equal(expected);
    expect(definitionOf(shuffled).fingerprint).to.equal(expected);
  });

  it('tells which fields differ', () => {
    const { description: _, ...rest } = tool;
    const after = { ...rest, inputSchema: { type: 'object' }, annotations: {} };
    expect(differingFields(definitionOf(tool), definitionOf(after))).to.deep.equal([
      'annotations',
      'description',
      'inputSchema',
    ]);
  });

  it('is comparable even where it cannot be read', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 20_000; i++) deep = [deep];
    expect(definitionOf({ ...tool, deep }).fingerprint).to.equal(UNREADABLE);
  });
});
