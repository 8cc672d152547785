import { expect } from 'chai';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { splitNotes } from '../../../lib/integrity/tlog/checkpoint.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { settle } from '../../support/heldTimers.js';
import { TestLog } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: the evidence beside a log that is opened again', () => {
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
  const messages = () => log.errors.map(({ message }) => message);
  const history = () => splitNotes(readFileSync(layout().history, 'utf8')).notes;
  const verify = (records = true) => verifyLogFile(log.path, { vkeys: [log.key.vkey], records });
  async function expectSound(size: number): Promise<void> {
    await log.close();
    expect(messages()).to.deep.equal([]);
    expect((await verify()).problems).to.deep.equal([]);
    expect(await verify()).to.include({ size, sealed: size });
  }

  it('writes nothing again that is as it should be', async () => {
    await log.append(5).close();
    const files = () =>
      (['vkey', 'checkpoint', 'history'] as const).map((name) => statSync(layout()[name]).ino);
    const before = files();
    await log.open();
    expect(files()).to.deep.equal(before);
  });

  it('mends a history that is out of order, or has something behind its last checkpoint', async () => {
    await log.appendSealed(2, 5);
    await log.close();
    const [empty = '', five = '', ten = ''] = history();
    for (const wrong of [`${empty}${five}${ten}cut`, `${empty}${ten}${five}`, '']) {
      writeFileSync(layout().history, wrong);
      await log.open();
      await log.close();
      const mended = readFileSync(layout().history, 'utf8');
      expect(mended).to.equal(wrong === '' ? ten : `${empty}${five}${ten}`);
    }
  });

  it('mends a checkpoint file that is gone, and a history that lacks the newest', async () => {
    await log.appendSealed(2, 5);
    await log.close();
    const [newest, notes] = [readFileSync(layout().checkpoint, 'utf8'), history()];
    writeFileSync(layout().history, notes.slice(0, -1).join(''));
    await log.open();
    await log.close();
    expect(history()).to.deep.equal(notes);
    rmSync(layout().checkpoint);
    await log.open();
    expect(readFileSync(layout().checkpoint, 'utf8')).to.equal(newest);
    expect(messages()).to.have.length(1);
    expect(messages()[0]).to.contain('the checkpoint of 10 records was removed');
    log.errors.length = 0;
    await expectSound(10);
  });

  it('tells of a history that an unknown key signed, and goes by the checkpoint', async () => {
    await log.append(5).close();
    mkdirSync(path('other'));
    const other = new TestLog(path('other'));
    await (await other.open()).append(9).close();
    copyFileSync(integrityLayout(other.path).history, layout().history);
    await log.open();
    expect(log.log.checkpoint?.size).to.equal(5);
    expect(messages()[0])
      .to.contain(layout().history)
      .and.contain('not signed by a key that is trusted here');
  });

  it('writes down its keys, the present one first', async () => {
    await log.append(5).close();
    const next = newKey(log.options.origin);
    log.options = { ...log.options, key: { pem: next.pem }, previousKeys: [log.key.vkey] };
    await log.open();
    expect(readFileSync(layout().vkey, 'utf8')).to.equal(`${next.vkey}\n${log.key.vkey}\n`);
  });

  it('offers an anchor only what is newer than what it took', async () => {
    const taken: number[] = [];
    await log.close();
    log.options = { ...log.options, anchor: ({ size }) => void taken.push(size) };
    await log.open();
    await log.append(5).close();
    taken.length = 0;
    await log.open();
    await log.close();
    expect(taken).to.deep.equal([]);
    writeFileSync(layout().anchored, 'damaged');
    await log.open();
    await log.close();
    expect(taken).to.deep.equal([5]);
    expect(readFileSync(layout().anchored, 'utf8')).to.equal(readFileSync(layout().checkpoint, 'utf8'));
  });

  it('keeps what an anchor took of a log that is still empty', async () => {
    await log.close();
    log.options = { ...log.options, anchor: () => undefined };
    await log.open();
    await log.close();
    expect(readFileSync(layout().anchored, 'utf8')).to.equal(history()[0]);
  });

  it('keeps the newest that any anchor took, though a slower one takes an older one after it', async () => {
    await log.close();
    let release: () => void = () => expect.fail('nothing was offered');
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = ({ size }: { size: number }) => (size === 0 ? gate : Promise.reject(new Error('down')));
    rmSync(layout().folder, { recursive: true });
    log.options = { ...log.options, anchor: [slow, () => undefined] };
    await log.open();
    await log.log.seal();
    await log.append(5).log.seal();
    while (!existsSync(layout().anchored)) await settle();
    while (readFileSync(layout().anchored, 'utf8') !== history().at(-1)) await settle();
    release();
    await log.close();
    expect(readFileSync(layout().anchored, 'utf8')).to.equal(history().at(-1));
  });
});
