import { expect } from 'chai';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { verifyLogFile } from '../../../lib/integrity/verification/verifyFile.js';
import { parsePolicy } from '../../../lib/integrity/tlog/policy.js';
import { runCommand } from '../../support/runCommand.js';
import { recordLine, TestLog } from '../../support/sealedLog.js';
import { newWitnessKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { startWitness, type RunningWitness } from '../../support/witness.js';

describe('integrity: verifying what witnesses cosigned', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  let witnesses: RunningWitness[];
  let policy: string;

  const check = (text = policy, live = false) =>
    verifyLogFile(log.path, { vkeys: [log.key.vkey], policy: parsePolicy(text), live });
  const row = async (text = policy) =>
    (await check(text)).checks.find(({ what }) => what.startsWith('cosigned'));

  beforeEach(async () => {
    folder = temporaryFolder();
    log = new TestLog(folder.path);
    witnesses = [];
    for (const name of ['w1', 'w2', 'w3'])
      witnesses.push(await startWitness(name, join(folder.path, name), [log.key.verifier]));
    policy = `${witnesses.map(({ line }) => line).join('')}group two 2 w1 w2 w3\nquorum two\n`;
    log.options = { ...log.options, witnesses: { policy } };
    await witnesses[2]?.stop();
    await log.open();
    await log.append(5).close();
  });
  afterEach(async () => {
    await log.close();
    for (const { stop } of witnesses) await stop().catch(() => undefined);
    folder.remove();
  });

  it('holds where enough of them did, and names them with their times', async () => {
    const report = await check();
    expect(report.status).to.equal('intact');
    const { result, by = '' } = (await row()) ?? {};
    expect(result).to.equal('holds');
    expect(by).to.match(
      /^2 of \(w1, w2, w3\): 5 records by witness\.example\/w1 at 20.*Z, witness\.example\/w2 at 20.*Z$/,
    );
  });

  it('fails where too few did', async () => {
    const all = policy.replace('group two 2', 'group two all');
    const report = await check(all);
    expect([report.status, report.ok]).to.deep.equal(['unwitnessed', false]);
    expect(report.problems).to.have.length(1);
    expect(report.problems[0]).to.include({ kind: 'unwitnessed', index: 0 });
    expect((await row(all))?.result).to.equal('fails');
  });

  it('fails for the records that follow, unless the log is being written', async () => {
    for (const { stop } of witnesses) await stop().catch(() => undefined);
    await log.open();
    await log.append(3).close();
    const report = await check();
    expect(report.status).to.equal('unwitnessed');
    expect(report.problems).to.deep.equal([
      {
        kind: 'unwitnessed',
        message:
          '3 records follow the last one that enough witnesses of the policy have cosigned (2 of (w1, w2, w3))',
        index: 5,
      },
    ]);
    expect((await check(policy, true)).ok).to.equal(true);
  });

  it('fails where a cosignature was forged, and where the log was changed', async () => {
    const stranger = newWitnessKey('witness.example/w1');
    const forged = policy.replace(witnesses[0]?.vkey ?? '', stranger.vkey);
    expect((await check(forged)).status).to.equal('unwitnessed');
    for (const path of [integrityLayout(log.path).checkpoint, integrityLayout(log.path).cosigned]) {
      const note = readFileSync(path, 'utf8');
      writeFileSync(
        path,
        note.replace(/(w2 .{12})./, (_, kept: string) => `${kept}x`),
      );
    }
    const report = await check();
    expect(report.problems.map(({ kind }) => kind)).to.include('checkpoint');
    expect(report.status).to.equal('broken');
  });

  it('does not make an edited log hold', async () => {
    log.lines = log.lines.map((line, index) => (index === 2 ? line.replace('tools', 'fools') : line));
    expect((await check()).status).to.equal('broken');
    appendFileSync(log.path, `${recordLine(9).toString()}\n`);
    expect((await check()).status).to.equal('broken');
  });

  it('is asked for on the command line: by a policy that names the log, or by keys of witnesses', async () => {
    const file = join(folder.path, 'policy');
    writeFileSync(file, `log ${log.key.vkey}\n${policy}`);
    const byPolicy = await runCommand(['verify', log.path, '--policy', file]);
    expect(byPolicy.out).to.contain('cosigned by enough witnesses').and.not.contain('warning');
    expect(byPolicy.code).to.equal(0);
    const [first, , third] = witnesses;
    const own = ['--vkey', log.key.vkey];
    const one = await runCommand(['verify', log.path, ...own, '--witness', first?.vkey ?? '']);
    expect(one.code).to.equal(0);
    const missing = await runCommand(['verify', log.path, ...own, '--witness', third?.vkey ?? '']);
    expect(missing.code).to.equal(1);
    expect(missing.out).to.contain(
      'not witnessed: the first 5 records are as audit.example.com/agents sealed them',
    );
  });

  it('needs a policy or keys that can be read: else the command line is wrong, not the log', async () => {
    const file = join(folder.path, 'policy');
    writeFileSync(file, 'quorum nobody\n');
    for (const [args, message] of [
      [['--policy', file], '--policy: the witness policy, line 1'],
      [['--witness', log.key.vkey], '--witness: the verifier key is not the Ed25519 key of a witness'],
      [['--policy', file, '--witness', witnesses[0]?.vkey ?? ''], 'either --policy or --witness'],
    ] as const) {
      const { code, err } = await runCommand(['verify', log.path, ...args]);
      expect(err).to.contain(message);
      expect(code).to.equal(2);
    }
    expect((await runCommand(['verify', log.path, '--policy', join(folder.path, 'nowhere')])).code).to.equal(
      3,
    );
  });
});
