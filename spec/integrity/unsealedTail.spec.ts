import { expect } from 'chai';
import { sign } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { integrityLayout } from '../../lib/integrity/layout.js';
import { leafHash } from '../../lib/integrity/hash.js';
import { UnaccountedError } from '../../lib/integrity/startAnchors.js';
import { verifyLogFile } from '../../lib/integrity/verifyFile.js';
import { recordLine, TestLog } from '../support/sealedLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/** What somebody does to a log of ten sealed lines and five that are not, after its writer crashed, who has no key. */
const ATTACKS: Readonly<Record<string, (log: TestLog) => void>> = {
  'edits a line': (log) => {
    log.lines = log.lines.map((line, i) => (i === 12 ? line.replace('call', 'cull') : line));
  },
  'inserts a line': (log) => {
    log.lines = [...log.lines.slice(0, 12), recordLine(99).toString(), ...log.lines.slice(12)];
  },
  'adds a line': (log) => appendFileSync(log.path, `${recordLine(15).toString()}\n`),
  'writes a line twice': (log) => appendFileSync(log.path, `${log.lines.at(-1)}\n`),
  'copies a sealed line to the end': (log) => {
    // What is sealed is no longer vouched for; what was written down with it may be for a while.
    for (const generation of [0, 1, 2]) writeFileSync(`${integrityLayout(log.path).tail}.${generation}`, '');
    log.lines = [...log.lines.slice(0, 10), log.lines[3] ?? ''];
  },
  'edits a line and removes what vouches': (log) => {
    for (const generation of [0, 1, 2]) rmSync(`${integrityLayout(log.path).tail}.${generation}`);
    log.lines = log.lines.map((line, i) => (i === 12 ? line.replace('call', 'cull') : line));
  },
  'edits a line and fills what vouches with bytes': (log) => {
    writeFileSync(`${integrityLayout(log.path).tail}.0`, Buffer.alloc(1600, 7));
    log.lines = log.lines.map((line, i) => (i === 12 ? line.replace('call', 'cull') : line));
  },
  'adds a line and its leaf hash, and removes the state': (log) => {
    const { leaves, state } = integrityLayout(log.path);
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    const hashes = [10, 11, 12, 13, 14, 15].map((seq) => leafHash(recordLine(seq))).join('');
    appendFileSync(leaves, Buffer.from(hashes, 'latin1'));
    rmSync(state);
  },
  'adds a line and removes all but the checkpoints': (log) => {
    const { leaves, state, manifest } = integrityLayout(log.path);
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    for (const path of [leaves, state, manifest]) rmSync(path);
  },
};

describe('integrity: lines behind the last checkpoint, after a crash', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  beforeEach(async () => {
    folder = temporaryFolder();
    log = await new TestLog(folder.path).open();
    await log.append(10).log.seal();
    log.append(5);
  });
  afterEach(async () => {
    await log.close();
    folder.remove();
  });

  it('are sealed as the writer wrote them', async () => {
    await log.open();
    await log.close();
    expect(log.errors).to.deep.equal([]);
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 15 });
  });

  it('are sealed after one crash upon the other, and after a checkpoint that could not be made', async () => {
    for (let round = 0; round < 5; round++) {
      await log.open();
      log.append(3);
      log.failSync = new Error('EIO');
      await log.log.seal().catch(() => undefined);
      await log.log.seal().catch(() => undefined);
      log.failSync = undefined;
      log.append(2);
    }
    await log.open();
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 40 });
  });

  it('are sealed if they were announced before they were written, and only then', async () => {
    log.log.announce([15, 16].map(recordLine));
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    await log.open();
    expect(log.log.size).to.equal(16);
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 16 });
  });

  it('may be fewer than were written: nothing is signed that is not there', async () => {
    log.lines = log.lines.slice(0, 13);
    await log.open();
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 13 });
  });

  for (const [what, attack] of Object.entries(ATTACKS))
    it(`are not sealed when somebody ${what}`, async () => {
      const before = readFileSync(integrityLayout(log.path).history, 'utf8');
      attack(log);
      const failure = await log.open().catch((error: unknown) => error);
      expect(failure, String(failure)).to.be.instanceOf(UnaccountedError);
      expect((failure as Error).message).to.match(/behind the last checkpoint stands? (?:a line|\d lines)/);
      expect(readFileSync(integrityLayout(log.path).history, 'utf8')).to.equal(before);
    });

  it('are not vouched for by the MACs of another log, though it has the same key', async () => {
    const other = temporaryFolder();
    const origin = 'audit.example.com/others';
    const second = await new TestLog(other.path, { origin, key: { pem: log.key.pem } }).open();
    second.append(1).log.announce([recordLine(15)]);
    appendFileSync(
      `${integrityLayout(log.path).tail}.0`,
      readFileSync(`${integrityLayout(second.path).tail}.0`),
    );
    await second.close();
    other.remove();
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    const failure = await log.open().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(UnaccountedError);
  });

  it('are not held back where the key is elsewhere: then nothing on this machine can vouch for them', async () => {
    const { privateKey, publicKey } = log.key;
    log.options = { ...log.options, key: { publicKey, sign: (bytes) => sign(null, bytes, privateKey) } };
    await log.open();
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 15 });
  });

  it('no longer need what vouched for them once they are sealed', async () => {
    for (let i = 0; i < 50; i++) await log.append(20).log.seal();
    const sizes = [0, 1, 2].map((n) => readFileSync(`${integrityLayout(log.path).tail}.${n}`).length);
    expect(Math.max(...sizes)).to.be.at.most(20 * 16);
  });
});
