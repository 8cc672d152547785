import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { parsePolicy } from '../../../lib/redaction/policy/options.js';
import { draftRecord } from '../../support/draftRecord.js';
import { secretSamples } from '../../support/secretSamples.js';
import { tokenOf, tokens } from '../../support/tokens.js';

const redactor = createRedactor();

/** Objects in objects, so many of them. */
function nested(levels: number): unknown {
  return levels === 0 ? 1 : { a: nested(levels - 1) };
}

describe('what stands beside a secret', () => {
  it('stays, around keys in armour', () => {
    const { pem = '' } = secretSamples();
    expect(redactor.text(`before\n${pem}\nbetween\n${pem}\nafter`)).to.equal(
      'before\n[REDACTED]\nbetween\n[REDACTED]\nafter',
    );
    const [begin = ''] = pem.split('\n');
    expect(redactor.text(`before ${begin}\nand no end`)).to.equal('before [REDACTED]');
  });

  it('stays in a URI within a text, a bare word of its query included', () => {
    for (const query of ['tokens', 'a&tokens&b', 'page=1'])
      expect(redactor.value({ note: `see https://h.example/p?${query} now` })).to.deep.equal({
        note: `see https://h.example/p?${query} now`,
      });
  });

  it('is no part of the token that stands for it', () => {
    expect(tokens.uri('https://user:hunter2222@h.example/p')).to.equal(
      `https://${tokenOf('user:hunter2222')}@h.example/p`,
    );
  });

  it('of a flag that is no secret stays', () => {
    expect(redactor.text('run --colour red --api-key abc --size 5')).to.equal(
      'run --colour red --api-key [REDACTED] --size 5',
    );
    expect(redactor.text('run --colour hunter2222')).to.equal('run --colour hunter2222');
  });

  it('stays behind a bracket that closes what is hidden, strings stepped over', () => {
    expect(redactor.text('token={"a":"}","b":[1,"]"]}, next=1')).to.equal('token=[REDACTED], next=1');
  });
});

describe('the limits of a value', () => {
  it('let in as many levels as they say, and no more', () => {
    const shallow = createRedactor({ limits: { depth: 3 } });
    expect(shallow.value(nested(3))).to.deep.equal(nested(3));
    expect(shallow.value(nested(4))).to.deep.equal({ a: { a: { a: '[Too deep]' } } });
  });

  it('let in as many entries as they say, and no more', () => {
    const narrow = createRedactor({ limits: { breadth: 3 } });
    expect(narrow.value([1, 2, 3])).to.deep.equal([1, 2, 3]);
    expect(narrow.value([1, 2, 3, 4])).to.deep.equal([1, 2, '…[2 more]']);
    expect(narrow.value({ a: 1, b: 2, c: 3 })).to.deep.equal({ a: 1, b: 2, c: 3 });
    expect(narrow.value({ a: 1, b: 2, c: 3, d: 4 })).to.deep.equal({ a: 1, b: 2, '…': '…[2 more]' });
  });

  it('count what takes next to nothing, too', () => {
    const small = createRedactor({ limits: { breadth: 100_000, totalBytes: 8_192 } });
    for (const value of [Array(20_000).fill(null), Array.from({ length: 20_000 }, () => ({}))]) {
      const { mcp, truncated } = small.record(draftRecord({ tool_arguments: { list: value } }));
      expect(JSON.stringify(mcp).length).to.be.below(8_192);
      expect(truncated?.[0]).to.include({ path: 'mcp.tool_arguments.list', original_entries: 20_000 });
    }
  });

  it('keep an array that was cut before as it is, and count no more for it', () => {
    const narrow = createRedactor({ limits: { breadth: 3 } });
    const once = narrow.value(['--token', 'x', 1, 2, 3]);
    expect(narrow.value(once)).to.deep.equal(once);
  });

  it('note sixteen cuts by their places, and make the others where they are', () => {
    const list = Array.from({ length: 20 }, () => 'y'.repeat(300));
    const { mcp, truncated } = createRedactor({ limits: { stringBytes: 256 } }).record(
      draftRecord({ tool_arguments: { list } }),
    );
    expect(truncated).to.have.length(16);
    expect(truncated?.[0]).to.include({ path: 'mcp.tool_arguments.list.0', original_bytes: 300 });
    expect((mcp?.tool_arguments as { list: string[] }).list.at(-1)).to.match(/^y+…\[300 bytes\]$/);
  });
});

describe('values that are no plain ones', () => {
  it('are asked for their JSON as JSON.stringify would ask', () => {
    const asked: unknown[] = [];
    const value = { toJSON: (...args: unknown[]) => (asked.push(...args), { password: 'x', a: 1 }) };
    expect(redactor.value({ value })).to.deep.equal({ value: { password: '[REDACTED]', a: 1 } });
    expect(asked).to.deep.equal(['']);
  });

  it('are pairs where a key comes twice, or is no text', () => {
    const twice = new URLSearchParams('a=1&a=2');
    expect(redactor.value(twice)).to.deep.equal([
      ['a', '1'],
      ['a', '2'],
    ]);
    expect(redactor.value(new URLSearchParams('a=1&b=2'))).to.deep.equal({ a: '1', b: '2' });
    expect(redactor.value(new Map<unknown, unknown>([[5, 'x']]))).to.deep.equal([[5, 'x']]);
  });

  it('are named where JSON has no word for them', () => {
    expect(redactor.value([10n, () => 1, Symbol('s'), undefined, new Date(NaN)])).to.deep.equal([
      '10n',
      '[Function]',
      '[Symbol]',
      null,
      '[Invalid Date]',
    ]);
  });
});

describe('a pair', () => {
  const R = '[REDACTED]';
  for (const [given, shown] of [
    [
      ['authorization', 'x'],
      ['authorization', R],
    ],
    [
      ['x', 'authorization'],
      ['x', 'authorization'],
    ],
    [
      ['authorization', 'x', 'y'],
      ['authorization', 'x', 'y'],
    ],
    [
      ['--token', 'x', 'y'],
      ['--token', R, 'y'],
    ],
    [
      ['--verbose', 'x', 'y'],
      ['--verbose', 'x', 'y'],
    ],
    [
      [5, 'x'],
      [5, 'x'],
    ],
  ] as const)
    it(`of a name and a value shows no secret: ${JSON.stringify(given)}`, () => {
      expect(redactor.value(given)).to.deep.equal(shown);
    });

  it('loses its value where secrets are dropped', () => {
    const dropping = createRedactor({ replacement: 'drop' });
    expect(dropping.value({ name: 'Authorization', value: 'x', a: 1 })).to.deep.equal({
      name: 'Authorization',
      a: 1,
    });
    expect(dropping.value(['--token', 'x', 'y'])).to.deep.equal(['--token', '[DROPPED]', 'y']);
  });

  it('may be named by any of its properties, the first that is a secret’s name', () => {
    expect(redactor.value({ name: 'plain', key: 'Authorization', value: 'x' })).to.include({ value: R });
  });
});

describe('a policy that was written as JSON', () => {
  it('may hold nothing where something could be', () => {
    expect(parsePolicy(null)).to.equal(null);
    expect(parsePolicy({ levels: null, redactPatterns: ['a', { regex: '^b', flags: 'i' }] })).to.deep.equal({
      levels: null,
      redactPatterns: ['a', /^b/i],
    });
  });
});
