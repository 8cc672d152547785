import { expect } from 'chai';
import { sign } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { IntegrityError } from '../../../lib/errors.js';
import { splitNotes, type Checkpoint } from '../../../lib/integrity/tlog/checkpoint.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { type IntegrityOptions } from '../../../lib/integrity/sealing/options.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { TestLog } from '../../support/sealedLog.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: what a log depends on', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;

  const open = async (options: Partial<IntegrityOptions>) =>
    (log = await new TestLog(folder.path, options).open());
  const anchored = () => readFileSync(integrityLayout(log.path).anchored, 'utf8');
  const note = () => readFileSync(integrityLayout(log.path).checkpoint, 'utf8');

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await log.close();
    folder.remove();
  });

  it('an anchor gets the checkpoints, and a copy of the newest it took is kept', async () => {
    const taken: Checkpoint[] = [];
    await open({ anchor: (checkpoint) => void taken.push(checkpoint) });
    await log.appendSealed(3, 5);
    await log.close();
    expect(taken.at(-1)?.size).to.equal(15);
    expect(taken.at(-1)?.note).to.equal(note());
    expect(anchored()).to.equal(note());
  });

  it('[attack 38] a file elsewhere can be an anchor, and shows a rollback', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    await open({ anchor: elsewhere });
    await log.appendSealed(3, 5);
    await log.close();
    expect(splitNotes(readFileSync(elsewhere, 'utf8')).notes.at(-1)).to.equal(note());
    const vkeys = [log.key.vkey];
    expect((await verifyLogFile(log.path, { vkeys, against: [elsewhere] })).ok).to.equal(true);
    log.lines = log.lines.slice(0, 14);
    const { problems } = await verifyLogFile(log.path, { vkeys, against: [elsewhere] });
    expect(problems[0]).to.include({ kind: 'truncated', index: 14 });
  });

  it('[attack 38] a file elsewhere shows a log that whoever holds its key has made anew', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    await open({ anchor: elsewhere });
    await log.append(15).close();
    const { pem, vkey } = log.key;
    for (const [size, kind] of [
      [15, 'fork'],
      [20, 'changed'],
    ] as const) {
      await log.close();
      rmSync(integrityLayout(log.path).folder, { recursive: true });
      rmSync(log.path);
      await open({ key: { pem } });
      appendFileSync(log.path, '{"record_id":"forged","seq":0}\n');
      log.log.append([Buffer.from('{"record_id":"forged","seq":0}')]);
      await log.append(size - 1).close();
      const options = { vkeys: [vkey], records: false };
      expect((await verifyLogFile(log.path, options)).ok, 'without the anchor nothing tells').to.equal(true);
      const { problems } = await verifyLogFile(log.path, { ...options, against: [elsewhere] });
      expect(problems.map((problem) => problem.kind)).to.deep.equal([kind]);
    }
  });

  it('an anchor that fails is reported and tried again, and the log goes on', async () => {
    let working = false;
    const taken: number[] = [];
    await open({
      anchor: async ({ size }) => {
        if (!working) throw new Error('no route to host');
        taken.push(size);
      },
    });
    await log.appendSealed(2, 5);
    expect(log.errors[0]?.message).to.equal('the anchor failed (Error)');
    expect(log.errors[0]?.cause).to.be.instanceOf(Error).and.include({ message: 'no route to host' });
    expect(existsSync(integrityLayout(log.path).anchored)).to.equal(false);
    working = true;
    await log.close();
    expect(taken).to.deep.equal([10]);
    expect(anchored()).to.equal(note());
  });

  it('an anchor that failed to the end gets the checkpoint after the next start', async () => {
    await open({ anchor: () => Promise.reject(new Error('down')) });
    await log.append(5).close();
    const taken: number[] = [];
    log.options = { ...log.options, anchor: ({ size }) => void taken.push(size) };
    await log.open();
    await log.close();
    expect(taken).to.deep.equal([5]);
  });

  it('one anchor of several that fails keeps nothing from the others', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    mkdirSync(join(folder.path, 'directory'));
    await open({ anchor: [join(folder.path, 'directory'), elsewhere] });
    await log.append(5).close();
    expect(readFileSync(elsewhere, 'utf8')).to.contain(note());
    expect(log.errors.some(({ message }) => message.includes('EISDIR'))).to.equal(true);
  });

  it('a key service that fails is reported, and a later checkpoint covers what it missed', async () => {
    let working = false;
    const key = new TestLog(folder.path).key;
    await open({
      key: {
        publicKey: key.publicKey,
        sign: async (bytes) => {
          if (!working) throw new Error('throttled');
          return sign(null, bytes, key.privateKey);
        },
      },
    });
    log.append(5);
    const failure = await log.log.seal().catch((error: unknown) => error);
    expect((failure as Error).message).to.equal('throttled');
    expect(log.errors[0]?.message).to.equal('no checkpoint could be made (Error)');
    log.rotate('first');
    log.append(5);
    working = true;
    await log.close();
    expect((await verifyLogFile(log.path, { vkeys: [key.vkey] })).problems).to.deep.equal([]);
  });

  it('a log whose key service never worked is not signed after a restart as if it had always been there', async () => {
    const key = new TestLog(folder.path).key;
    await open({ key: { publicKey: key.publicKey, sign: () => Promise.reject(new Error('down')) } });
    log.append(5).rotate('first');
    await log.append(5).close();
    log.options = { ...log.options, key: { pem: key.pem } };
    const failure = await log.open().catch((error: Error) => error);
    expect(failure).to.be.instanceOf(IntegrityError);
    expect((failure as Error).message).to.contain('10 records were there before any checkpoint');
  });

  it('a disk that cannot keep the records gets no checkpoint of them', async () => {
    await open({});
    await log.log.seal();
    log.failSync = new Error('EIO');
    log.append(5);
    expect(((await log.log.seal().catch((error: unknown) => error)) as Error).message).to.equal('EIO');
    expect(log.log.checkpoint?.size).to.equal(0);
    log.failSync = undefined;
    expect((await log.log.seal()).size).to.equal(5);
  });
});
