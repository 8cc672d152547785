import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { runCli } from '../support/builtCli.js';
import { needDuckDB } from '../support/duckdb.js';
import { runCommand, type CommandRun } from '../support/runCommand.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PAGE = readFileSync('docs/cli.md', 'utf8');

/** The command that the page gives for a question, as words. */
function commandFor(question: string): string[] {
  const line = new RegExp(`\\n### ${question.replaceAll('?', '\\?')}\\n\\n\`\`\`sh\\n(.*)\\n`).exec(
    PAGE,
  )?.[1];
  const words = line?.match(/"[^"]*"|'[^']*'|\S+/g)?.map((word) => word.replace(/^(["'])(.*)\1$/s, '$2'));
  expect(words?.slice(0, 2), question).to.deep.equal(['npx', 'otel-mcp-log']);
  return words!.slice(2);
}

describe('questions to a log, and the command that docs/cli.md gives for each', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (name: string) => join(folder.path, name);
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  function put(name: string, ...changes: Partial<AuditRecord>[]): void {
    writeFileSync(
      at(name),
      changes.map((change, seq) => `${encodeLine(sampleRecord(seq, change))}\n`).join(''),
    );
  }
  /** The command's words, with the files of the page in this folder. */
  const wordsFor = (question: string) =>
    commandFor(question).map((word) => (/\.(?:jsonl|csv|tlog-proof)$/.test(word) ? at(word) : word));
  const ask = (question: string): Promise<CommandRun> => runCommand(wordsFor(question));
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const rows = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('Who touched this resource?', async () => {
    put(
      'audit.jsonl',
      { resource: 'file:///srv/data/1.json', actor_id: 'alice' },
      { resource: 'file:///srv/other/1.json' },
      {
        resource: 'resources/read',
        actor_id: 'bob',
        mcp: { method: 'resources/read', resource_uri: 'file:///srv/data/2' },
      },
    );
    const { code, out } = await ask('Who touched this resource?');
    expect([code, rows(out).map(({ actor_id }) => actor_id)]).to.deep.equal([0, ['alice', 'bob']]);
  });

  it('Which calls of an actor failed last week?', async () => {
    const failed = { actor_id: 'mallory@example.com', outcome: 'OUTCOME_FAILURE_DENIED' } as const;
    put(
      'audit.jsonl',
      { ...failed, time: ago(9) },
      { ...failed, time: ago(6) },
      { ...failed, time: ago(2), outcome: 'OUTCOME_SUCCESS' },
      { ...failed, time: ago(2), actor_id: 'alice@example.com' },
      { ...failed, time: ago(1), outcome: 'OUTCOME_FAILURE_ERROR' },
    );
    const { out } = await ask('Which calls of an actor failed last week?');
    expect(rows(out).map(({ seq }) => seq)).to.deep.equal([1, 4]);
  });

  it('What changed in the definitions of tools?', async () => {
    const change = {
      resource: 'audit/tool-changed',
      message: 'The definition of tool refund of billing has changed',
      mcp: { method: 'tools/list', tool_name: 'refund' },
      data: { tool_name: 'refund', previous_fingerprint: 'a'.repeat(64), fingerprint: 'b'.repeat(64) },
    };
    put('audit.jsonl', { time: ago(3) }, { ...change, time: ago(2) }, { ...change, time: ago(40) });
    const { code, out } = await ask('What changed in the definitions of tools?');
    expect(code).to.equal(0);
    expect(out.match(/refund/g)).to.have.length.greaterThan(0);
    expect(out).to.include(ago(2).slice(0, 10)).and.not.include(ago(40).slice(0, 10));
  });

  it('Was anything lost between two times?', async () => {
    const minute = (value: number) => ({ time: `2026-01-15T10:0${value}:00.000Z` });
    put('audit.jsonl', ...[0, 1, 2, 4, 5].map((value) => ({ ...minute(value), seq: value })));
    const { code, err } = await ask('Was anything lost between two times?');
    expect(code).to.equal(1);
    expect(err.trimEnd().split('\n').at(-1)).to.match(
      /: 1 record was lost between 2026-01-15T10:00:00.000Z and /,
    );
    put('audit.jsonl', ...[0, 1, 2, 3, 4, 5].map((value) => ({ ...minute(value), seq: value })));
    expect((await ask('Was anything lost between two times?')).err).to.include(': nothing was lost between');
  });

  it('What happened in one trace, across three processes?', async () => {
    const spans = ['00f067aa0ba90201', '00f067aa0ba90202', '00f067aa0ba90203'];
    for (const [index, name] of ['agent.jsonl', 'gateway.jsonl', 'server.jsonl'].entries())
      put(name, {
        component: name,
        span_id: spans[index]!,
        parent_span_id: spans[index - 1] ?? '00f067aa0ba90200',
      });
    const { code, out } = await ask('What happened in one trace, across three processes?');
    expect(code).to.equal(0);
    expect(out).to.include('3 records in 3 files');
    const indents = out
      .split('\n')
      .slice(1, 4)
      .map((line) => line.search(/[└├]/));
    expect(indents).to.deep.equal([0, 3, 6]);
  });

  it('How do I export last month?', async () => {
    const times = [
      '2025-12-31T23:59:59.999Z',
      '2026-01-01T00:00:00.000Z',
      '2026-01-31T23:59:59.999Z',
      '2026-02-01T00:00:00.000Z',
    ];
    put('audit.jsonl', ...times.map((time) => ({ time })));
    const { code, out } = await ask('How do I export last month?');
    expect([code, out]).to.deep.equal([0, '2 records in, 2 out (csv)\n']);
    expect(readFileSync(at('january.csv'), 'utf8').split('\r\n')).to.have.length(4);
  });

  it('How do I prove one record to an outsider?', async () => {
    const integrity = { origin: 'audit.example.com/desk', key: { generate: at('key') } };
    const sink = new FileSink({ path: at('audit.jsonl'), integrity, onNotice: () => undefined });
    await sink.emit(Array.from({ length: 12 }, (_, seq) => sampleRecord(seq)));
    await sink.close();
    expect((await ask('How do I prove one record to an outsider?')).code).to.equal(0);
    const vkey = readFileSync(`${at('audit.jsonl')}.integrity/vkey`, 'utf8').trim();
    const outsider = await runCommand(['check-proof', at('record.tlog-proof'), '--vkey', vkey]);
    expect(outsider.code).to.equal(0);
    expect(readFileSync(at('record.tlog-proof'), 'utf8')).not.to.include('000000000008');
  });

  it('How do two days differ?', async function () {
    const { binary } = await needDuckDB(this);
    const on = (day: number, resource: string) => ({ time: `2026-01-${day}T09:00:00.000Z`, resource });
    put(
      'audit.jsonl',
      on(15, 'tools/a'),
      on(16, 'tools/a'),
      on(16, 'tools/b'),
      on(16, 'tools/b'),
      on(15, 'tools/c'),
    );
    const { code, stdout } = await runCli(wordsFor('How do two days differ?'), { binary });
    expect([code, stdout.split('\r\n')]).to.deep.equal([
      0,
      ['resource,outcome,before,after', 'tools/b,OUTCOME_SUCCESS,0,2', 'tools/c,OUTCOME_SUCCESS,1,0', ''],
    ]);
  });
});
