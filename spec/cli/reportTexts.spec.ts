import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { commandLine, patternFor } from '../../lib/cli/report/commandLine.js';
import { literalsOf, patternOf, reasonOf, templatesOf } from '../../lib/cli/report/names.js';
import { haystackOf, searchWords } from '../../lib/cli/query/words.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { HOSTILE_VALUES } from '../support/sampleWorld.js';

describe('the texts of a report', () => {
  it('takes URIs that differ in ids, numbers, dates or names for one', () => {
    const group = (names: readonly string[]) => [...new Set(templatesOf(names))];
    expect(group(['demo://note/1', 'demo://note/2', 'demo://note/30'])).to.deep.equal(['demo://note/{n}']);
    expect(group(['file:///log/2026-01-02.txt', 'file:///log/2026-01-03.txt'])).to.deep.equal([
      'file:///log/{date}.txt',
    ]);
    expect(
      group([1, 2].map((n) => `db://users/0190f5e2-7c1a-7b3c-9d4e-00000000000${n}/orders?page=${n}`)),
    ).to.deep.equal(['db://users/{id}/orders?page={value}']);
    expect(
      group(['ada', 'bob', 'cyd', 'dan', 'eve'].map((name) => `crm://people/${name}/card.vcf`)),
    ).to.deep.equal(['crm://people/{name}/card.vcf']);
    expect(
      group(['apple', 'beech', 'cedar', 'dogwood', 'elm'].map((name) => `file:///trees/${name}.md`)),
    ).to.deep.equal(['file:///trees/{name}.md']);
  });

  it('leaves apart what are few, and tools', () => {
    const names = [
      'file:///a/x.md',
      'file:///a/y.md',
      'file:///b/x.md',
      'tools/step_1',
      'tools/step_2',
      'demo://one/1',
    ];
    expect(templatesOf(names)).to.deep.equal(names);
  });

  it('holds in a template nothing but what every one of its names holds', () => {
    const part = fc.stringMatching(/^[a-z0-9._%-]{1,8}$/);
    const uri = fc.tuple(fc.constantFrom('x://', 'file:///'), fc.array(part, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(uri, { minLength: 1, maxLength: 30 }), (uris) => {
        const names = uris.map(([scheme, parts]) => scheme + parts.join('/'));
        templatesOf(names).forEach((template, index) => {
          for (const literal of literalsOf(template)) expect(names[index]).to.include(literal);
        });
      }),
    );
  });

  it('is quick with long and repetitive names', () => {
    const started = process.cpuUsage().user;
    patternOf(`x://${'a1'.repeat(50_000)}`);
    reasonOf('e', `${'"a'.repeat(50_000)} ${'/x'.repeat(50_000)} ${'0-'.repeat(50_000)}`, []);
    expect((process.cpuUsage().user - started) / 1e6).to.be.below(5);
  });

  it('tells reasons by their words, not by what they speak of', () => {
    const reasons = ['a.md', 'b.md'].map((name) =>
      reasonOf('-32602', `MCP error -32602: MCP error -32602: Resource demo://docs/${name} not found`, [
        `demo://docs/${name}`,
      ]),
    );
    expect(new Set(reasons)).to.deep.equal(new Set(['-32602: Resource {…} not found']));
    expect(reasonOf('timeout', 'No answer within 60000 ms', [])).to.equal('timeout: No answer within {…} ms');
    expect(reasonOf('timeout', undefined, [])).to.equal('timeout');
  });

  it('writes command lines from which a shell reads the very values', () => {
    const value = fc.oneof(fc.constantFrom(...HOSTILE_VALUES), fc.string({ unit: 'grapheme' }), fc.string());
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 3 }), (values) => {
        const actors = values.map(patternFor);
        const { text } = commandLine('query', { actor: actors }, ['my log.jsonl']);
        const words = execFileSync('sh', ['-c', `npx() { printf '%s\\0' "$@"; }\n${text}`], {
          encoding: 'utf8',
        }).split('\0');
        const given = words
          .slice(2, -2)
          .flatMap((word) => (word === '--actor' ? [] : [word.replace(/^--actor=/, '')]));
        expect([words[1], words.at(-2)]).to.deep.equal(['query', 'my log.jsonl']);
        const asPattern = (pattern: string) =>
          new RegExp(
            `^${[...pattern].map((c) => (c === '?' || c === '*' ? (c === '*' ? '.*' : '.') : `\\u{${c.codePointAt(0)!.toString(16)}}`)).join('')}$`,
            'su',
          );
        given.forEach((pattern, index) => expect(values[index]).to.match(asPattern(pattern)));
        expect(given).to.have.length(values.length);
        expect(text).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
      }),
      { numRuns: 40 },
    );
  });

  it('searches values in either case, decoded, and not the names of fields', () => {
    const record = {
      session_id: 'S1',
      message: 'It said "Nein"\n',
      mcp: { tool_arguments: { Path: 'C:\\Temp', n: [42, true, null] } },
      metadata: { product_name: 'otel-mcp-log' },
    } as unknown as AuditRecord;
    const found = (text: string) => searchWords(text).every((word) => haystackOf(record).includes(word));
    expect(['s1', 'nein', '"said \\"', 'c:\\temp', '42 TRUE', '"it said"'].map(found)).to.deep.equal([
      true,
      true,
      false,
      true,
      true,
      true,
    ]);
    expect(['session_id', 'path:', 'otel-mcp-log', 'null', 'it nope'].map(found)).to.deep.equal([
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
