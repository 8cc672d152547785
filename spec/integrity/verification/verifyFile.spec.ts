import { expect } from 'chai';
import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntegrityError } from '../../../lib/errors.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { splitNotes } from '../../../lib/integrity/tlog/checkpoint.js';
import {
  readCheckpoints,
  trustedKeys,
  verifyLogFile,
} from '../../../lib/integrity/verification/verifyFile.js';
import { recordLine, TestLog } from '../../support/sealedLog.js';
import { newKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

describe('integrity: what a log on disk is held against', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  let vkeys: string[];
  const path = (name: string) => join(folder.path, name);
  const layout = () => integrityLayout(log.path);
  const notes = () => splitNotes(readFileSync(layout().history, 'utf8')).notes;
  const found = async (options: Parameters<typeof verifyLogFile>[1] = {}) =>
    (await verifyLogFile(log.path, { vkeys, ...options })).problems.map(({ kind, index }) => [kind, index]);
  const refusal = async (attempt: Promise<unknown>) => {
    const error = await attempt.catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(IntegrityError);
    return (error as Error).message;
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    log = await new TestLog(folder.path).open();
    await log.appendSealed(3, 10);
    await log.close();
    vkeys = [log.key.vkey];
  });
  afterEach(() => folder.remove());

  it('is the keys that are given, without a warning, else those beside it, with one', async () => {
    const other = newKey('other').vkey;
    const given = await trustedKeys(log.path, [log.key.vkey, other]);
    expect(given.verifiers.map(({ name }) => name)).to.deep.equal([log.key.verifier.name, 'other']);
    expect(given.warnings).to.deep.equal([]);
    appendFileSync(layout().vkey, `${other}\n`);
    for (const none of [undefined, []]) {
      const beside = await trustedKeys(log.path, none);
      expect(beside.verifiers).to.deep.equal(given.verifiers);
      expect(beside.warnings).to.have.length(1);
    }
    const report = await verifyLogFile(log.path);
    expect([report.ok, report.warnings.length]).to.deep.equal([true, 1]);
    expect(await verifyLogFile(log.path, { vkeys })).to.deep.include({ ok: true, warnings: [] });
  });

  it('is nothing where there is no key, or no checkpoint', async () => {
    rmSync(layout().vkey);
    const untrusted = await verifyLogFile(log.path);
    expect([untrusted.ok, untrusted.status]).to.deep.equal([false, 'untrusted']);
    expect(untrusted.warnings[0]).to.contain('no verifier key is given');
    rmSync(layout().folder, { recursive: true });
    expect(await verifyLogFile(log.path, { vkeys })).to.include({ ok: false, status: 'unsealed', sealed: 0 });
    expect(await refusal(verifyLogFile(path('none'), { vkeys }))).to.contain('no such log');
    expect(await refusal(verifyLogFile(log.path, { vkeys, checkpoint: path('none') }))).to.contain(
      path('none'),
    );
  });

  it('is the last of several checkpoints in a file, and the others as well', async () => {
    writeFileSync(path('kept'), notes().slice(0, 3).join(''));
    rmSync(layout().history);
    const report = await verifyLogFile(log.path, { vkeys, checkpoint: path('kept') });
    expect(report).to.include({ ok: false, status: 'partly-sealed', size: 30, sealed: 20 });
    expect(report.problems.map(({ kind, index }) => [kind, index])).to.deep.equal([['unsealed', 20]]);
    const lines = log.lines;
    log.lines = [...lines.slice(0, 3), recordLine(99).toString(), ...lines.slice(4)];
    rmSync(layout().leaves);
    expect(await found({ checkpoint: path('kept'), records: false })).to.deep.include(['changed', 0]);
  });

  it('is its history and what an anchor took, also when a crash cut them off', async () => {
    const [, , older = '', newest = ''] = notes();
    writeFileSync(layout().checkpoint, older);
    rmSync(layout().history);
    for (const file of ['history', 'anchored'] as const) {
      writeFileSync(layout()[file], `${newest}${newest.slice(0, 50)}`);
      const { ok, sealed, warnings } = await verifyLogFile(log.path, { vkeys });
      expect([file, ok, sealed]).to.deep.equal([file, true, 30]);
      expect(warnings[0]).to.contain(`covers 20 records, and is not the newest: ${layout()[file]} covers 30`);
      rmSync(layout().checkpoint);
      expect((await verifyLogFile(log.path, { vkeys })).warnings[0]).to.contain('stands in for it');
      writeFileSync(layout().checkpoint, older);
      log.lines = log.lines.slice(0, 29);
      expect(await found(), file).to.deep.include(['truncated', 29]);
      log.lines = [...log.lines, recordLine(29).toString()];
      rmSync(layout()[file]);
    }
  });

  it('is checkpoints kept elsewhere, which have to be whole', async () => {
    writeFileSync(path('kept'), notes().join(''));
    writeFileSync(path('cut'), notes().join('').slice(0, -1));
    writeFileSync(path('empty'), '');
    expect(await found({ against: [path('kept')] })).to.deep.equal([]);
    for (const name of ['cut', 'empty'])
      expect(await found({ against: [path('kept'), path(name)] }), name).to.deep.equal([
        ['checkpoint', undefined],
      ]);
    expect(await refusal(verifyLogFile(log.path, { vkeys, against: [path('none')] }))).to.contain(
      path('none'),
    );
  });

  it('is read from a file note by note, each named by the file', async () => {
    const [one = '', two = ''] = notes();
    const kept = path('kept');
    writeFileSync(kept, `${one}${two}rest`);
    const named = (...texts: string[]) => texts.map((note) => ({ note, name: kept }));
    expect(await readCheckpoints(kept)).to.deep.equal(named(one, two, 'rest'));
    expect(await readCheckpoints(kept, 'tolerant')).to.deep.equal(named(one, two));
    writeFileSync(kept, one);
    for (const tail of ['strict', 'tolerant'] as const)
      expect(await readCheckpoints(kept, tail)).to.deep.equal(named(one));
    writeFileSync(kept, 'rest');
    expect(await readCheckpoints(kept, 'tolerant')).to.deep.equal(named('rest'));
    const failure = (await readCheckpoints(path('none')).catch((error: unknown) => error)) as Error;
    expect(failure).to.be.instanceOf(IntegrityError);
    expect(failure.cause, 'why it cannot be read').to.include({ code: 'ENOENT' });
  });

  it('is its stored hashes where there are any', async () => {
    const lines = log.lines;
    log.lines = [...lines.slice(0, 3), recordLine(99).toString(), ...lines.slice(4)];
    expect(await found({ records: false })).to.deep.equal([['edited', 3]]);
    writeFileSync(layout().leaves, '');
    expect(await found({ records: false })).to.deep.equal([['changed', 0]]);
    rmSync(layout().leaves);
    expect(await found({ records: false })).to.deep.equal([['changed', 0]]);
  });

  it('is what the options say of live logs, segments on purpose, and lines of any kind', async () => {
    await log.open();
    await log.append(1).close();
    appendFileSync(log.path, 'no record\n');
    expect(await found()).to.have.deep.members([
      ['foreign', 31],
      ['unsealed', 31],
    ]);
    expect(await found({ live: true })).to.deep.equal([['foreign', 31]]);
    expect(await found({ records: false })).to.deep.equal([['unsealed', 31]]);
    expect(await found({ live: true, records: false })).to.deep.equal([]);
  });

  it('is a segment by its hashes, where that is allowed', async () => {
    await log.open();
    log.rotate('first');
    await log.append(1).close();
    renameSync(path('first'), path('moved away'));
    expect(await found()).to.deep.equal([['segment', 0]]);
    expect(await found({ allowMissing: true })).to.deep.equal([]);
    expect(await found({ allowMissing: false })).to.deep.equal([['segment', 0]]);
  });

  it('is nothing but the checkpoint where the whole log is gone', async () => {
    rmSync(log.path);
    expect(await found()).to.deep.equal([['truncated', 0]]);
  });
});
