import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ReportModel } from '../../lib/cli/report/model.js';
import { eachCell } from '../../lib/cli/report/summary.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText, writeSampleLog } from '../support/sampleLogFiles.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** The cells of a cube, each with what its kind is. */
function cellsOf(cube: ReportModel['cube']) {
  return cube.kinds.flatMap(([actor, , , end], kind) => {
    const cells: { actor: number; operation: number; bucket: number; count: number }[] = [];
    eachCell(cube.counts[kind]!, (bucket, count) =>
      cells.push({ actor, operation: cube.ends[end]!.operation, bucket, count }),
    );
    return cells;
  });
}

const OPTIONS = { records: 3000, gaps: true, stepMs: 120_000 };

describe('report', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  const at = (name: string) => join(folder.path, name);
  before(() => {
    folder = temporaryFolder();
    writeSampleLog(at('audit.jsonl'), OPTIONS);
  });
  after(() => folder.remove());

  async function model(...args: string[]): Promise<ReportModel> {
    const { stdout } = await runCli(['report', '--json', '-o', '-', ...args]);
    return JSON.parse(stdout) as ReportModel;
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

  it('counts what the records hold', async () => {
    const { totals, cube, summary, changes, missing } = await model(at('audit.jsonl'));
    const records = [...sampleLog(OPTIONS)];
    const operations = records.filter(({ resource }) => !resource.startsWith('audit/'));
    const outcome = (name: string) => operations.filter((record) => record.outcome === name).length;
    expect(totals).to.deep.include({ records: 3000, operations: operations.length, problems: 0 });
    expect(totals.outcomes).to.deep.equal(
      ['SUCCESS', 'PARTIAL', 'UNSPECIFIED', 'FAILURE_UNAUTHORIZED', 'FAILURE_DENIED', 'FAILURE_ERROR'].map(
        (name) => outcome(`OUTCOME_${name}`),
      ),
    );
    expect([totals.actors, totals.traces]).to.deep.equal([
      new Set(operations.map((r) => r.actor_id)).size,
      new Set(records.map((r) => r.trace_id)).size,
    ]);
    expect([summary.records, summary.operations]).to.deep.equal([3000, operations.length]);
    const alice = cube.actors.names.indexOf('alice@example.com');
    const kinds = cellsOf(cube).filter(({ actor, operation }) => actor === alice && operation === 1);
    expect(sum(kinds.map(({ count }) => count))).to.equal(
      operations.filter((r) => r.actor_id === 'alice@example.com').length,
    );
    expect(changes.all).to.equal(1);
    expect(missing).to.deep.include({
      places: 10,
      admitted: 3,
      disorder: 0,
      unknown: operations.filter((r) => r.error?.type === 'unknown_outcome').length,
    });
    const sorted = operations.map((r) => r.duration_ms).sort((a, b) => a - b);
    const { latency } = summary;
    expect(latency.quantiles.p50).to.be.within(
      sorted[Math.floor(sorted.length / 2)]! * 0.94,
      sorted[Math.floor(sorted.length / 2)]! * 1.07,
    );
    expect(sum(latency.counts)).to.equal(operations.length);
  });

  it('puts every operation into the bucket of its time', async () => {
    const { cube, timeline } = await model(at('audit.jsonl'));
    const wanted = new Array<number>(timeline.buckets).fill(0);
    for (const { time } of sampleLog(OPTIONS))
      wanted[Math.floor((Date.parse(time) - timeline.start) / timeline.step)]!++;
    const found = wanted.map(() => 0);
    for (const { bucket, count } of cellsOf(cube)) found[bucket]! += count;
    expect(timeline.buckets).to.be.within(60, 240);
    expect(found).to.deep.equal(wanted);
  });

  it('keeps the notable records when it cannot keep all, and says how many', async () => {
    const { rows } = await model('--rows', '400', at('audit.jsonl'));
    const notable = [...sampleLog(OPTIONS)].filter(
      (r) => r.outcome !== 'OUTCOME_SUCCESS' || r.resource.startsWith('audit/'),
    );
    expect(rows.lines).to.have.length(400);
    expect(rows.notable).to.deep.equal({ shown: notable.length, all: notable.length });
    const ids = new Set(
      rows.lines.map(([, , , text]) => (JSON.parse(text) as { record_id: string }).record_id),
    );
    for (const { record_id } of notable) expect(ids).to.include(record_id);
    const lines = readFileSync(at('audit.jsonl'), 'utf8').split('\n');
    for (const [, line, , text] of rows.lines) expect(lines[line - 1]).to.equal(text);
  });

  it('is a page of its own, for its owner, that loads nothing and runs only its own script', async () => {
    const { code, stdout } = await runCli(['report', at('audit.jsonl'), '-o', at('r.html')]);
    expect([code, stdout.includes('3,000 records')]).to.deep.equal([0, true]);
    expect(statSync(at('r.html')).mode & 0o777).to.equal(0o600);
    const page = readFileSync(at('r.html'), 'utf8');
    const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
    const allowed = (policy ?? '').replaceAll('&#39;', "'");
    expect(allowed).to.match(
      /^default-src 'none'; script-src 'sha256-[^']*'; style-src 'sha256-[^']*'; img-src data:; base-uri 'none'; form-action 'none'$/,
    );
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) =>
      createHash('sha256').update(script!).digest('base64'),
    );
    expect(scripts).to.have.length(1);
    expect(allowed).to.include(scripts[0]!);
    expect(page).not.to.match(/\s(?:src|href)="(?!#)/);
    expect(page).not.to.match(/\son\w+=|\sstyle="/);
  });

  it('holds hostile values as nothing but text', async () => {
    writeSampleLog(at('hostile.jsonl'), { records: 300, hostile: true });
    await runCli([
      'report',
      at('hostile.jsonl'),
      '-o',
      at('h.html'),
      '--title',
      '</title><script>alert(1)</script>',
    ]);
    const page = readFileSync(at('h.html'), 'utf8');
    expect(page.match(/<script/g)).to.have.length(2);
    expect(page).not.to.match(/<img|<svg|<!--|onmouseover='|\u202e|\u001b/);
    const [, data] = /id="model">([^<]*)</.exec(page) ?? [];
    expect(data).to.match(/^[A-Za-z0-9+/=]+$/);
    const inside = JSON.parse(
      gunzipSync(Buffer.from(data!, 'base64')).toString().split('\n')[0]!,
    ) as ReportModel;
    expect(inside.cube.actors.names).to.include('<img src=x onerror="window.__pwned = 2">');
  });

  it('tells an intact log, a broken one, and one that is not sealed', async () => {
    const vkey = await writeSealedSampleLog(at('sealed.jsonl'), { records: 250 });
    const intact = await model('--vkey', vkey, at('sealed.jsonl'));
    expect(intact.integrity).to.deep.include({ status: 'intact', vkey });
    expect(intact.integrity.checkpoint).to.match(/^audit\.example\.com\/desk\n250\n/);
    const text = readFileSync(at('sealed.jsonl'), 'utf8');
    writeFileSync(at('sealed.jsonl'), text.replace('"duration_ms":', '"duration_ms":9'));
    const { code } = await runCli(['report', at('sealed.jsonl'), '-o', at('b.html')]);
    expect(code).to.equal(1);
    expect(readFileSync(at('b.html'), 'utf8')).to.include('does not agree with its checkpoint');
    expect((await model(at('audit.jsonl'))).integrity.status).to.equal('unsealed');
  });

  it('gives a page for an empty log and for one with bad lines, and says so', async () => {
    writeFileSync(at('empty.jsonl'), '');
    expect((await runCli(['report', at('empty.jsonl'), '-o', at('e.html')])).code).to.equal(3);
    expect(readFileSync(at('e.html'), 'utf8')).to.include('0 operations');
    writeFileSync(at('bad.jsonl'), sampleLogText({ records: 10 }));
    appendFileSync(at('bad.jsonl'), 'rubbish\n');
    const { totals } = await model(at('bad.jsonl'));
    expect([totals.records, totals.problems]).to.deep.equal([10, 1]);
  });

  it('reports what filters choose, of several logs, and names the filter', async () => {
    writeSampleLog(at('second.jsonl'), { records: 500, process: 1 });
    const { totals, logs, filter } = await model(
      '--outcome',
      'denied',
      at('audit.jsonl'),
      at('second.jsonl'),
    );
    expect(logs.map(({ records }) => records)).to.deep.equal([3000, 500]);
    const both = [...sampleLog(OPTIONS), ...sampleLog({ records: 500, process: 1 })];
    expect(totals.records).to.equal(
      both.filter(({ outcome }) => outcome === 'OUTCOME_FAILURE_DENIED').length,
    );
    expect(filter).to.equal('outcome denied');
  });

  it('stays within bounds when every record names another actor, tool and server', async () => {
    const lines = sampleLogText({ records: 30_000 })
      .trimEnd()
      .split('\n')
      .map((line, index) =>
        line
          .replace(/"actor_id":"[^"]*"/, `"actor_id":"actor-${index}"`)
          .replace(/"resource":"[^"]*"/, `"resource":"tools/t-${index}"`),
      );
    writeFileSync(at('wide.jsonl'), `${lines.join('\n')}\n`);
    const { cube, totals } = await model('--rows', '10', at('wide.jsonl'));
    expect(cube.actors.names.length).to.be.at.most(200);
    expect(cube.actors.names.at(-1)).to.equal('(other)');
    expect(cube.actors.folded).to.be.greaterThan(19_000);
    expect(
      sum(
        cellsOf(cube)
          .filter(({ operation }) => operation === 1)
          .map(({ count }) => count),
      ),
    ).to.equal(totals.operations);
  });
});
