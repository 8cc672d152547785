import { expect } from 'chai';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';

function redact(redactPaths: string[], value: unknown): unknown {
  return createRedactor({ redactPaths, defaults: false }).value(value);
}

const R = '[REDACTED]';

describe('redaction paths', () => {
  it('hides one place', () => {
    expect(redact(['mcp.tool_arguments.user.age'], { user: { age: 3, name: 'a' }, age: 3 })).to.deep.equal({
      user: { age: R, name: 'a' },
      age: 3,
    });
  });

  it('takes array indices, with dots or brackets', () => {
    const rows = { rows: [{ a: 1 }, { a: 2 }] };
    expect(redact(['mcp.tool_arguments.rows.1.a'], rows)).to.deep.equal({ rows: [{ a: 1 }, { a: R }] });
    expect(redact(['mcp.tool_arguments.rows[0].a'], rows)).to.deep.equal({ rows: [{ a: R }, { a: 2 }] });
  });

  it('takes * for one step and ** for any number of steps', () => {
    const value = { x: { id: 1, deep: { id: 2 } }, id: 3, list: [{ id: 4 }] };
    expect(redact(['mcp.tool_arguments.*.id'], value)).to.deep.equal({
      ...value,
      x: { id: R, deep: { id: 2 } },
    });
    expect(redact(['**.id'], value)).to.deep.equal({
      x: { id: R, deep: { id: R } },
      id: R,
      list: [{ id: R }],
    });
    expect(redact(['mcp.tool_arguments.list[*].id'], value)).to.deep.equal({ ...value, list: [{ id: R }] });
    expect(redact(['mcp.tool_arguments.**.deep.id'], value)).to.deep.equal({
      ...value,
      x: { id: 1, deep: { id: R } },
    });
  });

  it('takes keys with dots in quotes', () => {
    expect(redact(['mcp.tool_arguments["a.b"].c'], { 'a.b': { c: 1 }, a: { b: { c: 1 } } })).to.deep.equal({
      'a.b': { c: R },
      a: { b: { c: 1 } },
    });
  });

  it('[attack 13] __proto__ and constructor in paths and in values pollute nothing', () => {
    const value = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":1}',
    ) as object;
    const before = JSON.stringify(value);
    const redacted = redact(
      [
        'mcp.tool_arguments.__proto__.polluted',
        'mcp.tool_arguments.constructor.prototype.polluted',
        'data.__proto__',
      ],
      value,
    ) as object;
    expect(JSON.stringify(redacted)).to.equal(
      '{"__proto__":{"polluted":"[REDACTED]"},"constructor":{"prototype":{"polluted":"[REDACTED]"}},"a":1}',
    );
    expect(Object.getPrototypeOf(redacted)).to.equal(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    expect(Object.keys(Object.prototype)).to.deep.equal([]);
    expect(JSON.stringify(value)).to.equal(before);
  });

  for (const path of [
    '',
    'nowhere.x',
    'mcp.tool_argument.x',
    'mcp..x',
    'mcp.tool_arguments.',
    'mcp.tool_arguments[',
    'record_id',
  ]) {
    it(`refuses ${JSON.stringify(path)}, which could only fail to redact`, () => {
      expect(() => createRedactor({ redactPaths: [path] })).to.throw(/redactPaths\[0\]/);
    });
  }
});
