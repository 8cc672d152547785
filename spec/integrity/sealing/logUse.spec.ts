import { expect } from 'chai';
import { sign } from 'node:crypto';
import { appendFileSync, copyFileSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { IntegrityError } from '../../../lib/errors.js';
import { integrityLayout, parseSegmentList } from '../../../lib/integrity/storage/files.js';
import type { IntegrityOptions } from '../../../lib/integrity/sealing/options.js';
import { MAX_LINE_BYTES } from '../../../lib/integrity/tlog/merkle.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { HeldTimers, settle } from '../../support/heldTimers.js';
import { TestLog } from '../../support/sealedLog.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** Waits, without a timer, for what must come to pass; the time limit of the test is the only one. */
async function turn(until: () => boolean): Promise<void> {
  while (!until()) await settle();
}

describe('integrity: what a log does with what it is told', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  const open = async (options: Partial<IntegrityOptions> = {}) => {
    log = await new TestLog(folder.path, options).open();
    await idle();
  };
  /** Waits until nothing is being signed or saved. */
  const idle = async () => {
    await log.log.seal().catch(() => undefined);
    await settle();
  };
  const messages = () => log.errors.map(({ message }) => message);
  const segments = () => parseSegmentList(readFileSync(integrityLayout(log.path).segments, 'utf8')).segments;
  const found = async () =>
    (await verifyLogFile(log.path, { vkeys: [log.key.vkey] })).problems.map(({ kind, index }) => [
      kind,
      index,
    ]);

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await log.close();
    folder.remove();
  });

  it('counts what was appended at once, and signs it when asked to', async () => {
    await open();
    log.append(3).append(4);
    expect(log.log.size).to.equal(7);
    expect(log.log.checkpoint?.size).to.equal(0);
    const checkpoint = await log.log.seal();
    expect(log.log.checkpoint).to.deep.equal(checkpoint);
    expect(await log.log.seal(), 'nothing is signed twice').to.equal(checkpoint);
  });

  it('is flushed where it holds records, and signs nothing where it holds none', async () => {
    await open({
      key: { publicKey: new TestLog(folder.path).key.publicKey, sign: () => Promise.reject(new Error()) },
    });
    expect(log.errors).to.have.length(1);
    await log.log.flush();
    expect(log.errors).to.have.length(1);
    await log.append(1).log.flush();
    expect(log.errors).to.have.length(2);
  });

  it('tells of a line too long for tiles, and keeps it all the same', async () => {
    await open();
    log.log.append([Buffer.alloc(MAX_LINE_BYTES, 'x')]);
    expect(messages()).to.deep.equal([]);
    log.log.append([Buffer.alloc(MAX_LINE_BYTES + 1, 'x')]);
    expect(messages()).to.have.length(1);
    expect(messages()[0]).to.contain('record 1 has 65536 bytes');
    expect(log.log.size).to.equal(2);
  });

  it('is silent about a file that is opened again as it was left', async () => {
    await open();
    log.log.reopened(0);
    log.append(5).log.reopened(statSync(log.path).size);
    await log.close();
    expect(messages()).to.deep.equal([]);
    expect(segments()).to.deep.equal([]);
  });

  it('takes an empty file for a new one, whose predecessor somebody moved away', async () => {
    await open();
    log.append(5);
    copyFileSync(log.path, `${log.path}.1`);
    truncateSync(log.path);
    log.log.reopened(0);
    await log.append(2).close();
    expect(messages()).to.deep.equal([]);
    expect(segments()).to.deep.equal([{ first: 0, count: 5 }]);
    expect(await found()).to.deep.equal([]);
  });

  it('tells how many bytes somebody else added or removed, once', async () => {
    await open();
    log.append(5);
    const { size } = statSync(log.path);
    appendFileSync(log.path, 'added\n');
    log.log.reopened(size + 6);
    log.log.reopened(size + 6);
    expect(messages()).to.have.length(1);
    expect(messages()[0]).to.match(/^6 bytes were added by somebody else/);
    expect(log.errors[0]).to.be.instanceOf(IntegrityError);
    truncateSync(log.path, size);
    log.log.reopened(size);
    expect(messages()[1]).to.match(/^6 bytes were removed by somebody else/);
    await log.append(1).close();
    expect(await found()).to.deep.equal([]);
  });

  it('goes on in a new file from its first byte', async () => {
    await open();
    log.append(5).rotate('first');
    log.log.reopened(0);
    log.append(2).log.reopened(statSync(log.path).size);
    await log.close();
    expect(messages()).to.deep.equal([]);
    expect(segments()).to.deep.equal([{ file: 'first', first: 0, count: 5 }]);
    await log.open();
    expect([log.log.size, messages()]).to.deep.equal([7, []]);
  });

  it('takes for records of its own what it wrote into a new file before a crash', async () => {
    await open();
    log.append(5).rotate('first');
    await log.log.seal();
    await log.append(2).open();
    expect([log.log.size, messages()]).to.deep.equal([7, []]);
  });

  it('tells at the end of a file, and at its own end, that nothing can be signed', async () => {
    const { publicKey } = new TestLog(folder.path).key;
    await open({ key: { publicKey, sign: () => Promise.reject(new Error('down')) } });
    log.errors.length = 0;
    log.append(5).rotate('first');
    await turn(() => log.errors.length === 1);
    await log.append(1).close();
    expect(messages()).to.deep.equal(Array(2).fill('no checkpoint could be made (Error)'));
  });

  it('tells at the end of a file, and at its own end, that its evidence cannot be saved', async () => {
    await open();
    rmSync(integrityLayout(log.path).folder, { recursive: true });
    log.log.rotated('first');
    await turn(() => log.errors.length === 1);
    await log.close();
    expect(messages()).to.deep.equal(Array(2).fill('no checkpoint could be made (ENOENT)'));
  });

  for (const [what, error, reason] of [
    ['the code of an error', Object.assign(new Error('canary'), { code: 'EACCES' }), 'EACCES'],
    ['the class of an error', new TypeError('canary'), 'TypeError'],
    [
      'the class where the code is no text',
      Object.assign(new RangeError('canary'), { code: 7 }),
      'RangeError',
    ],
    ['the type of what is no error', 'canary', 'string'],
    ['the words of an error of its own', new IntegrityError('no such key'), 'no such key'],
  ] as const) {
    it(`tells ${what}, and no other word, when nothing can be signed`, async () => {
      const { publicKey } = new TestLog(folder.path).key;
      await open({ key: { publicKey, sign: () => Promise.reject(error as Error) } });
      expect(messages()).to.deep.equal([`no checkpoint could be made (${reason})`]);
      expect(log.errors[0]).to.be.instanceOf(IntegrityError).and.include({ cause: error });
    });
  }

  it('is sealed once for many records that come at once', async () => {
    await open({ checkpointEvery: 10 });
    for (let i = 0; i < 30; i++) log.append(1);
    await turn(() => log.log.checkpoint?.size === 30);
    const notes = readFileSync(integrityLayout(log.path).history, 'utf8').split('\n\n').length - 1;
    expect(notes).to.equal(2);
  });

  describe('as time passes', () => {
    let timers: HeldTimers;
    beforeEach(() => {
      timers = new HeldTimers();
    });
    afterEach(() => timers.restore());

    it('is sealed so long after the first record that has no checkpoint, however many follow', async () => {
      await open({ checkpointSeconds: 10 });
      log.append(1);
      await timers.pass(9_000);
      log.append(1);
      await timers.pass(999);
      expect(log.log.checkpoint?.size).to.equal(0);
      await timers.pass(1);
      await turn(() => log.log.checkpoint?.size === 2);
      await idle();
      await timers.pass(60_000);
      log.append(1);
      await timers.pass(9_999);
      expect(log.log.checkpoint?.size).to.equal(2);
      await timers.pass(1);
      await turn(() => log.log.checkpoint?.size === 3);
    });

    it('is sealed in ten seconds, or after a thousand records, where nothing else is said', async () => {
      const { checkpointSeconds: _, ...options } = new TestLog(folder.path).options;
      log = new TestLog(folder.path);
      log.options = { ...options, key: { pem: log.key.pem } };
      await log.open();
      await idle();
      log.append(999);
      await timers.pass(9_999);
      expect(log.log.checkpoint?.size).to.equal(0);
      await timers.pass(1);
      await turn(() => log.log.checkpoint?.size === 999);
      await idle();
      log.append(999);
      await settle();
      expect(log.log.checkpoint?.size).to.equal(999);
      log.append(1);
      await turn(() => log.log.checkpoint?.size === 1999);
    });

    it('is not tried again by each record once it failed, but by the clock', async () => {
      const { publicKey, privateKey } = new TestLog(folder.path).key;
      let working = true;
      const key = {
        publicKey,
        sign: async (bytes: Uint8Array) => {
          if (!working) throw new Error('down');
          return sign(null, bytes, privateKey);
        },
      };
      await open({ key, checkpointEvery: 5, checkpointSeconds: 10 });
      working = false;
      log.append(5);
      await turn(() => log.errors.length === 1);
      log.append(5).append(5);
      await idle();
      expect(log.errors).to.have.length(1);
      await timers.pass(10_000);
      await turn(() => log.errors.length === 2);
      await idle();
      working = true;
      await timers.pass(10_000);
      await turn(() => log.log.checkpoint?.size === 15);
      await idle();
      log.append(5);
      await turn(() => log.log.checkpoint?.size === 20);
    });
  });
});
