import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { compareSides } from '../../../lib/cli/report/bothSides.js';
import { logOfFile } from '../../../lib/cli/input/logs.js';
import type { ReportModel } from '../../../lib/cli/report/model.js';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { runCli } from '../../support/builtCli.js';
import { everything, recordBothSides, reconcile } from '../../support/reconciled.js';
import { runCommand } from '../../support/runCommand.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('report, of logs of both sides', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (name: string) => join(folder.path, name);
  beforeEach(async () => {
    folder = temporaryFolder();
    await recordBothSides(folder.path, 'v1', everything);
  });
  afterEach(() => folder.remove());

  /** Writes the server's log anew, with a change to what is said of one tool. */
  function tamper(tool: string, change: (record: AuditRecord) => object | undefined): void {
    const lines = readFileSync(at('server.jsonl'), 'utf8').trim().split('\n');
    let changed = false;
    const records = lines.flatMap((line) => {
      const record = JSON.parse(line) as AuditRecord;
      if (changed || record.mcp?.tool_name !== tool) return [line];
      changed = true;
      const made = change(record);
      return made === undefined ? [] : [JSON.stringify(made)];
    });
    writeFileSync(at('server.jsonl'), `${records.join('\n')}\n`);
  }

  async function model(...args: string[]): Promise<ReportModel['bothSides']> {
    const { out } = await runCommand(['report', '--json', '-o', '-', ...args]);
    return (JSON.parse(out) as ReportModel).bothSides;
  }

  async function page(...args: string[]): Promise<{ out: string; html: string; words: string }> {
    const { stdout: out } = await runCli(['report', '-o', at('page.html'), ...args]);
    const html = readFileSync(at('page.html'), 'utf8');
    const [, section = ''] = /<section id="both-sides"([\s\S]*?)<\/section>/.exec(html) ?? [];
    return { out, html, words: section.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ') };
  }

  it('says at a glance that both sides agree', async () => {
    const { out, html, words } = await page(at('client.jsonl'), at('server.jsonl'));
    expect(html).to.match(/Do both sides agree\?<\/span>\s*<strong class="answer">Yes</);
    expect(words).to.include('13 requests are on record on both sides: 13 alike, 0 different');
    expect(words).to.match(/Clocks: (?:agree|those of servers)/);
    expect(html).not.to.include('Requests that differ, or are on one side only');
    expect(out).to.include('\nboth sides: 13 of 13 requests alike\n');
  });

  it('shows which request was tampered with, where its records are, and the command for more', async () => {
    tamper('echo', (record) => ({ ...record, outcome: 'OUTCOME_FAILURE_DENIED' }));
    tamper('consent', () => undefined);
    const logs = [at('client.jsonl'), at('server.jsonl')];
    const { out, html, words } = await page(...logs);
    const told = await reconcile(...logs);
    expect(html).to.match(/Do both sides agree\?<\/span>\s*<strong class="answer">2 requests do not</);
    expect(words).to.include(`${told.pairs} requests are on record on both sides: ${told.alike} alike`);
    expect(words).to.include('1 request differs in outcome: another outcome or kind of answer.');
    expect(words).to.include('1 record on one side only: records are missing from the log of the other side');
    const [echo, consent] = told.findings as unknown as {
      client: { record_id: string; line: number };
      server?: { record_id: string; line: number };
    }[];
    expect(html).to.include(`<code data-record="${echo!.client.record_id}">`);
    expect(html).to.include(`<code data-record="${echo!.server!.record_id}">`);
    expect(words).to.include(`${at('server.jsonl')}:${echo!.server!.line}`);
    expect(html).to.include(`<code data-record="${consent!.client.record_id}">`);
    expect(words).to.match(/consent tools\/call .* no record/);
    expect(words).to.include(`npx otel-mcp-log reconcile --all ${logs.join(' ')}`);
    expect(out).to.include(
      '\nboth sides: 11 of 12 requests alike, 1 different, 1 record of one side missing on the other\n',
    );
  });

  it('counts what reconcile counts, whatever the filter, and lists what is wrong before what is not', async () => {
    await recordBothSides(folder.path, 'v2', everything, {}, ['another.jsonl', 'unused.jsonl']);
    tamper('echo', (record) => ({ ...record, duration_ms: 60_000 }));
    const logs = ['another.jsonl', 'client.jsonl', 'server.jsonl'].map(at);
    const { findings, omitted, ...numbers } = (await model('--tool', 'nothing*', ...logs)) as never as {
      findings: { explained?: boolean }[];
      omitted: number;
    };
    const { findings: told, ...all } = await reconcile('--all', ...logs);
    expect(all).to.deep.include(numbers);
    expect(numbers).to.include({ different: 1, only_client: 13 });
    expect(findings).to.have.deep.members(told);
    expect(omitted).to.equal(0);
    expect(findings.map(({ explained }) => explained)).to.deep.equal([undefined, ...Array(13).fill(true)]);
    const { stdout: out } = await runCli(['report', '--json', '-o', at('page.html'), ...logs]);
    expect(JSON.parse(out)).to.deep.include({ both_sides: numbers });
  });

  it('is silent where there is one side only', async () => {
    const { out, html, words } = await page(at('client.jsonl'));
    expect(words).to.equal('');
    expect(html).not.to.include('Do both sides agree?</span>');
    expect(out).not.to.include('both sides');
    expect(await model(at('server.jsonl'))).to.equal(undefined);
  });

  it('says that it has not compared what it cannot read again, or what is too much', async () => {
    const { out } = await runCommand(
      ['report', '--json', '-o', '-', at('client.jsonl'), '-'],
      readFileSync(at('server.jsonl'), 'utf8'),
    );
    expect((JSON.parse(out) as ReportModel).bothSides).to.deep.equal({ not_compared: 'standard_input' });
    const counts = { client: 13, server: 13, see: () => undefined };
    const logs = [at('client.jsonl'), at('server.jsonl')].map(logOfFile);
    expect(await compareSides(logs, counts, {} as never, 25)).to.deep.equal({ not_compared: 'too_many' });
  });

  it('lists no more than a hundred, and says of how many', async () => {
    const line = readFileSync(at('client.jsonl'), 'utf8')
      .split('\n')
      .find((each) => each.includes('"tool_name":"echo"'))!;
    const record = JSON.parse(line) as AuditRecord;
    const id = (index: number) => index.toString(16).padStart(16, '0');
    const more = Array.from({ length: 150 }, (_, index) =>
      JSON.stringify({ ...record, span_id: id(index), trace_id: id(index).repeat(2), seq: 1000 + index }),
    );
    writeFileSync(at('more.jsonl'), `${more.join('\n')}\n`);
    const { html, words } = await page(...['more.jsonl', 'client.jsonl', 'server.jsonl'].map(at));
    expect(html.match(/<td data-label="Client">/g)).to.have.length(100);
    expect(words).to.match(/The table holds 100 of 1\d\d\./);
  });

  it('shows hostile names as texts', async () => {
    tamper('echo', (record) => ({
      ...record,
      mcp: { ...record.mcp, tool_name: '<img src=x onerror=alert(1)>' },
      record_id: '"><script>alert(1)</script>',
    }));
    const { html } = await page(at('client.jsonl'), at('server.jsonl'));
    expect(html)
      .to.include('data-record="&quot;&gt;&lt;script&gt;')
      .and.not.to.match(/<img|<script>alert/);
  });
});
