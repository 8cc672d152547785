// Faults that only the kernel can make, injected with strace (Debian: apt-get install strace).
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { Child } from '../support/child.js';
import type { WriterPlan } from '../support/children/auditWriter.js';
import { folders, seqsIn } from '../support/logFolder.js';

const RECORDS = 24;
const all = [...Array(RECORDS).keys()];
const itWithStrace = spawnSync('strace', ['-V']).status === 0 ? it : it.skip;

interface Outcome {
  readonly path: string;
  readonly acknowledged: number;
  readonly lines: readonly string[];
}

describe('FileSink, faults of the kernel (needs strace) @slow', function () {
  this.timeout(60_000);
  const folder = folders();

  /** Runs a writer whose system calls fail as told; with `on` the log, only those that concern it. */
  async function injected(
    fault: string,
    on: 'the log' | 'anything',
    over: Pick<WriterPlan, 'pipeline'> & { rotate?: { maxBytes: number } } = {},
  ): Promise<Outcome> {
    const base = folder();
    const path = join(base, 'audit.jsonl');
    const trace = join(base, 'strace.txt');
    const { pipeline = {}, rotate } = over;
    const plan: WriterPlan = {
      pipeline,
      records: RECORDS,
      end: 'process.exit',
      file: { path, ...(rotate && { rotate }) },
    };
    // -f follows the thread pool, where fdatasync runs: of one thread, since strace counts calls per thread.
    const wrapper = [
      'strace',
      '-f',
      '-qq',
      '-E',
      'UV_THREADPOOL_SIZE=1',
      '-o',
      trace,
      '-e',
      `inject=${fault}`,
    ];
    if (on === 'the log') wrapper.push('-P', path);
    const { lines } = await new Child('auditWriter.ts', plan, { wrapper }).ended;
    expect(readFileSync(trace, 'utf8'), 'the fault did happen').to.include('(INJECTED)');
    return { path, lines, acknowledged: lines.filter((line) => line === 'ok').length };
  }

  for (const error of ['ENOSPC', 'EIO']) {
    itWithStrace(`recovers from ${error} in write without a torn or a repeated line`, async () => {
      const { path, acknowledged } = await injected(`write:error=${error}:when=2..3`, 'the log');
      expect(acknowledged).to.equal(RECORDS);
      expect(seqsIn(path)).to.deep.equal(all);
    });
  }

  itWithStrace('takes what a failed fdatasync covered off the log, and writes it anew', async () => {
    const fault = 'fdatasync:error=EIO:when=2';
    const { path, acknowledged } = await injected(fault, 'the log', { pipeline: { acks: 'durable' } });
    expect(acknowledged).to.equal(RECORDS);
    expect(seqsIn(path)).to.deep.equal(all);
  });

  itWithStrace('acknowledges nothing as durable while fdatasync keeps failing', async () => {
    const pipeline = { acks: 'durable', exportTimeoutMillis: 300 } as const;
    const { path, acknowledged, lines } = await injected('fdatasync:error=EIO:when=2+', 'the log', {
      pipeline,
    });
    expect(acknowledged, 'the first group').to.equal(8);
    expect(lines.filter((line) => line === 'failed MCP_LOG_ERR_SINK_TIMEOUT')).to.have.length(RECORDS - 8);
    // What was still waiting may be on the file, written in the last moment: never half of it, never twice.
    const seqs = seqsIn(path);
    expect(seqs).to.deep.equal(all.slice(0, seqs.length));
    expect(seqs.length).to.be.at.least(8);
  });

  itWithStrace('goes on in the file it has when it cannot rotate', async () => {
    const { path, acknowledged } = await injected('rename:error=EACCES', 'anything', {
      rotate: { maxBytes: 2_000 },
    });
    expect(acknowledged).to.equal(RECORDS);
    expect(seqsIn(path)).to.deep.equal(all);
    expect(readdirSync(dirname(path))).to.deep.equal(['audit.jsonl', 'strace.txt']);
  });
});
