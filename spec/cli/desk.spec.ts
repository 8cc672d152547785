import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';
import { writeSampleLog } from '../support/sampleLogFiles.js';

const MAIN = 'dist/esm/cli/main.js';

describe('npx otel-mcp-log', function () {
  this.timeout(60_000);
  let folder: string;
  let log: string;
  let lines: string[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-desk-'));
    log = join(folder, 'audit.jsonl');
    writeSampleLog(log, { records: 400, gaps: true, hostile: true });
    lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('lists its commands, and says what a misspelt one may have meant', async () => {
    const help = await runNode([MAIN, '--help']);
    expect(help.code).to.equal(0);
    for (const name of ['query', 'tail', 'report', 'export', 'verify', 'keygen', 'redact'])
      expect(help.stdout).to.include(name);
    const wrong = await runNode([MAIN, 'qurey']);
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.include('query');
  });

  it('query gives the lines that match, byte for byte and in order', async () => {
    const expected = lines.filter((line) => (JSON.parse(line) as AuditRecord).outcome.includes('FAILURE'));
    const { code, stdout } = await runNode([MAIN, 'query', log, '--outcome', 'failure', '--format', 'jsonl']);
    expect(code).to.equal(0);
    expect(expected.length).to.be.greaterThan(5);
    expect(stdout.trimEnd().split('\n')).to.deep.equal(expected);
  });

  it('report writes one page that asks nothing of the network and runs nothing that a record says', async () => {
    const page = join(folder, 'report.html');
    const { code, stderr } = await runNode([MAIN, 'report', log, '-o', page]);
    expect(code, stderr).to.equal(0);
    const html = readFileSync(page, 'utf8');
    expect(html).to.include('default-src &#39;none&#39;');
    expect(html).not.to.match(/<(?:script|link|img)[^>]+(?:src|href)="https?:/);
    expect(html).not.to.include('</script><script>window.__pwned');
    expect(html).not.to.include('<img src=x onerror');
  });

  it('redact shows what the default policy makes of a sample', async () => {
    const sample = join(folder, 'sample.json');
    writeFileSync(sample, JSON.stringify({ user: 'ada', password: 'hunter2' }));
    const { code, stdout, stderr } = await runNode([MAIN, 'redact', sample]);
    expect(code, stderr).to.equal(0);
    expect(stdout).to.include('[REDACTED]').and.not.include('hunter2');
  });

  it('says in one line what is no log, with an exit code of its own', async () => {
    const { code, stderr } = await runNode([MAIN, 'query', folder]);
    expect(code).to.equal(3);
    expect(stderr).to.include(folder).and.not.include('    at ');
  });
});
