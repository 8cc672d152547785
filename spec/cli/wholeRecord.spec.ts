import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import { decodeRecord, LineFault } from '../../lib/cli/input/records.js';
import { runCli } from '../support/builtCli.js';
import { mutatedRecords } from '../support/mutatedRecords.js';
import { runCommand } from '../support/runCommand.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { TestLog } from '../support/sealedLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const MUTATIONS = mutatedRecords();
const NAMED = /^\S+audit\.jsonl(?::\d+)? \(byte \d+\): not a|^\{"problem":"not a.*"line":\d+,"offset":\d+/;
const WHOLE = MUTATIONS.filter(({ isWhole }) => isWhole).length;

function faultOf(line: string): string | undefined {
  const data = Buffer.from(line);
  try {
    decodeRecord(data, 0, data.length);
    return undefined;
  } catch (error) {
    if (error instanceof LineFault) return error.message;
    throw error;
  }
}

describe('a record with one field missing, of another type, too long, or of a later schema', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  const good = (index: number) => encodeLine(sampleRecord(index));

  before(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
    const lines = MUTATIONS.flatMap(({ line }, index) => [good(2 * index), line]);
    writeFileSync(log, `${lines.join('\n')}\n`);
  });
  after(() => folder.remove());

  it('is whole, or is told what it lacks', () => {
    const otherwise = MUTATIONS.filter(({ line, isWhole }) => (faultOf(line) === undefined) !== isWhole);
    expect(otherwise.map(({ name, line }) => `${name}: ${faultOf(line) ?? 'whole'}`)).to.deep.equal([]);
    expect(MUTATIONS.length).to.be.greaterThan(600);
  });

  for (const [change, fault] of [
    [{ actor_id: undefined }, 'actor_id is missing'],
    [{ metadata: { schema_version: '1.0.0' } }, 'metadata.product_name is missing'],
    [{ seq: '1' }, 'seq is no whole number'],
    [{ severity: 'constructor' }, 'severity is no name of the schema'],
    [{ mcp: { method: 'ping', http_status: '200' } }, 'mcp.http_status is no whole number'],
    [{ error: null }, 'error is no object'],
    [{ policy_tags: ['a', 1] }, 'policy_tags is no list of texts'],
  ] as const)
    it(`is named by its fault: ${fault}`, () => {
      expect(faultOf(JSON.stringify({ ...sampleRecord(), ...change }))).to.equal(
        `not a whole record: ${fault}`,
      );
    });

  const commands: readonly (readonly [command: string, ...more: string[]])[] = [
    ...['table', 'jsonl', 'csv'].map((format) => ['query', '--format', format] as const),
    ['query', '--format', 'table', '--details'],
    ['query', '--format', 'table', '--fields', 'mcp,error.code,data'],
    ['query', '--fields', 'mcp,error.code,data'],
    ['query', '--contains', 'echo\u00e9'],
    ['query', '--actor', '?*', '--tool', '?*', '--server', '?*', '--resource', '?*'],
    ['query', '--follow-trace', '4bf92f3577b34da6a3ce929d0e0e4736'],
    ['query', '--follow-trace', '4bf92f3577b34da6a3ce929d0e0e4736', '--details'],
    ['query', '--follow-trace', '4bf92f3577b34da6a3ce929d0e0e4736', '--json'],
    ...['ocsf', 'ocsf-1.8', 'ocsf-strict', 'ecs', 'ecs-9', 'csv', 'otlp'].map(
      (format) => ['export', '--format', format] as const,
    ),
    ['report', '--json', '-o', '-'],
    ['tail', '--no-follow', '--lines', '9999'],
    ['tail', '--no-follow', '--lines', '9999', '--details'],
  ];
  for (const words of commands)
    it(`never ends 'otel-mcp-log ${words.join(' ')}', which names it and serves the rest`, async () => {
      const { code, err } = await runCommand([...words, log]);
      expect(err).not.to.include('fault');
      expect(code).to.equal(3);
      const named = err.split('\n').filter((line) => NAMED.test(line));
      expect(named.length).to.equal(5);
      expect(err).to.include(`and ${MUTATIONS.length - WHOLE - 5} more lines like these`);
    });

  it('is counted where it is whole, and nowhere else', async () => {
    const { out } = await runCommand(['query', '--format', 'jsonl', log]);
    expect(out.trimEnd().split('\n').length).to.equal(MUTATIONS.length + WHOLE);
    const { err } = await runCommand(['export', '--format', 'otlp', '--json', log]);
    const counts = JSON.parse(err.trimEnd().split('\n').at(-1)!) as object;
    expect(counts).to.deep.equal({
      format: 'otlp',
      in: MUTATIONS.length + WHOLE,
      out: MUTATIONS.length + WHOLE,
    });
    const report = await runCommand(['report', '--json', '-o', '-', log]);
    const { totals } = JSON.parse(report.out) as { totals: { records: number; problems: number } };
    expect(totals).to.include({ records: MUTATIONS.length + WHOLE, problems: MUTATIONS.length - WHOLE });
  });

  it('ends neither the page, nor evidence, nor verify', async () => {
    const bundle = join(folder.path, 'q1.zip');
    const page = await runCli(['report', '-o', join(folder.path, 'r.html'), log]);
    const evidence = await runCli(['evidence', '--framework', 'pci', '-o', bundle, log]);
    const checked = await runCli(['verify', '--json', bundle]);
    const verified = await runCli(['verify', '--json', log]);
    expect([page.code, evidence.code, verified.code]).to.deep.equal([3, 3, 3]);
    for (const { stderr } of [page, evidence, checked, verified]) expect(stderr).not.to.include('fault');
    expect(JSON.parse(checked.stdout)).to.have.property('ok');
  });

  it('is proved and verified by its bytes in a log that was sealed with it', async () => {
    mkdirSync(join(folder.path, 'sealed'));
    const sealed = await new TestLog(join(folder.path, 'sealed')).open();
    sealed.write(...MUTATIONS.map(({ line }) => line));
    await sealed.close();
    for (let index = 0; index < MUTATIONS.length; index += 40) {
      const { code, err } = await runCommand([
        'prove',
        sealed.path,
        '--index',
        String(index),
        '--with-record',
      ]);
      expect([code, err.includes('fault')]).to.deep.equal([0, false]);
    }
    const { code, out } = await runCommand(['verify', '--json', sealed.path]);
    expect([code, (JSON.parse(out) as { sealed: number }).sealed]).to.deep.equal([1, MUTATIONS.length]);
  });
});
