import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createPipeline } from '../../../lib/pipeline/pipeline.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { Child } from '../../support/child.js';
import type { WriterPlan } from '../../support/children/auditWriter.js';
import { draft } from '../../support/drafts.js';
import { folders, recordsIn, seqsIn } from '../../support/logFolder.js';
import { failureOf } from '../../support/scriptedSink.js';

const upTo = (count: number) => [...Array(count).keys()];
const acknowledged = (lines: readonly string[]) => lines.filter((line) => line === 'ok').length;

describe('FileSink, crashes', function () {
  this.timeout(60_000);
  const folder = folders();

  for (const fsync of ['batch', 'always'] as const) {
    it(`has what it acknowledged after SIGKILL in the middle of writing (fsync: ${fsync})${fsync === 'always' ? '' : ' @slow'}`, async () => {
      const path = join(folder(), 'audit.jsonl');
      const plan: WriterPlan = {
        file: { path, fsync },
        records: 1_000_000,
        filling: 20_000,
        end: 'write until killed',
      };
      const child = new Child('auditWriter.ts', plan);
      await child.printed('ok', 100);
      child.process.kill('SIGKILL');
      const { lines } = await child.ended;
      const sink = new FileSink(path);
      expect(sink.notices.map(({ kind }) => kind)).to.include('stale-lock');
      await sink.close();
      const seqs = seqsIn(path);
      expect(seqs).to.deep.equal(upTo(seqs.length));
      expect(seqs.length).to.be.at.least(acknowledged(lines));
    });
  }

  it('keeps a second process away while the first one lives', async () => {
    const path = join(folder(), 'audit.jsonl');
    const plan: WriterPlan = { file: { path }, records: 1, end: 'signal' };
    const first = new Child('auditWriter.ts', plan);
    await first.printed('ready');
    const second = await new Child('auditWriter.ts', plan).ended;
    expect(second.code).to.equal(1);
    expect(second.stderr).to.include(`is being written by process ${first.process.pid}`);
    first.process.kill('SIGTERM');
    await first.ended;
    expect(seqsIn(path)).to.deep.equal([0]);
  });
});

describe('FileSink, a full disk', function () {
  this.timeout(60_000);
  const folder = folders();

  it('leaves no part of a line behind at the size limit of a process (ulimit -f) @slow', async () => {
    const path = join(folder(), 'audit.jsonl');
    const plan: WriterPlan = {
      file: { path },
      pipeline: { exportTimeoutMillis: 300 },
      records: 64,
      filling: 1_000,
      end: 'process.exit',
    };
    // 20 blocks of 1,024 bytes: the write that crosses the limit is short, the next one fails with EFBIG.
    const { lines } = await new Child('auditWriter.ts', plan, {
      wrapper: ['bash', '-c', 'ulimit -f 20; exec "$@"', 'bash'],
    }).ended;
    expect(lines).to.include('failed MCP_LOG_ERR_SINK_TIMEOUT');
    expect(acknowledged(lines)).to.be.greaterThan(0);
    expect(seqsIn(path)).to.deep.equal(upTo(acknowledged(lines)));
  });

  const small = smallFileSystem();
  after(() => small?.unmount());
  const it_ = small === undefined ? it.skip : it;

  it_(
    'fails while the disk is full, leaves whole lines, and recovers (needs the right to mount a tmpfs)',
    async () => {
      const { path: root } = small!;
      const path = join(root, 'log', 'audit.jsonl');
      const options = {
        mode: 'blocking-strict',
        exportTimeoutMillis: 200,
        onError: () => undefined,
      } as const;
      const pipeline = createPipeline({ sinks: [new FileSink(path)], ...options });
      await pipeline.acceptIntent(draft());
      writeFileSync(join(root, 'ballast'), Buffer.alloc(statSync(root).blksize * 240));
      const data = 'x'.repeat(100_000);
      expect(await failureOf(pipeline.acceptIntent(draft({ data })))).to.include({
        code: 'MCP_LOG_ERR_UNAVAILABLE',
      });
      expect(seqsIn(path)).to.deep.equal([0]);
      rmSync(join(root, 'ballast'));
      await pipeline.acceptIntent(draft({ data }));
      await pipeline.shutdown();
      expect(recordsIn(path)).to.have.length(2);
    },
  );
});

/** A file system of one megabyte, where this machine allows one. */
function smallFileSystem(): { path: string; unmount: () => void } | undefined {
  if (!existsSync('/dev/shm')) return undefined;
  const path = mkdtempSync('/dev/shm/otel-mcp-log-');
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]).status !== 0) {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    unmount: () => {
      execFileSync('umount', [path]);
      rmSync(path, { recursive: true });
    },
  };
}
