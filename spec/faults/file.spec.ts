// Faults that only the kernel can make, injected with strace (Debian: apt-get install strace). Not part of `npm test`:
// npx mocha --no-config --node-option import=tsx --timeout 60000 spec/faults/file.spec.ts
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { Child, type Ended } from '../support/child.js';
import type { WriterPlan } from '../support/children/auditWriter.js';
import { folders, seqsIn } from '../support/logFolder.js';

const strace = spawnSync('strace', ['-V']).status === 0;
const itWithStrace = strace ? it : it.skip;

describe('FileSink, faults of the kernel (needs strace)', function () {
  this.timeout(60_000);
  const folder = folders();

  /** Runs a writer whose system calls on the log's path fail as told. */
  async function injected(fault: string, over: Partial<WriterPlan> = {}): Promise<{ ended: Ended; path: string }> {
    const path = join(folder(), 'audit.jsonl');
    const plan: WriterPlan = { file: { path }, records: 24, end: 'process.exit', ...over };
    // -P limits the fault to the log; -f follows the thread pool, where fdatasync runs.
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-P', path, '-e', `inject=${fault}`];
    return { ended: await new Child('auditWriter.ts', plan, wrapper).ended, path };
  }

  const acknowledged = (ended: Ended) => ended.lines.filter((line) => line === 'ok').length;

  for (const error of ['ENOSPC', 'EIO']) {
    itWithStrace(`recovers from ${error} in write without a torn or a repeated line`, async () => {
      const { ended, path } = await injected(`write:error=${error}:when=2..3`);
      expect(acknowledged(ended), ended.stderr).to.equal(24);
      expect(seqsIn(path)).to.deep.equal([...Array(24).keys()]);
    });
  }

  itWithStrace('never calls durable what a failed fdatasync covered, and writes it anew', async () => {
    const { ended, path } = await injected('fdatasync:error=EIO:when=2', { pipeline: { acks: 'durable' } });
    expect(acknowledged(ended), ended.stderr).to.equal(24);
    expect(seqsIn(path)).to.deep.equal([...Array(24).keys()]);
  });

  itWithStrace('acknowledges nothing while fdatasync keeps failing', async () => {
    const pipeline = { acks: 'durable', sinkTimeoutMs: 300 } as const;
    const { ended, path } = await injected('fdatasync:error=EIO:when=2+', { pipeline });
    const count = acknowledged(ended);
    expect(count, ended.stderr).to.be.lessThan(24);
    expect(ended.lines).to.include('failed MCP_LOG_ERR_SINK_TIMEOUT');
    // The last words at exit may be on the file; what was acknowledged must be.
    expect(seqsIn(path).slice(0, count)).to.deep.equal([...Array(count).keys()]);
  });

  itWithStrace('goes on in the file it has when it cannot rotate', async () => {
    const path = join(folder(), 'audit.jsonl');
    const plan: WriterPlan = { file: { path, rotate: { maxBytes: 2_000 } }, records: 24, end: 'process.exit' };
    const wrapper = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=rename:error=EACCES'];
    const ended = await new Child('auditWriter.ts', plan, wrapper).ended;
    expect(acknowledged(ended), ended.stderr).to.equal(24);
    expect(seqsIn(path)).to.deep.equal([...Array(24).keys()]);
    expect(readdirSync(dirname(path))).to.deep.equal(['audit.jsonl']);
  });
});
