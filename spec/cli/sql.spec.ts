import { expect } from 'chai';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runCli as runBare, type CliOptions } from '../support/builtCli.js';
import { needDuckDB, type DuckDBProject } from '../support/duckdb.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = { records: 500, seed: 3 };

describe('query --sql', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const records = [...sampleLog(OPTIONS)];
  let project: DuckDBProject;
  const runCli = (args: readonly string[], options: CliOptions = {}) =>
    runBare(args, { ...options, binary: project.binary });
  const sql = (text: string, ...more: string[]) => runCli(['query', '--sql', text, ...more, log]);

  before(async function () {
    project = await needDuckDB(this);
    folder = temporaryFolder();
    log = join(folder.path, "o'audit.jsonl");
    writeFileSync(log, sampleLogText(OPTIONS));
  });
  after(() => folder?.remove());

  it('counts as the records themselves do', async () => {
    const { code, stdout } = await sql(
      'SELECT actor_id, count(*) n FROM records GROUP BY 1 ORDER BY n DESC, actor_id',
    );
    const counts = new Map<string, number>();
    for (const { actor_id } of records) counts.set(actor_id, (counts.get(actor_id) ?? 0) + 1);
    const wanted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    expect(code).to.equal(0);
    expect(stdout).to.equal(wanted.map(([actor_id, n]) => `${JSON.stringify({ actor_id, n })}\n`).join(''));
  });

  it('gives every field of every record back, whole', async () => {
    const { stdout } = await sql('SELECT * FROM records ORDER BY seq');
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const dense = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .filter(([, part]) => part !== null)
              .map(([key, part]) => [
                key,
                key === 'tool_arguments' || key === 'data' ? JSON.parse(String(part)) : dense(part),
              ]),
          );
    expect(rows.map(dense)).to.deep.equal(records);
  });

  it('reads compressed files and standard input, and writes CSV, a table and Parquet', async () => {
    const zipped = join(folder.path, 'old.jsonl.gz');
    writeFileSync(zipped, gzipSync(sampleLogText(OPTIONS)));
    const count = ['query', '--sql', 'SELECT count(*) AS n FROM records', '--format', 'csv'];
    expect((await runCli([...count, zipped])).stdout).to.equal('n\r\n500\r\n');
    expect((await runCli([...count, '-'], { stdin: sampleLogText(OPTIONS) })).stdout).to.equal(
      'n\r\n500\r\n',
    );
    expect((await sql('SELECT 1 AS one, NULL AS nothing', '--format', 'table')).stdout).to.equal(
      'one  nothing\n  1\n',
    );
    const file = join(folder.path, 'out.parquet');
    expect(
      (await sql('SELECT * FROM records WHERE duration_ms > 20;', '--format', 'parquet', '-o', file)).code,
    ).to.equal(0);
    expect(readFileSync(file).subarray(0, 4).toString()).to.equal('PAR1');
  });

  it('lets a query touch no other file, and change no setting', async () => {
    const other = join(folder.path, 'other.csv');
    writeFileSync(other, 'a\n1\n');
    for (const text of [
      `SELECT * FROM read_csv('${other}')`,
      `COPY records TO '${other}'`,
      "ATTACH '/tmp/x.db'",
      'INSTALL httpfs',
      'SET enable_external_access=true',
    ]) {
      const { code, stdout, stderr } = await sql(text);
      expect([text, code, stdout]).to.deep.equal([text, 2, '']);
      expect(stderr).to.match(/^otel-mcp-log query: SQL: /);
    }
    expect(readFileSync(other, 'utf8')).to.equal('a\n1\n');
  });

  it('gives no result where a line cannot be read: it would be wrong', async () => {
    const bad = join(folder.path, 'bad.jsonl');
    for (const line of ['rubbish', '{"a":1}', '[1]', '{"record_id":"half', '{"password":"hunter2"'])
      await refused(bad, `${sampleLogText({ records: 2 })}${line}\n${sampleLogText({ records: 1 })}`);
  });

  async function refused(bad: string, content: string) {
    writeFileSync(bad, content);
    const { code, stdout, stderr } = await runCli(['query', '--sql', 'SELECT count(*) FROM records', bad]);
    expect([code, stdout]).to.deep.equal([3, '']);
    expect(stderr)
      .to.include(`${bad}:3 (byte `)
      .and.to.include('so there is none')
      .and.not.include('hunter2');
  }

  it('says in one line what is wrong with a query', async () => {
    const { code, stderr } = await sql('SELECT nonsense FROM records');
    expect(code).to.equal(2);
    expect(stderr.split('\n')[0]).to.include('nonsense');
  });

  it('writes Parquet of what filters find, readable by its owner alone', async () => {
    const file = join(folder.path, 'found.parquet');
    expect(
      (await runCli(['query', '--outcome', 'failure', '--format', 'parquet', '-o', file, log])).code,
    ).to.equal(0);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    const piped = await runCli(['query', '--outcome', 'failure', '--format', 'parquet', log]);
    expect(piped.bytes.subarray(0, 4).toString()).to.equal('PAR1');
  });
});

describe('query --sql without DuckDB', () => {
  it('says how to install it, with exit code 4', async () => {
    const { code, stderr } = await runBare(['query', '--sql', 'SELECT 1', '-'], {
      stdin: sampleLogText(OPTIONS),
    });
    expect(code).to.equal(4);
    expect(stderr)
      .to.include('@duckdb/node-api is not installed')
      .and.to.include('npm install @duckdb/node-api');
  });
});
