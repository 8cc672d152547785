import { expect } from 'chai';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hashToBase64, leafHash } from '../../../lib/integrity/tlog/merkle.js';
import { integrityLayout, parseSegmentList } from '../../../lib/integrity/storage/files.js';
import { splitNotes } from '../../../lib/integrity/tlog/checkpoint.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { until } from '../../support/scriptedSink.js';
import { recordLine, TestLog } from '../../support/sealedLog.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: a log that is opened again', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;

  beforeEach(async () => {
    folder = temporaryFolder();
    log = await new TestLog(folder.path).open();
  });
  afterEach(async () => {
    await log.close();
    folder.remove();
  });

  const layout = () => integrityLayout(log.path);
  const path = (name: string) => join(folder.path, name);
  const segmentList = () => parseSegmentList(readFileSync(layout().segments, 'utf8'));
  const messages = () => log.errors.map(({ message }) => message);
  const history = () => splitNotes(readFileSync(layout().history, 'utf8')).notes;
  const state = () => JSON.parse(readFileSync(layout().state, 'utf8')) as Record<string, unknown>;
  const verify = (records = true) => verifyLogFile(log.path, { vkeys: [log.key.vkey], records });
  async function expectSound(size: number): Promise<void> {
    await log.close();
    expect(messages()).to.deep.equal([]);
    expect((await verify()).problems).to.deep.equal([]);
    expect(await verify()).to.include({ size, sealed: size });
  }

  it('seals at once what the last writer left without a checkpoint', async () => {
    await log.appendSealed(1, 10);
    log.append(5);
    await log.open();
    // Nobody asks for it.
    await until(() => log.log.checkpoint?.size === 15);
    await log.close();
    expect(history()).to.have.length(3);
  });

  it('signs nothing where there is nothing new', async () => {
    await log.append(5).close();
    const before = readFileSync(layout().history, 'utf8');
    await log.open();
    await log.close();
    expect(readFileSync(layout().history, 'utf8')).to.equal(before);
  });

  it('goes on in a new file when the last writer had just finished one', async () => {
    log.append(10).rotate('first');
    await log.close();
    for (const lost of [[], ['state'], ['state', 'leaves']] as const) {
      for (const name of lost) rmSync(layout()[name]);
      await log.open();
      expect(log.log.size).to.equal(10);
      await log.close();
    }
    await log.open();
    await log.append(5).close();
    expect(segmentList()).to.deep.equal({
      version: 1,
      segments: [{ file: 'first', first: 0, count: 10 }],
      current: 10,
    });
    await expectSound(15);
  });

  it('believes no state of another file, also where a line starts at the same place', async () => {
    await log.append(40).log.seal();
    const old = readFileSync(layout().state);
    const lines = log.lines;
    log.rotate('first');
    await log.log.seal();
    log.lines = [...lines, ...lines.slice(0, 5)];
    log.log.append(log.lines.map((line) => Buffer.from(line)));
    writeFileSync(layout().state, old);
    await log.open();
    expect(log.log.size).to.equal(85);
    await log.close();
    expect(messages()).to.deep.equal([]);
    expect(await verify(false)).to.include({ ok: true, size: 85 });
  });

  it('believes no state of another size, whatever root it has', async () => {
    await log.append(4).close();
    const forged = { ...state(), size: 2, offset: 0 };
    writeFileSync(layout().state, JSON.stringify(forged));
    await log.open();
    log.append(1);
    await expectSound(5);
  });

  it('believes no state whose hashes do not lead to the checkpoint', async () => {
    await log.append(4).close();
    const forged = hashToBase64(leafHash(Buffer.from('forged')));
    for (const [at, subtrees] of [[forged], [], [forged, forged]].entries()) {
      writeFileSync(layout().state, JSON.stringify({ ...state(), subtrees }));
      await log.open();
      log.append(4 << at);
      await expectSound(8 << at);
    }
  });

  it('takes no place in the middle of a line for one where records start', async () => {
    await log.append(4).log.seal();
    log.append(1);
    for (const change of [-1, 1, 1000]) {
      const offset = (state()['offset'] as number) + change;
      writeFileSync(layout().state, JSON.stringify({ ...state(), offset }));
      await log.open();
      expect(log.log.size, `${change} bytes off`).to.equal(5);
      expect(messages()).to.deep.equal([]);
      await log.log.seal();
    }
    await expectSound(5);
  });

  it('takes what follows a torn line of a finished file from the next file', async () => {
    await log.append(10).log.seal();
    log.log.announce([10, 11, 12].map(recordLine));
    writeFileSync(path('audit.jsonl.20260101T000000Z'), readFileSync(log.path));
    appendFileSync(path('audit.jsonl.20260101T000000Z'), `${recordLine(10).toString()}\n{"record_id":"torn`);
    log.lines = [recordLine(11).toString(), recordLine(12).toString()];
    await log.open();
    expect(log.log.size).to.equal(13);
    expect(segmentList().segments).to.deep.equal([
      { file: 'audit.jsonl.20260101T000000Z', first: 0, count: 11 },
    ]);
    expect(segmentList().current).to.equal(11);
  });

  it('takes several files that a crash kept out of the segment list, compressed or not', async () => {
    await log.append(10).log.seal();
    log.log.announce([10, 11, 12].map(recordLine));
    const name = (day: number) => path(`audit.jsonl.2026010${day}`);
    writeFileSync(`${name(1)}.gz`, gzipSync(readFileSync(log.path)));
    writeFileSync(name(2), `${recordLine(10).toString()}\n${recordLine(11).toString()}\n`);
    log.lines = [recordLine(12).toString()];
    for (const lost of [[], ['state'], ['leaves', 'state']] as const) {
      rmSync(layout().segments);
      for (const file of lost) rmSync(layout()[file]);
      await log.open();
      expect(log.log.size).to.equal(13);
      await log.log.seal();
      expect(segmentList()).to.deep.equal({
        version: 1,
        segments: [
          { file: 'audit.jsonl.20260101', first: 0, count: 10 },
          { file: 'audit.jsonl.20260102', first: 10, count: 2 },
        ],
        current: 12,
      });
    }
    await expectSound(13);
  });

  it('reads the records again that the disk kept and the hashes did not reach', async () => {
    await log.log.seal();
    log.failSync = new Error('EIO');
    log.append(5).rotate('first');
    await log
      .append(3)
      .log.seal()
      .catch(() => undefined);
    log.failSync = undefined;
    log.errors.length = 0;
    expect(segmentList().current).to.equal(5);
    expect(statSync(layout().leaves).size).to.equal(0);
    await log.open();
    expect(log.log.size).to.equal(8);
    await log.log.seal();
    expect((await verify()).problems).to.deep.equal([]);
  });

  it('keeps the records in its tree when their file was cut off, and says where', async () => {
    await log.append(10).close();
    log.lines = log.lines.slice(0, 4);
    await log.open();
    expect(messages()).to.have.length(1);
    expect(messages()[0]).to.contain('lost records before index 10');
    expect([log.log.size, segmentList().current]).to.deep.equal([10, 0]);
    await log.append(2).close();
    expect((await verify()).problems.map(({ kind, index }) => [kind, index])).to.deep.include(['deleted', 4]);
  });

  it('refuses records that were added while it was closed, and takes those of a crash', async () => {
    await log.append(5).close();
    appendFileSync(log.path, `${recordLine(5).toString()}\n${recordLine(6).toString()}\n`);
    const failure = await log.open().catch((error: unknown) => error);
    expect((failure as Error).message).to.match(/^2 records were added/);
    log.lines = log.lines.slice(0, 5);
    await log.open();
    await log.log.seal();
    log.log.announce([recordLine(7)]);
    appendFileSync(log.path, `${recordLine(7).toString()}\n`);
    await log.open();
    expect(log.log.size).to.equal(6);
    expect(messages()).to.deep.equal([]);
  });

  it('leaves the old hashes where they are when the log does not prove new ones right', async () => {
    await log.append(10).close();
    const forged = Buffer.alloc(10 * 32, 7);
    writeFileSync(layout().leaves, forged);
    rmSync(layout().state);
    const lines = log.lines;
    for (const changed of [lines.slice(1), [...lines.slice(0, 9), 'another'], []]) {
      log.lines = changed;
      const failure = (await log.open().catch((error: unknown) => error)) as Error;
      expect(failure.message).to.contain('does not lead to its checkpoint of 10 records');
      expect(readFileSync(layout().leaves)).to.deep.equal(forged);
    }
  });

  it('goes by its state where log and stored hashes were both changed', async () => {
    await log.append(10).close();
    writeFileSync(layout().leaves, Buffer.alloc(10 * 32, 7));
    log.lines = log.lines.map((line, i) => (i === 3 ? line.replace('call', 'cull') : line));
    await log.open();
    expect([log.log.size, messages()]).to.deep.equal([10, []]);
  });

  it('goes by its stored hashes where there is no state, also by those behind the checkpoint', async () => {
    await log.append(10).log.seal();
    log.log.announce([recordLine(10)]);
    appendFileSync(log.path, `${recordLine(10).toString()}\n`);
    appendFileSync(layout().leaves, Buffer.from(leafHash(recordLine(10)), 'latin1'));
    rmSync(layout().state);
    log.lines = log.lines.map((line, i) => (i === 3 ? line.replace('call', 'cull') : line));
    await log.open();
    expect([log.log.size, messages()]).to.deep.equal([11, []]);
  });

  it('starts where nothing was ever signed, nor written', async () => {
    await log.close();
    rmSync(layout().folder, { recursive: true });
    const { key } = log.options;
    const { publicKey } = log.key;
    log.options = { ...log.options, key: { publicKey, sign: () => Promise.reject(new Error('down')) } };
    await (await log.open()).close();
    log.errors.length = 0;
    log.options = { ...log.options, key };
    await log.open();
    log.append(1);
    await expectSound(1);
  });

  it('knows where its file ends', async () => {
    await log.append(5).log.seal();
    log.append(3);
    for (const lost of [[], ['state'], ['state', 'leaves']] as const) {
      for (const name of lost) rmSync(layout()[name]);
      await log.open();
      log.log.reopened(statSync(log.path).size);
      expect(messages()).to.deep.equal([]);
    }
  });

  it('refuses records that were added to a new file while it was closed', async () => {
    log.append(5).rotate('first');
    await log.close();
    appendFileSync(log.path, `${recordLine(5).toString()}\n`);
    const failure = await log.open().catch((error: unknown) => error);
    expect((failure as Error).message).to.match(/^1 records were added/);
    log.lines = [];
    await log.open();
  });

  it('makes stored hashes anew that do not lead to the checkpoint', async () => {
    await log.append(10).close();
    writeFileSync(layout().leaves, Buffer.alloc(10 * 32, 7));
    rmSync(layout().state);
    await log.open();
    expect(existsSync(`${layout().leaves}.new`)).to.equal(false);
    await expectSound(10);
  });
});
