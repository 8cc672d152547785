import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { expect } from 'chai';
import { unzipSync } from 'fflate';
import { Packer } from '../../lib/cli/evidence/pack.js';
import { builtBinary, runCli } from '../support/builtCli.js';
import { runCommand } from '../support/runCommand.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** A log that is large enough for threads: the program has them, and a command that is called as a function has none. */
describe('export and evidence of a large log, on several threads', function () {
  this.timeout(180_000);
  const folder = temporaryFolder();
  const path = (name: string) => join(folder.path, name);
  before(async () => {
    const part = sampleLogText({ records: 2_000, hostile: true, gaps: true });
    const log = createWriteStream(path('audit.jsonl'));
    for (let written = 0, turn = 0; written < 40 * 2 ** 20; written += part.length, turn++) {
      log.write(part);
      if (turn === 3) log.write(`{"record_id":"broken"}\n\n${'x'.repeat(3 * 2 ** 20)}\n`);
    }
    log.end('{"record_id":"torn');
    await finished(log);
  });
  after(() => folder.remove());

  for (const args of [
    ['--format', 'csv'],
    ['--format', 'otlp', '--outcome', 'failure'],
    ['--format', 'ocsf', '--since', '2026-01-05T12:00Z'],
  ])
    it(`writes the same bytes and tells the same problems as without: ${args.join(' ')} @slow`, async () => {
      const export_ = (to: string) => ['export', ...args, path('audit.jsonl'), '-o', path(to)];
      const threads = await runCli(export_('threads'));
      const alone = await runCommand(export_('alone'));
      expect(await digest(path('threads'))).to.equal(await digest(path('alone')));
      expect(threads.stderr)
        .to.equal(alone.err)
        .and.to.include('not an audit record')
        .and.include('half a line');
      expect([threads.code, threads.stdout]).to.deep.equal([3, alone.out]);
      for (const name of ['threads', 'alone']) rmSync(path(name));
    });

  it('evidence packs the slice into the same bytes as without, and tells of the broken lines @slow', async () => {
    const packed: [content: object, bytes: string][] = [];
    for (const program of [builtBinary(), undefined]) {
      const packer = new Packer(program);
      const { path: to, ...content } = await packer.pack(path('audit.jsonl'));
      await packer.close();
      packed.push([content, await digest(to)]);
      rmSync(to);
    }
    expect(packed[0]).to.deep.equal(packed[1]);
    const args = ['evidence', '--framework', 'soc2', path('audit.jsonl'), '-o', path('bundle.zip')];
    const { code, stderr } = await runCli(args);
    expect(code).to.equal(3);
    expect(stderr).to.include('not an audit record').and.include('half a line');
    expect(await runCli(['verify', path('bundle.zip')])).to.include({ code: 0 });
    // From the first record to the last, byte for byte: the half line at the end is none.
    const log = readFileSync(path('audit.jsonl'));
    const { 'logs/1-audit.jsonl': slice } = unzipSync(readFileSync(path('bundle.zip')));
    expect(log.subarray(0, log.lastIndexOf('\n') + 1).equals(slice ?? new Uint8Array())).to.equal(true);
  });
});
