import { expect } from 'chai';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigError, IntegrityError } from '../../../lib/errors.js';
import { openCheckpoint, splitNotes } from '../../../lib/integrity/tlog/checkpoint.js';
import { leafHash, CompactRange } from '../../../lib/integrity/tlog/merkle.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { UnaccountedError } from '../../../lib/integrity/sealing/start.js';
import { resolveIntegrity, type IntegrityOptions } from '../../../lib/integrity/sealing/options.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { ORIGIN, recordLine, TestLog } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: a log while it is written', () => {
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
  const history = () =>
    splitNotes(readFileSync(layout().history, 'utf8')).notes.map((note) =>
      openCheckpoint(note, [log.key.verifier]),
    );
  const rootOf = (lines: readonly string[]) => {
    const tree = new CompactRange();
    for (const line of lines) tree.append(leafHash(Buffer.from(line)));
    return tree.root();
  };
  async function expectSound(size: number): Promise<void> {
    await log.close();
    const report = await verifyLogFile(log.path, { vkeys: [log.key.vkey] });
    expect(report.problems).to.deep.equal([]);
    expect(report.warnings).to.deep.equal([]);
    expect(report).to.include({ size, sealed: size });
  }

  it('starts with a checkpoint of the empty tree, in a folder for its owner alone', async () => {
    const checkpoint = await log.log.seal();
    expect(checkpoint).to.include({ origin: ORIGIN, size: 0, root: rootOf([]) });
    expect(statSync(layout().folder).mode & 0o777).to.equal(0o700);
    for (const path of [
      layout().checkpoint,
      layout().history,
      layout().state,
      layout().leaves,
      layout().vkey,
    ])
      expect(statSync(path).mode & 0o777, path).to.equal(0o600);
    expect(readFileSync(layout().vkey, 'utf8')).to.equal(`${log.key.vkey}\n`);
    await expectSound(0);
  });

  it('signs what is in the file, each checkpoint an extension of the one before', async () => {
    await log.appendSealed(5, 37);
    await log.append(3).close();
    expect(history().map(({ size }) => size)).to.deep.equal([0, 37, 74, 111, 148, 185, 188]);
    for (const { size, root } of history()) expect(root).to.equal(rootOf(log.lines.slice(0, size)));
    await expectSound(188);
  });

  it('seals after so many records, without being asked', async () => {
    await log.close();
    log.options = { ...log.options, checkpointEvery: 10 };
    await log.open();
    log.append(9);
    await turn(() => log.log.checkpoint !== undefined);
    expect(log.log.checkpoint?.size).to.equal(0);
    log.append(1);
    await turn(() => log.log.checkpoint?.size === 10);
  });

  it('goes on after a restart as if there had been none', async () => {
    for (const count of [1, 2, 100, 0, 7]) {
      log.append(count);
      await log.close();
      await log.open();
      expect(log.log.size).to.equal(log.lines.length);
    }
    expect(log.errors).to.deep.equal([]);
    await expectSound(110);
  });

  // A crash: the log is never closed. What the process left is all there is.
  for (const [lost, files] of [
    ['nothing but the process', []],
    ['the state', ['state']],
    ['the leaf hashes', ['leaves']],
    ['state and leaf hashes', ['state', 'leaves']],
    ['the segment list', ['segments']],
    ['the history', ['history']],
    ['all but the checkpoint', ['state', 'leaves', 'segments', 'history', 'vkey']],
  ] as const) {
    it(`goes on after a crash that took ${lost}`, async () => {
      await log.appendSealed(3, 40);
      log.append(5);
      for (const file of files) rmSync(layout()[file]);
      await log.open();
      expect(log.log.size).to.equal(125);
      log.append(5);
      expect(log.errors).to.deep.equal([]);
      await expectSound(130);
    });
  }

  it('goes on after a crash between the checkpoint and its state', async () => {
    await log.appendSealed(1, 40);
    const state = readFileSync(layout().state);
    await log.appendSealed(1, 2);
    writeFileSync(layout().state, state);
    truncateSync(layout().leaves, 41 * 32);
    await log.open();
    await expectSound(42);
  });

  it('goes on after a crash in the middle of writing history, state or leaf hashes', async () => {
    await log.appendSealed(2, 40);
    truncateSync(layout().history, statSync(layout().history).size - 10);
    truncateSync(layout().state, 20);
    truncateSync(layout().leaves, 80 * 32 - 5);
    await log.open();
    expect(history().map(({ size }) => size)).to.deep.equal([0, 40, 80]);
    await expectSound(80);
  });

  it('goes on after a crash between the end of a segment and its entry in the segment list', async () => {
    await log.appendSealed(1, 40);
    const segmentList = readFileSync(layout().segments);
    const state = readFileSync(layout().state);
    log.append(3).rotate('audit.jsonl.20260101T000000Z');
    await log.append(2).log.seal();
    writeFileSync(layout().segments, segmentList);
    writeFileSync(layout().state, state);
    await log.open();
    expect(log.log.size).to.equal(45);
    expect(JSON.parse(readFileSync(layout().segments, 'utf8'))).to.deep.equal({
      version: 1,
      segments: [{ file: 'audit.jsonl.20260101T000000Z', first: 0, count: 43 }],
      current: 43,
    });
    await expectSound(45);
  });

  it('names the records of each segment', async () => {
    log.append(10).rotate('a');
    log.append(5).rotate('b');
    log.append(1);
    await expectSound(16);
    expect(JSON.parse(readFileSync(layout().segments, 'utf8'))).to.deep.equal({
      version: 1,
      segments: [
        { file: 'a', first: 0, count: 10 },
        { file: 'b', first: 10, count: 5 },
      ],
      current: 15,
    });
    await log.open();
    await expectSound(16);
  });

  it('signs no records that were there before any checkpoint', async () => {
    await log.close();
    rmSync(layout().folder, { recursive: true });
    log.append(20);
    const failure = await log.open().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(UnaccountedError);
    expect((failure as Error).message).to.equal('20 records were there before any checkpoint');
    expect(existsSync(layout().checkpoint)).to.equal(false);
  });

  it('signs no records that were added while nobody had it open', async () => {
    await log.append(5).close();
    appendFileSync(log.path, `${recordLine(5).toString()}\n`);
    const failure = await log.open().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(UnaccountedError);
    expect((failure as Error).message).to.contain('1 records were added while no writer had the log open');
  });

  it('[attack 37] goes on with the tree that was sealed, whatever was done to the file', async () => {
    await log.append(50).close();
    const lines = log.lines;
    log.lines = lines.map((line, i) => (i === 20 ? line.replace('tools', 'fools') : line));
    await log.open();
    log.append(10);
    await log.close();
    const { problems } = await verifyLogFile(log.path, { vkeys: [log.key.vkey] });
    expect(problems.map(({ kind, index }) => [kind, index])).to.deep.equal([['edited', 20]]);
  });

  it('[attack 37] says that records are lost, and never signs another history', async () => {
    await log.append(50).close();
    log.lines = log.lines.slice(0, 40);
    await log.open();
    expect(log.errors[0]?.message).to.contain('has lost records before index 50');
    log.append(10);
    await log.close();
    const { problems } = await verifyLogFile(log.path, { vkeys: [log.key.vkey] });
    expect(problems.map(({ kind, index }) => [kind, index])).to.deep.include(['deleted', 40]);
  });

  it('goes on behind a file that was moved away, which is then missing by name', async () => {
    await log.append(50).close();
    rmSync(log.path);
    await log.open();
    expect(log.errors[0]?.message).to.contain('has lost records before index 50');
    await log.append(10).close();
    const { problems } = await verifyLogFile(log.path, { vkeys: [log.key.vkey] });
    expect(problems).to.have.length(1);
    expect(problems[0]?.message).to.contain('is missing, with records 0 to 49');
  });

  it('refuses to go on when nothing leads to the checkpoint any more', async () => {
    await log.append(50).close();
    log.lines = log.lines.slice(1);
    rmSync(layout().state);
    rmSync(layout().leaves);
    const failure = await log.open().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(IntegrityError);
    expect((failure as Error).message).to.contain('does not lead to its checkpoint of 50 records');
    expect(existsSync(layout().checkpoint)).to.equal(true);
  });

  it('[attack 38] is not rolled back by an older checkpoint file', async () => {
    await log.append(50).log.seal();
    const older = readFileSync(layout().checkpoint);
    await log.append(50).close();
    writeFileSync(layout().checkpoint, older);
    await log.open();
    expect(log.errors[0]?.message).to.contain(
      'the checkpoint of 100 records was removed, or replaced by an older one',
    );
    await expectSound(100);
  });

  it('is not signed by a key that its checkpoint does not know, unless that names the old one', async () => {
    await log.append(5).close();
    const next = newKey(ORIGIN);
    const options = log.options;
    log.options = { ...options, key: { pem: next.pem } };
    const failure = await log.open().catch((error: unknown) => error);
    expect((failure as Error).message).to.contain('not signed by a key that is trusted here');
    log.options = { ...log.options, previousKeys: [log.key.vkey] };
    await log.open();
    await log.append(5).close();
    expect((await verifyLogFile(log.path, { vkeys: [log.key.vkey, next.vkey] })).ok).to.equal(true);
    expect((await verifyLogFile(log.path)).ok, 'with the keys beside the log').to.equal(true);
    expect((await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).ok).to.equal(false);
  });

  it('refuses options that cannot work', () => {
    const attempt = (options: object) => () =>
      resolveIntegrity({ ...log.options, ...options } as unknown as IntegrityOptions);
    for (const [options, message] of [
      [{ checkpointEvery: 0 }, 'integrity.checkpointEvery: got a number out of range'],
      [{ checkpointSeconds: 1e7 }, 'integrity.checkpointSeconds'],
      [{ checkpointSecond: 1 }, 'integrity.checkpointSecond: unknown option'],
      [{ anchor: 5 }, 'integrity.anchor: got number'],
      [{ previousKeys: 'x' }, 'integrity.previousKeys: got a string'],
      [{ previousKeys: ['x'] }, 'integrity.previousKeys: a verifier key has the form'],
      [{ previousKeys: [newKey('other').vkey] }, 'belongs to another origin'],
      [{ origin: 'a b' }, 'integrity.origin: got a string'],
      [{ key: undefined }, 'integrity.key: got undefined'],
      [{ key: join(folder.path, 'none') }, 'integrity.key: the key file cannot be read'],
    ] as const)
      expect(attempt(options), message).to.throw(ConfigError, message);
  });
});

/** Waits for what must come to pass; the time limit of the test is the only one. */
async function turn(until: () => boolean): Promise<void> {
  while (!until()) await new Promise((resolve) => setTimeout(resolve, 5));
}
