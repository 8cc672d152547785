// A log that went through PowerShell or Notepad begins with a byte order mark: no command takes it for a part of the first line.
import { expect } from 'chai';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { runCli } from '../support/builtCli.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const MARK = Buffer.from('\ufeff');

describe('a byte order mark', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  let vkey: string;

  before(async () => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
    vkey = await writeSealedSampleLog(log, { records: 20 });
  });
  after(() => folder.remove());

  /** What a command says of the log, without and with the mark. */
  async function both(...args: string[]) {
    const bytes = readFileSync(log);
    const bare = await runCli(args);
    try {
      writeFileSync(log, Buffer.concat([MARK, bytes]));
      return { bare, marked: await runCli(args) };
    } finally {
      writeFileSync(log, bytes);
    }
  }

  for (const [command, ...args] of [
    ['query'],
    ['query', '--json', '--actor', 'nobody-at-all'],
    ['tail', '--json', '--no-follow', '-n', '100'],
    ['export', '--format', 'csv'],
    ['verify', '--vkey', 'VKEY'],
  ] as const)
    it(`changes nothing for ${[command, ...args].join(' ')}`, async () => {
      const { bare, marked } = await both(command, ...args.map((arg) => arg.replace('VKEY', vkey)), log);
      expect(bare.code, bare.stderr).to.equal(0);
      expect([marked.code, marked.stderr]).to.deep.equal([0, bare.stderr]);
      expect(marked.stdout).to.equal(bare.stdout);
    });

  it('changes nothing in a report, and hides no record from it', async () => {
    const { bare, marked } = await both('report', '--json', '-o', '-', '--vkey', vkey, log);
    expect([marked.code, marked.stderr]).to.deep.equal([bare.code, bare.stderr]);
    const records = (text: string) => (JSON.parse(text) as { totals: { records: number } }).totals.records;
    expect(records(marked.stdout)).to.equal(records(bare.stdout)).and.to.be.at.least(20);
  });

  it('is skipped in a packed log, too', async () => {
    const packed = `${log}.gz`;
    writeFileSync(packed, gzipSync(Buffer.concat([MARK, readFileSync(log)])));
    const { code, stdout, stderr } = await runCli(['query', packed]);
    expect([code, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.equal(readFileSync(log, 'utf8'));
  });

  it('is no reason for the writer to count anew', async () => {
    const path = join(folder.path, 'one.jsonl');
    const [first = ''] = readFileSync(log, 'utf8').split('\n');
    writeFileSync(path, `\ufeff${first}\n`);
    const sink = new FileSink({ path, onNotice: () => undefined });
    expect(sink.lastSeq).to.equal((JSON.parse(first) as { seq: number }).seq);
    await sink.close();
  });
});
