import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { createRedactor } from '../../../lib/redaction/createRedactor.js';
import { resolveLevels, type RedactionContext } from '../../../lib/redaction/policy/options.js';
import { draftRecord } from '../../support/draftRecord.js';

const redactor = createRedactor();
const SECRET = 'hunter2222';
const R = '[REDACTED]';

describe('a value whose key is another value', () => {
  for (const property of ['name', 'key', 'header', 'field'])
    it(`is hidden where ${property} says what it is`, () => {
      expect(redactor.value({ [property]: 'Authorization', value: SECRET })).to.deep.equal({
        [property]: 'Authorization',
        value: R,
      });
      expect(redactor.value({ [property]: 'Accept', value: 'text/html' })).to.deep.equal({
        [property]: 'Accept',
        value: 'text/html',
      });
      expect(redactor.value({ [property]: 5, value: 'kept' })).to.deep.equal({
        [property]: 5,
        value: 'kept',
      });
    });
});

describe('an assignment in a text', () => {
  for (const [text, shown] of [
    [`password=${SECRET}`, `password=${R}`],
    [`password = ${SECRET}`, `password = ${R}`],
    [`password\t=\t${SECRET}`, `password\t=\t${R}`],
    [`password: "${SECRET}"`, `password: "${R}"`],
    [`password: '${SECRET}'`, `password: '${R}'`],
    [`colour=${SECRET}`, `colour=${SECRET}`],
  ] as const)
    it(`is hidden behind a key that says so: ${JSON.stringify(text)}`, () => {
      expect(redactor.text(text)).to.equal(shown);
    });
});

describe('a URI', () => {
  for (const [uri, shown] of [
    ['https://user:pw@h.example/p', `https://${R}@h.example/p`],
    ['https://h.example/p?q=1&r=2', `https://h.example/p?q=${R}&r=${R}`],
    ['https://h.example/p?q=1;r=2', `https://h.example/p?q=${R};r=${R}`],
    ['https://h.example/p?bare', `https://h.example/p?${R}`],
    ['https://h.example/p?', 'https://h.example/p?'],
    ['https://h.example/p?a=&&b=', 'https://h.example/p?a=&&b='],
    ['https://h.example/p#part', `https://h.example/p#${R}`],
    ['https://h.example/p#access_token=1', `https://h.example/p#access_token=${R}`],
    ['https://h.example/p', 'https://h.example/p'],
    ['memo:insights', 'memo:insights'],
  ] as const)
    it(`of its own shows no value: ${uri}`, () => {
      expect(redactor.uri(uri)).to.equal(shown);
    });

  it('within a text loses only what a key gives away', () => {
    const text = 'see https://u:p@h.example/a?token=1&page=2 now';
    expect(createRedactor().value({ note: text })).to.deep.equal({
      note: `see https://${R}@h.example/a?token=${R}&page=2 now`,
    });
  });
});

describe('a number', () => {
  it('is hidden where it is that of a card', () => {
    const values = { card: 4_111_111_111_111_111, text: '4111 1111 1111 1111', big: 4_111_111_111_111_111n };
    for (const [key, shown] of Object.entries(redactor.value(values) as object))
      expect(String(shown), key).not.to.contain('1111111111');
  });

  it('is kept where it is any other', () => {
    const values = {
      a: 4_111_111_111_111_112,
      b: -4_111_111_111_111_111,
      c: 999_999_999_999,
      d: 1e12,
      e: 0.5,
    };
    expect(redactor.value(values)).to.deep.equal(values);
    expect(redactor.value({ nan: Number.NaN, most: Infinity })).to.deep.equal({
      nan: '[NaN]',
      most: '[Infinity]',
    });
  });
});

/** Who came and went, and what was granted, changed or taken out (PCI DSS 10.2.1). */
const SECURITY = [
  ...['EVENT_LOGIN', 'EVENT_LOGOUT', 'EVENT_POLICY_CHANGE', 'EVENT_PRIVILEGE_USE', 'EVENT_CONFIG_CHANGE'],
  ...['EVENT_DATA_EXPORT', 'EVENT_USER_MANAGEMENT', 'EVENT_DELEGATION', 'EVENT_GUARDRAIL_CHECK'],
  ...['EVENT_MCP_INITIALIZE', 'EVENT_MCP_SHUTDOWN', 'EVENT_TRANSPORT_CONNECT', 'EVENT_TRANSPORT_DISCONNECT'],
];

describe('levels', () => {
  for (const event of SECURITY)
    it(`never silence ${event} unless that is meant`, () => {
      expect(() => resolveLevels({ events: { [event]: 'None' } })).to.throw(ConfigError, /allowNone/);
      expect(() => resolveLevels({ events: { [event]: 'None' }, allowNone: true })).not.to.throw();
    });

  for (const wrong of [null, 'None', 5, ['None']])
    it(`are an object of levels, and not ${JSON.stringify(wrong)}`, () => {
      expect(() => resolveLevels({ tools: wrong as never }))
        .to.throw(ConfigError)
        .with.property('option', 'levels.tools');
    });
});

describe('a redaction of the user', () => {
  it('is told whose value it sees', () => {
    const seen: [string, RedactionContext][] = [];
    const own = createRedactor({
      custom: (value, path, context) => {
        seen.push([path, context]);
        return value;
      },
    });
    own.record(draftRecord({ tool_arguments: { a: 'x' } }));
    const { mcp: _, ...plain } = draftRecord({}, { data: { b: 'y' } });
    own.record(plain);
    const { tool_name: __, ...nameless } = draftRecord().mcp!;
    own.record({ ...draftRecord(), mcp: { ...nameless, prompt_arguments: { c: 'z' } } });
    const eventType = 'EVENT_TOOL_INVOCATION';
    expect(seen).to.deep.equal([
      ['mcp.tool_arguments.a', { toolName: 'pay', method: 'tools/call', eventType }],
      ['data.b', { eventType }],
      ['mcp.prompt_arguments.c', { method: 'tools/call', eventType }],
    ]);
  });
});

describe('a field that a record cannot be without', () => {
  for (const field of ['actor_id', 'component', 'environment', 'resource', 'message', 'session_id'] as const)
    it(`is masked where a path drops it: ${field}`, () => {
      const dropping = createRedactor({ redactPaths: [field], replacement: 'drop' });
      expect(dropping.record(draftRecord())[field]).to.equal(R);
    });

  it('is masked within mcp, too, and another field goes', () => {
    const dropping = createRedactor({ redactPaths: ['mcp.method', 'mcp.tool_name'], replacement: 'drop' });
    expect(dropping.record(draftRecord()).mcp).to.deep.equal({ method: R });
  });
});
