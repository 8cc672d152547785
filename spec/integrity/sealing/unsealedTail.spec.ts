import { expect } from 'chai';
import { sign } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { leafHash } from '../../../lib/integrity/tlog/merkle.js';
import { UnaccountedError } from '../../../lib/integrity/sealing/start.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { recordLine, TestLog } from '../../support/sealedLog.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** The MACs of the lines that are not sealed: the file that follows the one of the lines before the second checkpoint. */
const macsOf = (log: TestLog) => `${integrityLayout(log.path).tail}.1`;

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
  'writes a line again that was sealed just now': (log) =>
    appendFileSync(log.path, `${log.lines[9] ?? ''}\n`),
  'copies a sealed line in the place of those that are not': (log) => {
    log.lines = [...log.lines.slice(0, 10), log.lines[3] ?? ''];
  },
  'swaps two lines': (log) => {
    const [a = '', b = ''] = log.lines.slice(12, 14);
    log.lines = [...log.lines.slice(0, 12), b, a, ...log.lines.slice(14)];
  },
  'swaps the last line with the first': (log) => {
    const tail = log.lines.slice(10);
    log.lines = [...log.lines.slice(0, 10), ...tail.slice(-1), ...tail.slice(1, -1), ...tail.slice(0, 1)];
  },
  'takes a line out': (log) => {
    log.lines = log.lines.filter((_, i) => i !== 11);
  },
  'takes a line and its MAC out': (log) => {
    const macs = readFileSync(macsOf(log));
    writeFileSync(macsOf(log), Buffer.concat([macs.subarray(0, 16), macs.subarray(32)]));
    log.lines = log.lines.filter((_, i) => i !== 11);
  },
  'edits a line and removes what vouches': (log) => {
    for (const generation of [0, 1, 2]) rmSync(`${integrityLayout(log.path).tail}.${generation}`);
    log.lines = log.lines.map((line, i) => (i === 12 ? line.replace('call', 'cull') : line));
  },
  'edits a line and fills what vouches with bytes': (log) => {
    writeFileSync(macsOf(log), Buffer.alloc(1600, 7));
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
    const { leaves, state, segments } = integrityLayout(log.path);
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    for (const path of [leaves, state, segments]) rmSync(path);
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

  it('stand where they were announced again, if others that were announced before them were never written', async () => {
    const failed = log.log.announce([recordLine(90), recordLine(91)]);
    const next = log.log.announce([recordLine(15)]);
    failed.withdraw();
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    log.log.append([recordLine(15)], next);
    log.log.announce([recordLine(16)]);
    appendFileSync(log.path, `${recordLine(16).toString()}\n`);
    await log.open();
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 17 });
  });

  it('are hashed once: what was announced for them is what is appended', async () => {
    const announcement = log.log.announce([recordLine(15)]);
    expect(announcement.leaves).to.deep.equal([leafHash(recordLine(15))]);
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    const size = () => statSync(macsOf(log)).size;
    const before = size();
    expect(before).to.equal(6 * 16);
    log.log.append([recordLine(15)], announcement);
    expect(size()).to.equal(before);
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 16 });
  });

  it('are vouched for by whole MACs after a write that broke off', async () => {
    // What a full disk leaves is written over.
    appendFileSync(macsOf(log), 'torn');
    log.append(3);
    await log.open();
    await log.close();
    expect(await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).to.include({ ok: true, sealed: 18 });
  });

  it('leave no MAC of a line that never came, once the log goes on', async () => {
    log.log.announce([recordLine(15), recordLine(16)]);
    await log.open();
    const left = log.lines.length;
    appendFileSync(log.path, `${recordLine(15).toString()}\n`);
    const failure = await log.open().catch((error: unknown) => error);
    expect([left, failure]).to.satisfy(
      ([lines, error]: unknown[]) => lines === 15 && error instanceof UnaccountedError,
    );
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

  describe('on a machine that was started anew since', () => {
    const bootOf = () => `${integrityLayout(log.path).tail}.boot`;
    const opening = () => log.open().catch((error: unknown) => error);
    before(function () {
      if (process.platform !== 'linux') this.skip();
    });

    it('are told apart from a log that was tampered with, if all that has no MAC is at the end', async () => {
      expect(readFileSync(bootOf(), 'utf8')).to.match(/^[0-9a-f-]{36}$/);
      writeFileSync(bootOf(), 'another boot');
      appendFileSync(log.path, `${recordLine(15).toString()}\n${recordLine(16).toString()}\n`);
      expect(await opening()).to.include({ unvouched: 2 });
    });

    it('are not where a line that the writer wrote follows, nor on the same boot, nor where that is not known', async () => {
      const attacked = () =>
        (log.lines = log.lines.map((line, i) => (i === 11 ? line.replace('call', 'cull') : line)));
      const boot = readFileSync(bootOf());
      writeFileSync(bootOf(), 'another boot');
      attacked();
      expect(await opening())
        .to.be.instanceOf(UnaccountedError)
        .and.to.include({ unvouched: undefined });
      log.lines = log.lines.slice(0, 10).concat(recordLine(99).toString());
      expect(await opening()).to.include({ unvouched: 1 });
      writeFileSync(bootOf(), boot);
      expect(await opening())
        .to.be.instanceOf(UnaccountedError)
        .and.to.include({ unvouched: undefined });
      rmSync(bootOf());
      expect(await opening())
        .to.be.instanceOf(UnaccountedError)
        .and.to.include({ unvouched: undefined });
    });
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
