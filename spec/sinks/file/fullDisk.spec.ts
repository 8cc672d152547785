import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SinkError } from '../../../lib/errors.js';
import { createPipeline } from '../../../lib/pipeline/pipeline.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { SpoolSink } from '../../../lib/sinks/spool/spoolSink.js';
import { draft } from '../../support/drafts.js';
import { seqsIn } from '../../support/logFolder.js';
import { MemorySink } from '../../support/memorySink.js';
import { failureOf } from '../../support/scriptedSink.js';

const SIZE = 256 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder]).status === 0;
const itOnSmallDisk = mounted ? it : it.skip;
const why = mounted ? '' : ' (skipped: a tmpfs cannot be mounted here)';

describe(`on a disk that is full${why} @slow`, () => {
  const ballast = join(folder, 'ballast');
  /** Leaves room for a few records only. */
  const fill = () => {
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 32 * 1024));
  };
  const data = 'x'.repeat(4_000);

  after(() => {
    if (mounted) spawnSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => {
    if (existsSync(ballast)) unlinkSync(ballast);
  });

  itOnSmallDisk(
    'a file sink tells callers, leaves no half line, and goes on without a hole when there is room',
    async () => {
      const path = join(folder, 'audit.jsonl');
      const pipeline = createPipeline({
        sinks: [new FileSink(path)],
        exportTimeoutMillis: 1_500,
        onError: () => undefined,
      });
      fill();
      let acknowledged = 0;
      let failure: unknown;
      while (failure === undefined) {
        failure = await failureOf(pipeline.accept(draft({ data })));
        if (failure === undefined) acknowledged++;
      }
      expect(failure).to.be.instanceOf(SinkError).and.include({ code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
      expect(seqsIn(path)).to.deep.equal([...Array(acknowledged).keys()]);

      unlinkSync(ballast);
      // How long the sink still rests before its next try is chance, so this caller may give up too.
      await failureOf(pipeline.accept(draft({ data })));
      await pipeline.shutdown();
      // The record whose caller could not wait did happen, so it is there too.
      expect(seqsIn(path)).to.deep.equal([...Array(acknowledged + 2).keys()]);
    },
  );

  itOnSmallDisk('a spool takes nothing that it cannot keep, and what it took reaches the sink', async () => {
    const receiver = new MemorySink();
    const away = { name: 'away', emit: () => ({ status: 'retryable', error: new Error('away') }) as const };
    const directory = join(folder, 'spool');
    const first = createPipeline({
      sinks: [new SpoolSink(away, { directory, onError: () => undefined })],
      exportTimeoutMillis: 1_500,
      onError: () => undefined,
    });
    fill();
    let acknowledged = 0;
    while ((await failureOf(first.accept(draft({ data })))) === undefined) acknowledged++;
    expect(acknowledged).to.be.greaterThan(0);
    await first.shutdown().catch(() => undefined);

    unlinkSync(ballast);
    const second = createPipeline({ sinks: [new SpoolSink(receiver, { directory })] });
    await second.forceFlush();
    expect(receiver.records.map(({ seq }) => seq).slice(0, acknowledged)).to.deep.equal([
      ...Array(acknowledged).keys(),
    ]);
    await second.shutdown();
  });
});
