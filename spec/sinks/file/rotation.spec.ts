import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createPipeline } from '../../../lib/pipeline/pipeline.js';
import { FileSink } from '../../../lib/sinks/file/fileSink.js';
import { draft, numbered } from '../../support/drafts.js';
import { folders, seqsIn } from '../../support/logFolder.js';
import { failureOf, until } from '../../support/scriptedSink.js';

const upTo = (count: number) => [...Array(count).keys()];
const names = (path: string) => readdirSync(dirname(path)).sort();
const emit = (sink: FileSink, ...seqs: number[]) => sink.emit(seqs.map((seq) => numbered(seq)));

describe('FileSink, rotation', () => {
  const folder = folders();

  it('cuts the log by size and loses nothing', async () => {
    const path = join(folder(), 'audit.jsonl');
    const sink = new FileSink({ path, rotate: { maxBytes: 2_000 } });
    for (const seq of upTo(10)) emit(sink, seq);
    await sink.close();
    const files = names(path);
    expect(files.length).to.be.greaterThan(3);
    for (const file of files) {
      expect(statSync(join(dirname(path), file)).size).to.be.at.most(2_000);
      expect((statSync(join(dirname(path), file)).mode & 0o777).toString(8)).to.equal('600');
    }
    const order = [...files.slice(1), 'audit.jsonl'];
    expect(order.flatMap((file) => seqsIn(join(dirname(path), file)))).to.deep.equal(upTo(10));
  });

  it('cuts the log by age', async () => {
    const path = join(folder(), 'audit.jsonl');
    const sink = new FileSink({ path, rotate: { maxAgeMs: 30 } });
    emit(sink, 0);
    await new Promise((resolve) => setTimeout(resolve, 40));
    emit(sink, 1);
    await sink.close();
    expect([seqsIn(`${path}.000001`), seqsIn(path)]).to.deep.equal([[0], [1]]);
  });

  it('cuts the log by age though the clock is set back', async () => {
    const path = join(folder(), 'audit.jsonl');
    const { now } = Date;
    try {
      const sink = new FileSink({ path, rotate: { maxAgeMs: 30 } });
      emit(sink, 0);
      Date.now = () => now() - 86_400_000;
      await new Promise((resolve) => setTimeout(resolve, 40));
      emit(sink, 1);
      await sink.close();
    } finally {
      Date.now = now;
    }
    expect([seqsIn(`${path}.000001`), seqsIn(path)]).to.deep.equal([[0], [1]]);
  });

  it('goes on counting after a rotation that left the log empty', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(`${path}.000041`, `${JSON.stringify(numbered(7))}\n`);
    const sink = new FileSink({ path, rotate: { maxBytes: 1 } });
    expect(sink.lastSeq).to.equal(7);
    emit(sink, 8);
    emit(sink, 9);
    await sink.close();
    expect(names(path)).to.deep.equal(['audit.jsonl', 'audit.jsonl.000041', 'audit.jsonl.000042']);
  });

  it('compresses all parts but the newest, and deletes only what it is told to', async () => {
    const path = join(folder(), 'audit.jsonl');
    const sink = new FileSink({ path, rotate: { maxBytes: 1, compress: true, keep: 3 } });
    for (const seq of upTo(6)) {
      emit(sink, seq);
      await sink.flush();
    }
    await sink.close();
    expect(names(path)).to.deep.equal([
      ...['audit.jsonl', 'audit.jsonl.000003.gz', 'audit.jsonl.000004.gz', 'audit.jsonl.000005'],
    ]);
    expect(gunzipSync(readFileSync(`${path}.000003.gz`)).toString()).to.include('"seq":2');
    expect((statSync(`${path}.000003.gz`).mode & 0o777).toString(8)).to.equal('600');
    const again = new FileSink({ path });
    expect(again.lastSeq).to.equal(5);
    await again.close();
  });

  it('loses nothing under many durable writers', async () => {
    const path = join(folder(), 'audit.jsonl');
    const pipeline = createPipeline({
      sinks: [new FileSink({ path, rotate: { maxBytes: 4_000 } })],
      acks: 'durable',
      maxExportBatchSize: 7,
    });
    await Promise.all(upTo(100).map(() => pipeline.accept(draft())));
    await pipeline.shutdown();
    const parts = names(path).filter((name) => /\d$/.test(name));
    expect(parts.length).to.be.greaterThan(5);
    const order = [...parts, 'audit.jsonl'];
    expect(order.flatMap((file) => seqsIn(join(dirname(path), file)))).to.deep.equal(upTo(100));
  });
});

