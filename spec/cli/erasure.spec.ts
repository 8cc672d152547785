import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { KeyFolder } from '../../lib/erasure/keyFolder.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { runBuiltCommand } from '../support/builtCli.js';
import { runCommand } from '../support/runCommand.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const records = (text: string) =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as AuditRecord]));

describe('erasing a person on the command line', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  let number = 0;

  /** A sealed log in which ann and bob have called a tool, and its folder of keys. */
  async function sealedLog(master?: string) {
    const at = join(folder.path, String(number++));
    const [log, keys] = [`${at}.jsonl`, `${at}-keys`];
    const integrity = { origin: 'test.example/log', key: { generate: `${at}.pem` } };
    const sink = new FileSink({ path: log, integrity });
    const { client, connect } = pair();
    let actor = 'ann';
    withLogging(client, {
      ...{ sink, environment: 'test', actorId: () => actor },
      erasure: { keys, ...(master && { masterKey: master }) },
    });
    await connect();
    for (actor of ['ann', 'bob', 'ann'])
      await client.callTool({ name: 'echo', arguments: { message: `said by ${actor}` } });
    await auditLogOf(client)?.shutdown();
    return { log, keys };
  }

  const query = async (...args: string[]) => {
    const { code, out } = await runCommand(['query', '--json', '--tool', 'echo', ...args]);
    return { code, found: records(out).filter(({ mcp }) => mcp?.method === 'tools/call') };
  };
  const said = (found: readonly AuditRecord[]) =>
    found.map(({ mcp }) => (mcp?.tool_arguments as { message: string } | undefined)?.message);

  it('leaves the log intact, and nobody reads the values any more, in a copy that was made before either', async () => {
    const { log, keys } = await sealedLog();
    const copy = join(folder.path, 'copy.jsonl');
    copyFileSync(log, copy);
    expect(said((await query('--keys', keys, log)).found)).to.deep.equal([
      'said by ann',
      'said by bob',
      'said by ann',
    ]);
    const erased = await runCommand(['erase', '--keys', keys, '--subject', 'ann', '--reason', 'a request']);
    expect([erased.code, erased.out]).to.deep.equal([0, `${new KeyFolder(keys).idOf('ann')}: erased\n`]);
    expect((await runCommand(['verify', log])).code).to.equal(0);
    for (const path of [log, copy]) {
      const { code, found } = await query('--keys', keys, path);
      expect([code, said(found)]).to.deep.equal([0, [undefined, 'said by bob', undefined]]);
      expect(found.map(({ personal }) => (personal?.[0] as { state?: string }).state)).to.deep.equal([
        'erased',
        'opened',
        'erased',
      ]);
    }
  });

  it('is recorded in a sealed log beside the keys, which does not name the person', async () => {
    const { keys } = await sealedLog();
    await runCommand(['erase', '--keys', keys, '--subject', '-', '--reason', 'a request'], 'ann\nbob\n');
    const path = join(keys, 'erasures.jsonl');
    expect((await runCommand(['verify', path])).code).to.equal(0);
    const told = records(readFileSync(path, 'utf8'));
    expect(told).to.have.length(2);
    for (const [index, subject] of ['ann', 'bob'].entries())
      expect(told[index])
        .to.deep.include({ resource: 'audit/erasure', outcome: 'OUTCOME_SUCCESS' })
        .and.have.nested.property('data.key_id', new KeyFolder(keys).idOf(subject));
    expect(told[0]).to.have.nested.property('data.reason', 'a request');
    for (const name of readdirSync(keys).filter((each) => !each.endsWith('.integrity')))
      expect(readFileSync(join(keys, name), 'utf8')).not.to.match(/\b(?:ann|bob)\b/);
  });

  it('can be repeated, also after a kill between its steps', async () => {
    const { keys } = await sealedLog();
    const id = new KeyFolder(keys).idOf('ann')!;
    // The note is there, and the key too.
    writeFileSync(
      join(keys, `${id}.erased`),
      `${JSON.stringify({ key_id: id, time: '2026-01-01T00:00:00.000Z' })}\n`,
    );
    const state = await runCommand(['keys', keys]);
    expect([state.code, state.out]).to.deep.equal([1, '1 key, and 1 destroyed\n']);
    expect(state.err).to.include(id);
    expect((await runCommand(['erase', '--keys', keys, '--key-id', id])).out).to.equal(`${id}: erased\n`);
    expect(existsSync(join(keys, `${id}.key`))).to.equal(false);
    expect((await runCommand(['keys', keys])).code).to.equal(0);
    const again = await runCommand(['erase', '--keys', keys, '--key-id', id, '--json']);
    expect([again.code, JSON.parse(again.out)]).to.deep.equal([
      0,
      { key_id: id, result: 'was erased', time: '2026-01-01T00:00:00.000Z' },
    ]);
    expect(records(readFileSync(join(keys, 'erasures.jsonl'), 'utf8'))).to.have.length(1);
  });

  it('whose record is lost in a kill is recorded by the next call', async () => {
    const { keys } = await sealedLog();
    const id = new KeyFolder(keys).idOf('ann')!;
    new KeyFolder(keys).erase(id);
    expect((await runCommand(['erase', '--keys', keys, '--subject', 'ann'])).out).to.equal(`${id}: erased\n`);
    expect(records(readFileSync(join(keys, 'erasures.jsonl'), 'utf8'))[0]).to.have.nested.property(
      'data.key_id',
      id,
    );
  });

  it('says so where there is nothing to erase, and what is wrong with a command line', async () => {
    const { keys, log } = await sealedLog();
    const unknown = await runCommand(['erase', '--keys', keys, '--subject', 'eve']);
    expect([unknown.code, unknown.out]).to.match(/1,.*there is no key/s);
    for (const [args, text] of [
      [['erase', '--subject', 'ann'], '--keys DIR'],
      [['erase', '--keys', keys], 'no person'],
      [['erase', '--keys', keys, '--subject', ''], '--subject is empty'],
      [['erase', '--keys', keys, '--subject', 'ann', log], 'takes no files'],
      [['erase', '--keys', `${keys}-none`, '--subject', 'ann'], 'ENOENT'],
      [['erase', '--keys', log, '--subject', 'ann'], 'is no folder'],
      [['query', '--keys', folder.path, log], 'no folder of keys'],
      [['keys', keys, '--rewrap'], 'needs the new --master-key'],
      [['keys', keys, '--subject', 'a', '--readmit', 'b'], 'one at a time'],
    ] as const) {
      const { code, err } = await runCommand(args);
      expect([code, err], args.join(' ')).to.satisfy(() => code === 2 && err.includes(text), err);
    }
    expect(new KeyFolder(keys).keyFor('ann')).not.to.equal('erased');
  });

  it('finds records of a person by the id of the key, without the keys', async () => {
    const { keys, log } = await sealedLog();
    const { out } = await runCommand(['keys', keys, '--subject', 'ann', '--json']);
    const { key_id: id } = JSON.parse(out) as { key_id: string };
    const { found } = await query('--contains', id, log);
    expect(found).to.have.length(2);
    const actor = found[0]!.actor_id;
    expect((await query('--actor', actor, log)).found).to.have.length(2);
  });

  it('filters by what is encrypted only with the keys', async () => {
    const { keys, log } = await sealedLog();
    for (const filter of [
      ['--actor', 'bob'],
      ['--contains', 'said by bob'],
      ['--search', 'said by bob'],
    ]) {
      expect((await query(...filter, log)).found, filter.join(' ')).to.have.length(0);
      expect((await query(...filter, '--keys', keys, log)).found, filter.join(' ')).to.have.length(1);
    }
  });

  it('is seen in exports and in the report, with and without the keys', async () => {
    const { keys, log } = await sealedLog();
    const exported = async (...args: string[]) =>
      (await runCommand(['export', '--format', 'csv', ...args, log])).out;
    expect(await exported()).not.to.include('said by');
    expect((await exported('--keys', keys)).match(/said by/g)).to.have.length(3);
    await runCommand(['erase', '--keys', keys, '--subject', 'ann']);
    expect((await exported('--keys', keys)).match(/said by/g)).to.have.length(1);
    const model = async (...args: string[]) =>
      JSON.parse((await runCommand(['report', '--json', '-o', '-', ...args])).out) as {
        personal?: object;
        integrity: { status: string };
      };
    // Of ann: two calls. Of bob: one. The handshake is of ann, too.
    const bare = await model(log);
    expect(bare.personal).to.include({ erased: 0, opened: 0, destroyed: 0, keys: 2 });
    const withLog = await model(log, join(keys, 'erasures.jsonl'));
    const withKeys = await model('--keys', keys, log);
    for (const { personal } of [withLog, withKeys]) expect(personal).to.include({ keys: 2, destroyed: 1 });
    expect(withKeys.personal).to.have.property('opened', 1);
    expect((withLog.personal as { erased: number }).erased).to.equal(
      (withKeys.personal as { erased: number }).erased,
    );
    expect(withKeys.integrity.status).to.equal(bare.integrity.status);
    const { out: page } = await runBuiltCommand(['report', '-o', '-', '--keys', keys, log]);
    expect(page).to.include('Personal values').and.include('1</b> of them was destroyed');
  });

  it('reports values that were moved to another record, or changed, with the place', async () => {
    const { keys, log } = await sealedLog();
    const lines = readFileSync(log, 'utf8').split('\n');
    const calls = lines.flatMap((line, index) => (line.includes('"tools/call"') ? [index] : []));
    const [first = 0, second = 0, third = 0] = calls;
    const jwe = (index: number) => /"jwe":"([^"]+)"/.exec(lines[index]!)![1]!;
    const moved = [...lines];
    moved[first] = lines[first]!.replace(jwe(first), jwe(third));
    moved[second] = lines[second]!.replace(jwe(second), `${jwe(second).slice(0, -4)}AAAA`);
    const path = join(folder.path, 'moved.jsonl');
    writeFileSync(path, moved.join('\n'));
    const { code, out, err } = await runCommand(['query', '--json', '--keys', keys, path]);
    expect(code).to.equal(3);
    const problems = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(problems).to.deep.equal([
      {
        problem: 'its encrypted values belong to another record',
        file: path,
        line: first + 1,
        offset: offsetOf(moved, first),
      },
      {
        problem: 'its encrypted values are damaged: it was not made with this key, or was changed',
        file: path,
        line: second + 1,
        offset: offsetOf(moved, second),
      },
    ]);
    expect(out.match(/said by/g)).to.have.length(1);
  });

  function offsetOf(lines: readonly string[], index: number): number {
    return Buffer.byteLength(lines.slice(0, index).join('\n')) + (index > 0 ? 1 : 0);
  }

  it('works with a master key, which can be changed; without it nothing can be read', async () => {
    const [old, young] = ['old', 'new'].map((name) => join(folder.path, `${name}.key`)) as [string, string];
    writeFileSync(old, Buffer.alloc(32, 1));
    writeFileSync(young, Buffer.alloc(32, 2).toString('base64'));
    const { keys, log } = await sealedLog(old);
    expect((await query('--keys', keys, log)).code).to.equal(2);
    expect(said((await query('--keys', keys, '--master-key', old, log)).found)).to.include('said by bob');
    const changed = await runCommand(['keys', keys, '--rewrap', '--master-key', young, '--master-key', old]);
    expect([changed.code, changed.out]).to.deep.equal([0, '3 files encrypted with the new master key\n']);
    expect((await query('--keys', keys, '--master-key', old, log)).code).to.equal(2);
    expect(said((await query('--keys', keys, '--master-key', young, log)).found)).to.include('said by bob');
  });

  it('a person who comes back is kept again once readmitted, and what was erased stays erased', async () => {
    const { keys } = await sealedLog();
    expect((await runCommand(['keys', keys, '--readmit', 'ann'])).code).to.equal(1);
    const id = new KeyFolder(keys).idOf('ann');
    await runCommand(['erase', '--keys', keys, '--subject', 'ann']);
    const { code, out } = await runCommand(['keys', keys, '--readmit', 'ann', '--json']);
    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.deep.equal({ key_id: id?.replace(/1$/, '2'), state: 'kept' });
    expect(new KeyFolder(keys).stateOf(id!)).to.equal('erased');
  });

  it('an --sql query over the values needs the keys @slow', async function () {
    this.timeout(20_000);
    const { keys, log } = await sealedLog();
    const sql = "SELECT count(*) AS n FROM records WHERE actor_id = 'bob'";
    const { code, out, err } = await runCommand(['query', '--json', '--sql', sql, '--keys', keys, log]);
    if (code === 4) return this.skip();
    expect([code, out, err]).to.deep.equal([0, '{"n":1}\n', '']);
  });
});
