import { expect } from 'chai';
import { copyFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { ConfigError } from '../../../lib/errors.js';
import { parseCheckpoint, splitNotes, cosignaturesOf } from '../../../lib/integrity/tlog/checkpoint.js';
import { integrityLayout } from '../../../lib/integrity/storage/files.js';
import { resolveIntegrity, type WitnessesOptions } from '../../../lib/integrity/sealing/options.js';
import { UnaccountedError } from '../../../lib/integrity/sealing/start.js';
import { isCosigned } from '../../../lib/integrity/sealing/evidence.js';
import { parsePolicy } from '../../../lib/integrity/tlog/policy.js';
import { TestLog } from '../../support/sealedLog.js';
import { newWitnessKey } from '../../support/signing.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';
import { startWitness, type RunningWitness } from '../../support/witness.js';

describe('integrity: a log and its witnesses', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  let running: RunningWitness[];

  const start = async (name: string, key = newWitnessKey(`witness.example/${name}`), port = 0) => {
    const witness = await startWitness(name, join(folder.path, name), [log.key.verifier], key, { port });
    running.push(witness);
    return witness;
  };
  const policyOf = (rule: string) => `${running.map(({ line }) => line).join('')}${rule}`;
  const witnessed = async (rule: string) => {
    log.options = { ...log.options, witnesses: { policy: policyOf(rule) } };
    return log.open();
  };
  const layout = () => integrityLayout(log.path);
  const newest = () => readFileSync(layout().checkpoint, 'utf8');
  const cosigned = () => splitNotes(readFileSync(layout().cosigned, 'utf8')).notes;
  const names = (note: string) =>
    cosignaturesOf(
      note,
      running.map(({ verifier }) => verifier),
    ).map(({ witness }) => witness.name);

  beforeEach(() => {
    folder = temporaryFolder();
    running = [];
    log = new TestLog(folder.path);
  });
  afterEach(async () => {
    await log.close();
    for (const { stop } of running) await stop().catch(() => undefined);
    folder.remove();
  });

  it('has each checkpoint cosigned by all of them, and keeps that with the checkpoint', async () => {
    await start('w1');
    await start('w2');
    await witnessed('group all all w1 w2\nquorum all\n');
    await log.appendSealed(4, 5);
    await log.close();
    expect(names(newest())).to.have.members(['witness.example/w1', 'witness.example/w2']);
    expect(parseCheckpoint(newest()).size).to.equal(20);
    expect(cosigned()).to.deep.equal([newest()]);
    expect(log.errors).to.deep.equal([]);
  });

  it('goes on after a restart with a proof from where it was, without asking', async () => {
    const { answers } = await start('w1');
    await witnessed('quorum w1\n');
    await log.append(300).close();
    await log.open();
    await log.append(33).close();
    expect(answers).to.deep.equal([200, 200]);
    expect(parseCheckpoint(newest()).size).to.equal(333);
    expect(names(newest())).to.have.length(1);
  });

  it('asks the witness where what it remembers is lost or wrong', async () => {
    const { answers } = await start('w1');
    await witnessed('quorum w1\n');
    await log.append(7).close();
    const early = readFileSync(layout().witnesses, 'utf8');
    await log.open();
    await log.append(30).close();
    rmSync(layout().witnesses);
    await log.open();
    await log.append(1).close();
    writeFileSync(layout().witnesses, early);
    await log.open();
    await log.append(1).close();
    writeFileSync(layout().witnesses, '{"witnesses":');
    await log.open();
    await log.append(1).close();
    expect(answers).to.deep.equal([200, 200, 409, 200, 409, 200, 409, 200]);
    expect(log.errors).to.deep.equal([]);
    expect(names(newest())).to.have.length(1);
  });

  it('needs no more than the rule asks for; what is missing is reported, and the last good one is kept', async () => {
    const { stop } = await start('w1');
    await start('w2');
    const policy = parsePolicy(policyOf('group all all w1 w2\nquorum all\n'));
    await witnessed('group all all w1 w2\nquorum all\n');
    await log.append(5).close();
    await stop();
    await log.open();
    await log.append(5).close();
    expect(log.errors.map(({ message }) => message).join()).to.contain('the witness w1 did not cosign');
    expect(cosigned().map((note) => [parseCheckpoint(note).size, isCosigned(note, policy)])).to.deep.equal([
      [5, true],
      [10, false],
    ]);
    expect(names(newest())).to.deep.equal(['witness.example/w2']);
  });

  /** The log does not start where a witness contradicts it; where that cannot be asked then, it says so, and starts. */
  async function refusedByWitness(reason: string): Promise<void> {
    const failure = await log.open().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(UnaccountedError);
    expect((failure as Error).message).to.equal(reason);
    const { policy } = log.options.witnesses as WitnessesOptions;
    const ask: WitnessesOptions['fetch'] = (url, init) =>
      init.method === 'POST' ? fetch(url, init) : Promise.reject(new Error('not now'));
    log.options = { ...log.options, witnesses: { policy, fetch: ask } };
    log.errors.length = 0;
    await log.open();
    expect(log.errors.map(({ message }) => message).join()).to.contain('the witness w1 could not be read');
  }

  it('[attack 38] is not cosigned after it was rolled back, and says so', async () => {
    await start('w1');
    await witnessed('quorum w1\n');
    await log.append(5).close();
    const copy = join(folder.path, 'copy');
    cpSync(layout().folder, copy, { recursive: true });
    copyFileSync(log.path, `${copy}.jsonl`);
    await log.open();
    await log.append(5).close();
    rmSync(layout().folder, { recursive: true });
    cpSync(copy, layout().folder, { recursive: true });
    copyFileSync(`${copy}.jsonl`, log.path);
    await refusedByWitness('the log does not lead to its checkpoint of 10 records');
    await log.append(2).close();
    expect(log.errors.map(({ message }) => message).join()).to.contain(
      'it has cosigned 10 records, and the log has 7: the log was cut off or rolled back',
    );
    expect(names(newest())).to.deep.equal([]);
  });

  it('[attack 38] is not cosigned after its past was rewritten with its own key, and says so', async () => {
    await start('w1');
    await witnessed('quorum w1\n');
    await log.append(5).close();
    const { key, options } = log;
    rmSync(layout().folder, { recursive: true });
    rmSync(log.path);
    log = Object.assign(new TestLog(folder.path), { key, options });
    await refusedByWitness('the log does not lead to its checkpoint of 5 records');
    log.log.append([Buffer.from('{"seq":0,"forged":true}')]);
    await log.append(9).close();
    expect(log.errors.map(({ message }) => message).join()).to.contain(
      'status 422: the log does not extend what it has cosigned',
    );
    expect(existsSync(layout().cosigned)).to.equal(false);
  });

  it('is not held up by witnesses that hang, answer nonsense, or send without an end', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200);
      const more = () => response.write('x'.repeat(1 << 14), () => void setImmediate(more));
      more();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    log.options = {
      ...log.options,
      witnesses: { policy: `witness w ${newWitnessKey('w').vkey} ${url}\nquorum w\n` },
    };
    await log.open();
    await log.appendSealed(2, 5);
    await log.close();
    server.closeAllConnections();
    server.close();
    expect(parseCheckpoint(newest()).size).to.equal(10);
    expect(log.errors.map(({ message }) => message).join()).to.contain(
      'the answer of the witness is too long',
    );
  });

  it('refuses options that cannot work', () => {
    const key = newWitnessKey('witness.example/w1');
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ policy: 'quorum none\n' }, 'no witness of the policy has both a URL and an Ed25519 key'],
      [{ policy: `witness w ${key.vkey}\nquorum w\n` }, 'no witness of the policy has both'],
      [{ policy: 'quorum w\n' }, 'the witness policy, line 1: w is not defined'],
      [{ policy: 7 }, 'witnesses.policy: got number, expected a non-empty string'],
      [{ policy: policyOf('quorum none\n'), fetch: 'x' }, 'expected a function'],
      [{ police: '' }, 'unknown option'],
      [join(folder.path, 'nowhere'), 'the witness policy cannot be read (ENOENT)'],
      [7, 'expected an options object'],
    ];
    for (const [witnesses, message] of wrong)
      expect(() => resolveIntegrity({ ...log.options, witnesses: witnesses as string })).to.throw(
        ConfigError,
        message,
      );
  });
});