describe('FileSink, when others touch the file', () => {
  const folder = folders();
  const opened = (over = {}) =>
    new FileSink({ path: join(folder(), 'audit.jsonl'), checkIntervalMs: 0, ...over });
  const kinds = (sink: FileSink) => sink.notices.map(({ kind }) => kind);

  it('begins a new file after a rename', async () => {
    const sink = opened();
    emit(sink, 0);
    renameSync(sink.path, `${sink.path}.old`);
    emit(sink, 1);
    await sink.close();
    expect([seqsIn(`${sink.path}.old`), seqsIn(sink.path)]).to.deep.equal([[0], [1]]);
    expect(kinds(sink)).to.deep.equal(['renamed']);
  });

  it('looks at once on SIGHUP, where that is asked for', async () => {
    const sink = opened({ checkIntervalMs: 3_600_000, reopenOnSighup: true });
    emit(sink, 0);
    renameSync(sink.path, `${sink.path}.old`);
    process.kill(process.pid, 'SIGHUP');
    await until(() => existsSync(sink.path));
    emit(sink, 1);
    await sink.close();
    expect(seqsIn(sink.path)).to.deep.equal([1]);
    expect(process.listenerCount('SIGHUP')).to.equal(0);
  });

  it('reports a deletion with what it cost, and a flush does not call it well', async () => {
    const sink = opened();
    emit(sink, 0);
    await sink.flush();
    const { size } = statSync(sink.path);
    unlinkSync(sink.path);
    emit(sink, 1);
    expect(sink.notices).to.deep.equal([{ kind: 'deleted', path: sink.path, bytes: size }]);
    expect(await failureOf(sink.flush())).to.include({ code: 'ENOENT' });
    await sink.flush();
    await sink.close();
    expect(seqsIn(sink.path)).to.deep.equal([1]);
  });

  it('writes again what was written to a deleted file before the deletion was noticed', async () => {
    const sink = opened({ checkIntervalMs: 3_600_000 });
    emit(sink, 0);
    await sink.flush();
    unlinkSync(sink.path);
    emit(sink, 1, 2);
    await failureOf(sink.flush());
    emit(sink, 3);
    await sink.close();
    expect(seqsIn(sink.path)).to.deep.equal([1, 2, 3]);
  });

  it('notices a deletion as late as at the shutdown', async () => {
    const sink = opened({ checkIntervalMs: 3_600_000 });
    emit(sink, 0);
    await sink.flush();
    emit(sink, 1);
    unlinkSync(sink.path);
    expect(await failureOf(sink.close())).to.include({ code: 'ENOENT' });
    expect(seqsIn(sink.path)).to.deep.equal([1]);
  });

  it('goes on without a hole after copytruncate', async () => {
    const sink = opened();
    emit(sink, 0, 1);
    const { size } = statSync(sink.path);
    copyFileSync(sink.path, `${sink.path}.copy`);
    truncateSync(sink.path);
    emit(sink, 2);
    await sink.close();
    expect([seqsIn(`${sink.path}.copy`), seqsIn(sink.path)]).to.deep.equal([[0, 1], [2]]);
    expect(sink.notices).to.deep.equal([{ kind: 'truncated', path: sink.path, bytes: size }]);
  });

  it('puts aside half a line that somebody else wrote', async () => {
    const sink = opened();
    emit(sink, 0);
    appendFileSync(sink.path, 'half a line');
    emit(sink, 1);
    await sink.close();
    expect(seqsIn(sink.path)).to.deep.equal([0, 1]);
    expect(kinds(sink)).to.deep.equal(['foreign-bytes', 'torn-tail']);
  });

  it('refuses to follow a link that was put in the file’s place', async () => {
    const sink = opened();
    emit(sink, 0);
    renameSync(sink.path, `${sink.path}.old`);
    symlinkSync('/dev/null', sink.path);
    expect(emit(sink, 1)).to.include({ status: 'retryable' });
    unlinkSync(sink.path);
    expect(emit(sink, 1)).to.include({ status: 'delivered' });
    await sink.close();
    expect(seqsIn(sink.path)).to.deep.equal([1]);
  });
});
