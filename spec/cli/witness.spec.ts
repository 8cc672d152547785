import { expect } from 'chai';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePolicy } from '../../lib/integrity/tlog/policy.js';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { isCosigned } from '../../lib/integrity/sealing/evidence.js';
import { runCli, startCli, until } from '../support/builtCli.js';
import { TestLog } from '../support/sealedLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('the witness command', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const args = (log: string, listen = '127.0.0.1:0') => [
    ...['witness', '--name', 'witness.example/w1', '--key', join(folder.path, 'keys', 'witness.pem')],
    ...['--state', join(folder.path, 'state'), '--log', log, '--listen', listen],
  ];

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('prints its line of a policy, cosigns what a log sends, survives SIGKILL, and ends at SIGTERM', async () => {
    const log = new TestLog(folder.path);
    const first = startCli(args(log.key.vkey));
    await until(() => first.said().includes('\n'));
    const line = first.said();
    const policy = `${line}quorum ${line.split(' ')[1]}\n`;
    log.options = { ...log.options, witnesses: { policy } };
    await log.open();
    await log.append(5).close();
    const newest = () => readFileSync(integrityLayout(log.path).checkpoint, 'utf8');
    expect(isCosigned(newest(), parsePolicy(policy))).to.equal(true);
    first.child.kill('SIGKILL');
    await first.finished;

    const second = startCli(args(log.key.vkey, new URL(line.trim().split(' ')[3]!).host));
    await until(() => second.said().includes('\n'));
    expect(second.said()).to.equal(line);
    await log.open();
    await log.append(5).close();
    expect(isCosigned(newest(), parsePolicy(policy))).to.equal(true);
    second.child.kill('SIGTERM');
    const { code, stderr } = await second.finished;
    expect(code).to.equal(0);
    expect(stderr).to.match(/^200 \/add-checkpoint$/m);
    expect(statSync(join(folder.path, 'keys', 'witness.pem')).mode & 0o777).to.equal(0o600);
    expect(log.errors).to.deep.equal([]);
  });

  it('says what is wrong with its options', async () => {
    const { vkey } = new TestLog(folder.path).key;
    const without = (option: string) => {
      const all = args(vkey);
      all.splice(all.indexOf(option), 2);
      return all;
    };
    writeFileSync(join(folder.path, 'open.pem'), '', { mode: 0o644 });
    const wrong: readonly (readonly [readonly string[], string])[] = [
      [without('--name'), '--name needs a name'],
      [without('--key'), 'no --key is given'],
      [without('--state'), 'no --state is given'],
      [without('--log'), 'no --log is given'],
      [args(vkey, 'localhost'), '--listen needs an address and a port'],
      [args(vkey, '127.0.0.1:99999'), '--listen needs an address and a port'],
      [[...args(vkey), 'operand'], 'takes options only'],
    ];
    for (const [line, message] of wrong) {
      const { code, stderr } = await runCli(line);
      expect(stderr).to.contain(message);
      expect(code, message).to.equal(2);
    }
  });

  it('does not answer what is no part of the protocol', async () => {
    const { key } = new TestLog(folder.path);
    const { child, finished, said } = startCli(args(key.vkey));
    await until(() => said().includes('\n'));
    const url = said().trim().split(' ')[3] ?? '';
    const status = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;
    expect(await status('')).to.equal(404);
    expect(await status('add-checkpoint')).to.equal(405);
    expect(await status(`${'0'.repeat(64)}/checkpoint`)).to.equal(404);
    expect(await status('add-checkpoint', { method: 'POST', body: 'x'.repeat(100_000) })).to.equal(413);
    expect(await status('add-checkpoint', { method: 'POST', body: 'old 0' })).to.equal(400);
    child.kill('SIGINT');
    expect((await finished).code).to.equal(0);
  });
});
