// Compares with the projections of the codecs: the command must write what they make, and nothing else.
import { toLogFacts } from '../../lib/sinks/otlpLogSink.js';
import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toEcs } from '../../lib/codecs/ecs.js';
import { toOcsf } from '../../lib/codecs/ocsf.js';
import { runCli } from '../support/builtCli.js';
import { mutatedRecords } from '../support/mutatedRecords.js';
import { needDuckDB, type DuckDBProject } from '../support/duckdb.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = { records: 300, hostile: true, gaps: true };

/** A reader of CSV of its own (RFC 4180): rows of cells. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const { 1: quoted, 2: plain, 3: end } of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g,
  )) {
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('export', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const records = [...sampleLog(OPTIONS)];
  const run = (...args: string[]) => runCli(['export', ...args, log]);

  before(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
    writeFileSync(log, sampleLogText(OPTIONS));
  });
  after(() => folder.remove());

  for (const [format, project] of [
    ['ocsf', toOcsf],
    ['ecs', toEcs],
  ] as const) {
    it(`writes ${format} as JSON lines, one a record, and says so`, async () => {
      const { code, stdout, stderr } = await run('--format', format);
      expect([code, stderr]).to.deep.equal([0, `300 records in, 300 out (${format})\n`]);
      const events = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
      expect(events).to.deep.equal(
        records.map((record) => JSON.parse(JSON.stringify(project(record))) as unknown),
      );
    });
  }

  it('writes CSV whose cells a spreadsheet takes for text, or, when asked, exactly what was logged', async () => {
    const [head, ...rows] = parseCsv((await run('--format', 'csv')).stdout);
    const actor = head!.indexOf('actor_id');
    expect(rows).to.have.length(300);
    expect(new Set(rows.map((row) => row.length))).to.deep.equal(new Set([head!.length]));
    for (const cell of rows.flat()) expect(cell).not.to.match(/^[=+@\t\r|]|^-[^0-9]/);
    const [, ...exact] = parseCsv((await run('--format', 'csv', '--csv-exact')).stdout);
    expect(exact.map((row) => row[actor])).to.deep.equal(records.map(({ actor_id }) => actor_id));
  });

  it('writes the log records that OtlpLogSink sends, with the whole record in the body', async () => {
    const { stdout } = await run('--format', 'otlp');
    const messages = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as OtlpLogs);
    const found = messages.flatMap(({ resourceLogs }) =>
      resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)),
    );
    expect(found).to.have.length(300);
    for (const [index, record] of records.entries()) {
      const { record_id, time, trace_id, span_id } = record;
      const { timeUnixNano, body, traceId, spanId, severityText, attributes } = found[index]!;
      const facts = toLogFacts(record);
      expect({
        time: Number(BigInt(timeUnixNano) / 1_000_000n),
        body: body.stringValue,
        traceId,
        spanId,
        severity: severityText,
      }).to.deep.equal({
        time: Date.parse(time),
        body: facts.body,
        traceId: trace_id,
        spanId: span_id,
        severity: facts.severityText,
      });
      expect(attributes.map(({ key }) => key)).to.deep.equal(Object.keys(facts.attributes));
      const values = new Map(attributes.map(({ key, value }) => [key, value]));
      expect(values.get('log.record.uid')).to.deep.equal({ stringValue: record_id });
    }
  });

  it('exports what filters choose, to a file, with the counts as JSON', async () => {
    const file = join(folder.path, 'failed.jsonl');
    const wanted = records.filter(({ outcome }) => outcome.startsWith('OUTCOME_FAILURE')).length;
    const { stdout } = await run('--format', 'ecs', '--outcome', 'failure', '-o', file, '--json');
    expect(JSON.parse(stdout)).to.deep.equal({ format: 'ecs', in: wanted, out: wanted });
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).to.have.length(wanted);
  });

  it('wants a format that it knows', async () => {
    expect(await run()).to.include({ code: 2 });
    expect((await run('--format', 'parket')).stderr).to.include("Did you mean 'parquet'?");
  });

  describe('with DuckDB', () => {
    let project: DuckDBProject;
    before(async function () {
      project = await needDuckDB(this);
    });

    it('writes Parquet that DuckDB reads back, row for row', async () => {
      const file = join(folder.path, 'out.parquet');
      expect(await runCli(['export', '--format', 'parquet', '-o', file, log], project)).to.include({
        code: 0,
        stdout: '300 records in, 300 out (parquet)\n',
      });
      const instance = await project.duckdb.DuckDBInstance.create(':memory:', {});
      const connection = await instance.connect();
      const rows = await connection.runAndReadAll(
        `SELECT record_id, mcp.tool_name FROM '${file}' ORDER BY seq`,
      );
      expect(rows.getRowsJS()).to.deep.equal(
        records.map(({ record_id, mcp }) => [record_id, mcp?.tool_name ?? null]),
      );
      connection.closeSync();
      instance.closeSync();
    });

    it('writes records whole that DuckDB would not read as they stand', async () => {
      const odd = join(folder.path, 'odd.jsonl');
      const lines = mutatedRecords().filter(({ isWhole }) => isWhole);
      writeFileSync(odd, lines.map(({ line }) => `${line}\n`).join(''));
      const file = join(folder.path, 'odd.parquet');
      const { code, stdout } = await runCli(['export', '--format', 'parquet', '-o', file, odd], project);
      const count = lines.length;
      expect([code, stdout]).to.deep.equal([0, `${count} records in, ${count} out (parquet)\n`]);
      const sql = await runCli(['query', '--sql', 'SELECT 1 FROM records', odd], project);
      expect([sql.code, sql.stdout]).to.deep.equal([3, '']);
      expect(sql.stderr).to.include('DuckDB cannot read a record');
    });
  });
});

interface OtlpLogs {
  resourceLogs: {
    scopeLogs: {
      logRecords: {
        timeUnixNano: string;
        body: { stringValue: string };
        traceId: string;
        spanId: string;
        severityText: string;
        attributes: { key: string; value: unknown }[];
      }[];
    }[];
  }[];
}
