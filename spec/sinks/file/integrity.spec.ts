import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ConfigError } from '../../../lib/errors.js';
import { openCheckpoint } from '../../../lib/integrity/tlog/checkpoint.js';
import { integrityLayout, parseSegmentList } from '../../../lib/integrity/storage/files.js';
import { findRecord } from '../../../lib/integrity/proving.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { createPipeline } from '../../../lib/pipeline/pipeline.js';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { FileSink, type FileSinkOptions } from '../../../lib/sinks/file/fileSink.js';
import { bundled } from '../../support/bundled.js';
import { draft, numbered } from '../../support/drafts.js';
import { ORIGIN } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('FileSink with integrity', () => {
  const key = newKey(ORIGIN);
  const vkeys = [key.vkey];
  let folder: ReturnType<typeof temporaryFolder>;
  let path: string;
  let seq: number;

  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'audit.jsonl');
    seq = 0;
  });
  afterEach(() => folder.remove());

  const open = ({ integrity, ...options }: Partial<FileSinkOptions> = {}) =>
    new FileSink({ path, integrity: { origin: ORIGIN, key: { pem: key.pem }, ...integrity }, ...options });
  async function write(sink: FileSink, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const result = await sink.emit([numbered(seq++)]);
      expect(result.status).to.equal('delivered');
    }
  }
  async function expectSound(size: number): Promise<void> {
    const report = await verifyLogFile(path, { vkeys });
    expect(report.problems).to.deep.equal([]);
    expect(report).to.deep.include({ ok: true, size, sealed: size });
  }
  const problems = async () =>
    (await verifyLogFile(path, { vkeys })).problems.map(({ kind, index }) => [kind, index]);

  for (const fsync of ['always', 'batch', 'never'] as const) {
    it(`seals every record, across restarts and rotation (fsync ${fsync})`, async () => {
      const rotate = { maxBytes: 5000, compress: true };
      for (const count of [1, 30, 0, 17]) {
        const sink = open({ fsync, rotate });
        await write(sink, count);
        await sink.close();
        expect(sink.notices).to.deep.equal([]);
      }
      expect(existsSync(`${path}.000001.gz`)).to.equal(true);
      await expectSound(48);
    });
  }

  for (const mode of ['blocking', 'blocking-strict', 'batch'] as const) {
    it(`seals every record that a pipeline writes (${mode})`, async () => {
      const pipeline = createPipeline({ sinks: [open({ rotate: { maxBytes: 5000 } })], mode });
      for (let i = 0; i < 20; i++) {
        if (pipeline.needsIntent) await pipeline.acceptIntent(draft({ stage: 'request_received' }));
        await pipeline.accept(draft());
      }
      await pipeline.shutdown();
      await expectSound(mode === 'blocking-strict' ? 40 : 20);
    });
  }

  it('seals batches, which may be larger than a segment', async () => {
    const sink = open({ fsync: 'always', rotate: { maxBytes: 3000 } });
    for (const size of [1, 20, 2, 7]) {
      const batch = Array.from({ length: size }, () => numbered(seq++));
      expect((await sink.emit(batch)).status).to.equal('delivered');
    }
    await sink.close();
    await expectSound(30);
  });

  it('seals lines in the order of the files, when batches are given while others wait for the disk', async () => {
    const sink = open({ fsync: 'always', rotate: { maxBytes: 3000 } });
    const results = await Promise.all(Array.from({ length: 60 }, () => sink.emit([numbered(seq++)])));
    expect(new Set(results.map(({ status }) => status))).to.deep.equal(new Set(['delivered']));
    await sink.close();
    expect(sink.notices).to.deep.equal([]);
    await expectSound(60);
  });

  it('counts a line to the file it was written to, when that is renamed before the line is on the disk', async () => {
    const sink = open({ fsync: 'always', reopenOnSighup: true });
    await write(sink, 3);
    const written = sink.emit([numbered(seq++)]);
    renameSync(path, `${path}.1`);
    process.emit('SIGHUP');
    await written;
    await write(sink, 3);
    await sink.close();
    await expectSound(7);
    const { segments } = parseSegmentList(readFileSync(integrityLayout(path).segments, 'utf8'));
    expect(segments).to.deep.equal([{ first: 0, count: 4 }]);
  });

  it('repairs a torn tail first, and seals what is whole', async () => {
    const sink = open();
    await write(sink, 5);
    await sink.close();
    appendFileSync(path, '{"record_id":"torn');
    const again = open();
    await write(again, 5);
    await again.close();
    expect(again.notices.map(({ kind }) => kind)).to.deep.equal(['torn-tail']);
    await expectSound(10);
  });

  for (const [what, interfere] of [
    ['renamed, as logrotate does', () => renameSync(path, `${path}.1`)],
    [
      'copied and truncated, as logrotate does',
      () => {
        copyFileSync(path, `${path}.1`);
        truncateSync(path);
      },
    ],
  ] as const) {
    it(`takes a file that was ${what} for a segment of one log`, async () => {
      const sink = open({ checkIntervalMs: 0 });
      await write(sink, 10);
      interfere();
      await write(sink, 10);
      renameSync(`${path}.1`, `${path}.2`);
      interfere();
      await write(sink, 5);
      await sink.close();
      await expectSound(25);
    });
  }

  it('[attack 37] a file that was deleted is missing by its records', async () => {
    const sink = open({ checkIntervalMs: 0 });
    await write(sink, 10);
    unlinkSync(path);
    await write(sink, 10);
    await sink.close().catch(() => undefined);
    expect(await problems()).to.deep.equal([['segment', 0]]);
  });

  it('[attack 37] a line that somebody else wrote into the file is named', async () => {
    const sink = open({ checkIntervalMs: 0 });
    await write(sink, 10);
    appendFileSync(path, `${JSON.stringify(numbered(999))}\n`);
    await write(sink, 10);
    await sink.close();
    expect(sink.notices.map(({ kind }) => kind)).to.include('integrity');
    expect(await problems()).to.deep.include(['inserted', 10]);
  });

  it('sets a log aside that is not what its evidence says, and goes on in a new one', async () => {
    const sink = open();
    await write(sink, 10);
    await sink.close();
    writeFileSync(integrityLayout(path).checkpoint, 'forged\n');
    const again = open();
    const result = await again.emit([numbered(seq)]);
    expect(result).to.deep.include({ status: 'delivered' });
    await again.close();
    expect(again.notices.map(({ kind }) => kind)).to.include('integrity');
    expect(readFileSync(path, 'utf8').split('\n')).to.have.length(2);
    const [aside = expect.fail()] = readdirSync(dirname(path)).filter((name) => name.includes('set-aside'));
    const old = join(dirname(path), aside, basename(path));
    expect(readFileSync(old, 'utf8').split('\n')).to.have.length(11);
  });

  it('makes a key at first use, and says where and what it is', async () => {
    const file = join(folder.path, 'key.pem');
    const sink = open({ integrity: { origin: ORIGIN, key: { generate: file } } });
    const [notice] = sink.notices;
    expect(notice).to.deep.include({ kind: 'key-generated', path: file });
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    await write(sink, 3);
    await sink.close();
    const report = await verifyLogFile(path, { vkeys: [notice?.detail ?? ''] });
    expect(report).to.include({ ok: true, sealed: 3 });
  });

  it('refuses options that cannot work, and gives the path free again', async () => {
    expect(() => open({ integrity: { origin: 'a b', key: '' } })).to.throw(ConfigError, 'integrity.origin');
    await open({ integrity: null as never }).close();
  });

  it('sends checkpoints to an anchor that is a sink, as records', async () => {
    const taken: AuditRecord[] = [];
    const anchor = { emit: (records: readonly AuditRecord[]) => void taken.push(...records) };
    const sink = open({ integrity: { origin: ORIGIN, key: { pem: key.pem }, checkpointEvery: 5, anchor } });
    await write(sink, 12);
    await sink.close();
    const newest = taken.at(-1) ?? expect.fail();
    expect(newest).to.deep.include({ resource: 'audit/checkpoint', seq: 12, environment: 'test' });
    expect(newest.record_id).to.match(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const { checkpoint } = newest.data as { checkpoint: string };
    expect(openCheckpoint(checkpoint, [key.verifier]).size).to.equal(12);
    expect(readFileSync(integrityLayout(path).anchored, 'utf8')).to.equal(checkpoint);
    await expectSound(12);
  });

  it('an anchor sink that refuses is told of, and costs no record', async () => {
    const anchor = { emit: () => ({ status: 'permanent' as const, error: new Error('canary secret') }) };
    const sink = open({ integrity: { origin: ORIGIN, key: { pem: key.pem }, anchor } });
    await write(sink, 3);
    await sink.close();
    expect(JSON.stringify(sink.notices)).to.contain('the anchor failed (Error)').and.not.contain('canary');
    await expectSound(3);
  });

  describe('killed at any moment', function () {
    this.timeout(120_000);

    for (const fsync of ['always', 'batch'] as const) {
      it(`[attack 37] loses nothing that was acknowledged, and seals it after the restart (fsync ${fsync}) @slow`, async () => {
        const pem = join(folder.path, 'key.pem');
        writeFileSync(pem, key.pem, { mode: 0o600 });
        let acknowledged = -1;
        for (const until of [3, 120, 77, 400, 1]) acknowledged = await killAfter([path, pem, fsync], until);
        const sink = open({ rotate: { maxBytes: 20_000, compress: true } });
        seq = (sink.lastSeq ?? -1) + 1;
        expect(seq).to.be.greaterThan(acknowledged);
        await write(sink, 1);
        await sink.close();
        await expectSound(seq);
        expect((await findRecord(path, { index: acknowledged })).line.toString()).to.contain(
          `"seq":${acknowledged},`,
        );
      });
    }
  });
});

/** Runs the writer and kills it once it has acknowledged so many records more; gives the last place acknowledged. */
async function killAfter(args: readonly string[], count: number): Promise<number> {
  const program = bundled(new URL('../../support/children/sealedWriter.ts', import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  let last = -1;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (++seen === count) child.kill('SIGKILL');
  }
  await exited;
  expect(seen, 'the writer ended by itself').to.be.at.least(count);
  return last;
}
