import { expect } from 'chai';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { parseVkey } from '../../lib/integrity/tlog/note.js';
import { runCommand } from '../support/runCommand.js';
import { ORIGIN, recordLine, TestLog } from '../support/sealedLog.js';
import { newKey } from '../support/signing.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('cli: the commands of the evidence', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: TestLog;
  let vkey: string;
  let older: string;
  const file = (name: string, content?: string | Buffer) => {
    if (content !== undefined) writeFileSync(join(folder.path, name), content);
    return join(folder.path, name);
  };

  beforeEach(async () => {
    folder = temporaryFolder();
    log = await new TestLog(folder.path).open();
    await log.append(300).log.seal();
    older = file('older', readFileSync(integrityLayout(log.path).checkpoint));
    await log.append(100).close();
    vkey = file('vkey', `${log.key.vkey}\n`);
  });
  afterEach(() => folder.remove());

  const edit = (index: number) => {
    log.lines = log.lines.map((line, i) => (i === index ? line.replace('tools', 'fools') : line));
  };

  describe('verify', () => {
    it('ends with 0 when all holds, with the key as text or in a file', async () => {
      for (const key of [vkey, log.key.vkey]) {
        const { code, out, err } = await runCommand(['verify', log.path, '--vkey', key, '--against', older]);
        expect(out).to.match(
          /^ok: .* holds 400 records of audit\.example\.com\/agents, all of them sealed\nroot: \S{44}\nintact: all 400 records are as audit\.example\.com\/agents sealed them\n\nchecked .*\n/,
        );
        expect([code, err]).to.deep.equal([0, '']);
      }
    });

    it('warns when it has to take the key from beside the log', async () => {
      const { code, out } = await runCommand(['verify', log.path]);
      expect(code).to.equal(0);
      expect(out).to.contain('warning: the verifier key was taken from beside the log');
    });

    it('[attack 37] ends with 1 and names record and byte', async () => {
      edit(7);
      const { code, out } = await runCommand(['verify', log.path, '--vkey', vkey]);
      expect(code).to.equal(1);
      expect(out).to.match(
        /^edited: record 7 was edited \(.*audit\.jsonl, byte \d+\)\nnot ok: .*, first bad index 7\nbroken: it does not agree with its checkpoint: record 7 was edited\n\nchecked /,
      );
    });

    it('[attack 37] tells programs the same', async () => {
      edit(7);
      const { code, out } = await runCommand(['verify', log.path, '--vkey', vkey, '--json']);
      expect(code).to.equal(1);
      const report = JSON.parse(out) as Record<string, unknown>;
      expect(report).to.deep.include({
        ok: false,
        origin: ORIGIN,
        size: 400,
        sealed: 400,
        first_bad_index: 7,
      });
      expect(report['problems']).to.have.length(1);
    });

    it('[attack 37] ends with 1 for a wrong key', async () => {
      const { code, out } = await runCommand(['verify', log.path, '--vkey', newKey(ORIGIN).vkey]);
      expect([code, out.includes('not signed by a key that is trusted here')]).to.deep.equal([1, true]);
    });

    it('reads standard input, which needs key and checkpoint', async () => {
      const { checkpoint } = integrityLayout(log.path);
      const content = readFileSync(log.path);
      const line = ['verify', '-', '--vkey', vkey, '--checkpoint', checkpoint, '--against', older];
      expect((await runCommand(line, content)).code).to.equal(0);
      expect((await runCommand(line, content.subarray(0, -1))).code).to.equal(1);
      expect((await runCommand(['verify', '-', '--vkey', vkey], content)).code).to.equal(2);
    });

    it('takes the newest of several checkpoints in one file', async () => {
      const { history } = integrityLayout(log.path);
      expect((await runCommand(['verify', log.path, '--vkey', vkey, '--checkpoint', history])).code).to.equal(
        0,
      );
    });

    it('tells a live log from one that has lines too many', async () => {
      log.lines = [...log.lines, recordLine(400).toString()];
      expect((await runCommand(['verify', log.path, '--vkey', vkey])).code).to.equal(1);
      expect((await runCommand(['verify', log.path, '--vkey', vkey, '--live'])).code).to.equal(0);
    });

    it('takes records that were deleted on purpose by their hashes, and still checks the others', async () => {
      await log.open();
      log.rotate('audit.jsonl.000001');
      await log.append(10).close();
      rmSync(file('audit.jsonl.000001'));
      const line = ['verify', log.path, '--vkey', vkey];
      expect((await runCommand(line)).code).to.equal(1);
      const { code, out } = await runCommand([...line, '--allow-missing']);
      expect(code).to.equal(0);
      expect(out).to.contain('is missing, with records 0 to 399; they are taken by their stored hashes');
      edit(3);
      expect((await runCommand([...line, '--allow-missing'])).out).to.contain('record 403 was edited');
    });

    it('ends with 3 when there is nothing to hold the log against', async () => {
      rmSync(integrityLayout(log.path).folder, { recursive: true });
      for (const args of [['--vkey', vkey], []]) {
        const { code, err } = await runCommand(['verify', log.path, ...args]);
        expect(code, err).to.equal(3);
      }
      expect((await runCommand(['verify', file('none'), '--vkey', vkey])).code).to.equal(3);
      expect((await runCommand(['verify', log.path, '--vkey', file('none')])).code).to.equal(3);
    });

    it('ends with 2 for a wrong command line', async () => {
      for (const args of [[], [log.path, log.path], [log.path, '--vkeys', vkey]])
        expect((await runCommand(['verify', ...args])).code).to.equal(2);
    });
  });

  describe('prove and check-proof', () => {
    const prove = (...args: string[]) => runCommand(['prove', log.path, '--vkey', vkey, ...args]);
    const check = (...args: string[]) => runCommand(['check-proof', file('proof'), '--vkey', vkey, ...args]);

    it('by index, to a file, with the record in it', async () => {
      expect((await prove('--index', '123', '--with-record', '-o', file('proof'))).code).to.equal(0);
      expect(readFileSync(file('proof'), 'utf8')).to.match(
        /^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex 123\n/,
      );
      const { code, out } = await check();
      expect(code).to.equal(0);
      expect(out).to.contain('the record is at index 123 of the log audit.example.com/agents');
      expect(JSON.parse((await check('--json')).out)).to.deep.equal({
        ok: true,
        origin: ORIGIN,
        index: 123,
        size: 400,
      });
    });

    it('by record_id, to standard output, for an older checkpoint, the record given apart', async () => {
      const { record_id: id } = JSON.parse(log.lines[42] ?? '') as { record_id: string };
      file('proof', (await prove('--record-id', id, '--checkpoint', older)).out);
      file('record', `${log.lines[42]}\n`);
      expect(JSON.parse((await check('--record', file('record'), '--json')).out)).to.include({
        index: 42,
        size: 300,
      });
    });

    it('[attack 37] does not hold for another record, another key, or a changed proof', async () => {
      await prove('--index', '123', '-o', file('proof'));
      file('record', log.lines[124] ?? '');
      expect((await check('--record', file('record'))).code).to.equal(1);
      file('record', log.lines[123] ?? '');
      expect((await check('--record', file('record'))).code).to.equal(0);
      const args = ['check-proof', file('proof'), '--record', file('record')];
      expect((await runCommand([...args, '--vkey', newKey(ORIGIN).vkey])).code).to.equal(1);
      file('proof', readFileSync(file('proof'), 'utf8').replace('index 123', 'index 122'));
      expect((await check('--record', file('record'))).code).to.equal(1);
      file('proof', 'no proof');
      expect((await check('--record', file('record'))).code).to.equal(1);
    });

    it('[attack 37] are not made of a record that was edited, nor beyond the checkpoint', async () => {
      edit(123);
      expect((await prove('--index', '123')).code).to.equal(1);
      expect((await prove('--index', '350', '--checkpoint', older)).code).to.equal(1);
      expect((await prove('--index', '400')).err).to.contain('no record with index 400');
    });

    it('need the stored hashes no more than the log does', async () => {
      rmSync(integrityLayout(log.path).leaves);
      expect((await prove('--index', '0', '-o', file('proof'), '--with-record')).code).to.equal(0);
      expect((await check()).code).to.equal(0);
    });

    it('end with 2 for a wrong command line', async () => {
      for (const args of [[], ['--index', 'x'], ['--index', '1', '--record-id', 'x']])
        expect((await prove(...args)).code).to.equal(2);
      await prove('--index', '1', '-o', file('proof'));
      expect((await check()).code, 'no record').to.equal(2);
      expect((await runCommand(['check-proof', file('proof')])).code, 'no key').to.equal(2);
    });
  });

  describe('consistency', () => {
    const consistency = (...args: string[]) => runCommand(['consistency', ...args, '--vkey', vkey]);

    it('from the log, and from the proof that it wrote', async () => {
      const { checkpoint } = integrityLayout(log.path);
      const made = await consistency(older, checkpoint, '--log', log.path, '-o', file('proof'));
      expect([made.code, made.out]).to.deep.equal([
        0,
        `ok: the log ${ORIGIN} at 400 records extends the log at 300\n`,
      ]);
      expect(readFileSync(file('proof'), 'utf8')).to.match(/^old 300\n/);
      expect((await consistency(older, checkpoint, '--proof', file('proof'), '--json')).out).to.equal(
        `{"ok":true,"origin":"${ORIGIN}","older":300,"newer":400}\n`,
      );
      expect((await consistency(checkpoint, older, '--log', log.path)).code, 'in the wrong order').to.equal(
        1,
      );
      expect((await consistency(older, checkpoint)).code).to.equal(2);
    });

    it('[attack 38] does not hold for a history that was rewritten with the same key', async () => {
      mkdirSync(file('second'));
      const rewritten = new TestLog(file('second'), { key: { pem: log.key.pem } });
      await (await rewritten.open()).append(5).close();
      rewritten.lines = [];
      rmSync(integrityLayout(rewritten.path).folder, { recursive: true });
      await (await rewritten.open()).append(400).close();
      const { checkpoint } = integrityLayout(rewritten.path);
      const { code, err } = await consistency(older, checkpoint, '--log', rewritten.path);
      expect(code).to.equal(1);
      expect(err).to.contain('history was rewritten');
    });
  });

  it('export-tiles writes to an empty folder only', async () => {
    const { code, out } = await runCommand(['export-tiles', log.path, '-o', file('tiles'), '--vkey', vkey]);
    expect([code, out]).to.deep.equal([0, `6 files written to ${file('tiles')}\n`]);
    expect(statSync(file('tiles/tile/0/001.p/144')).size).to.equal(144 * 32);
    expect((await runCommand(['export-tiles', log.path, '-o', file('tiles'), '--vkey', vkey])).code).to.equal(
      2,
    );
    edit(5);
    expect((await runCommand(['export-tiles', log.path, '-o', file('more'), '--vkey', vkey])).code).to.equal(
      1,
    );
  });

  it('keygen prints the verifier key, writes the private one for its owner alone, and never over another', async () => {
    const line = ['keygen', '--origin', ORIGIN, '-o', file('key.pem')];
    const { code, out, err } = await runCommand(line);
    expect(code).to.equal(0);
    expect(parseVkey(out).name).to.equal(ORIGIN);
    expect(err).to.contain('key.pem');
    expect(statSync(file('key.pem')).mode & 0o777).to.equal(0o600);
    const before = readFileSync(file('key.pem'), 'utf8');
    expect((await runCommand(line)).code).to.equal(3);
    expect(readFileSync(file('key.pem'), 'utf8')).to.equal(before);
    expect((await runCommand(['keygen', '--origin', 'a b', '-o', file('k')])).code).to.equal(2);
    expect((await runCommand(['keygen', '--origin', ORIGIN])).code).to.equal(2);
  });

  it('all have their help', async () => {
    for (const name of ['verify', 'prove', 'check-proof', 'consistency', 'export-tiles', 'keygen']) {
      const { code, out } = await runCommand([name, '--help']);
      expect(code).to.equal(0);
      expect(out).to.contain(`Usage: otel-mcp-log ${name} `).and.to.contain('Exit codes:');
    }
  });
});
