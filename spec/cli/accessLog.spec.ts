import { expect } from 'chai';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { audited } from '../support/audited.js';
import { runCli, startCli, until } from '../support/builtCli.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { runCommand } from '../support/runCommand.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { sampleLogText } from '../support/sampleLogFiles.js';
import { sha256 } from '../support/sha256.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

interface Told {
  readonly command: string;
  readonly log: string;
  readonly logs?: readonly string[];
  readonly purpose?: string;
  readonly options?: Record<string, unknown>;
  readonly records?: number;
  readonly exit_code?: number;
  readonly host: string;
  readonly pid: number;
}

describe('the access log of a log', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  beforeEach(async () => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
    await writeSealedSampleLog(log, { records: 120, stepMs: 1000 });
  });
  afterEach(() => folder.remove());

  const accessOf = (path = log) => `${path}.access.jsonl`;
  const reads = (path = log) =>
    readFileSync(accessOf(path), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord & { data: Told });
  const configure = async (accessLog: boolean | object) =>
    new FileSink({
      path: log,
      integrity: { origin: 'audit.example.com/desk', key: `${log}.key` },
      accessLog,
    }).close();

  const out = (name: string) => join(folder.path, name);
  const commands: [name: string, args: () => string[], records: number | undefined][] = [
    ['query', () => ['query', '--limit', '7'], 7],
    ['tail', () => ['tail', '--no-follow', '-n', '3'], 3],
    ['report', () => ['report', '-o', out('r.html')], 120],
    ['evidence', () => ['evidence', '--framework', 'pci', '-o', out('e.zip')], 120],
    ['export', () => ['export', '--format', 'ecs', '-o', out('e.jsonl')], 120],
    ['verify', () => ['verify'], 120],
    ['prove', () => ['prove', '--index', '3', '--with-record', '-o', out('p')], 1],
    ['export-tiles', () => ['export-tiles', '-o', out('tiles')], undefined],
  ];
  for (const [name, args, records] of commands) {
    it(`says who read it by ${name}, when, why and how much, before and after`, async () => {
      const before = sha256(readFileSync(log, 'utf8'));
      const purpose = 'incident 4711';
      // As a program of its own: pages and bundles are made of what was built.
      const line = [...args(), '--access-log', '--purpose', purpose, log];
      expect(await runCli(line)).to.include({ code: 0 });
      const [intent, done, ...more] = reads();
      expect(more).to.deep.equal([]);
      expect([intent?.stage, intent?.outcome, done?.stage, done?.outcome]).to.deep.equal([
        'request_received',
        'OUTCOME_UNSPECIFIED',
        undefined,
        'OUTCOME_SUCCESS',
      ]);
      expect(intent?.operation_id).to.equal(done?.operation_id);
      expect([intent?.data.records, done?.data.records, done?.data.exit_code]).to.deep.equal([
        undefined,
        records,
        0,
      ]);
      for (const read of [intent, done]) {
        expect(read).to.include({
          resource: 'audit/read',
          actor_id: userInfo().username,
          environment: 'production',
        });
        expect(read?.data).to.include({ command: name, log, purpose, host: hostname() });
      }
      expect(intent?.data.pid).to.equal(done?.data.pid).and.to.be.greaterThan(1);
      expect(sha256(readFileSync(log, 'utf8'))).to.equal(before);
      expect((await runCommand(['verify', accessOf()])).code).to.equal(0);
    });
  }

  it('is not written where nobody asks for it', async () => {
    expect((await runCommand(['query', '-c', log])).code).to.equal(0);
    expect(existsSync(accessOf())).to.equal(false);
  });

  it('is written by default where the configuration of the log says so, until that says otherwise', async () => {
    await configure(true);
    await runCommand(['query', '-c', log]);
    expect(reads()).to.have.length(2);
    await configure(false);
    await runCommand(['query', '-c', log]);
    expect(reads()).to.have.length(2);
  });

  it('cannot be got around by a link, or by the name of a part', async () => {
    await configure(true);
    symlinkSync(log, join(folder.path, 'other.jsonl'));
    writeFileSync(`${log}.000001`, sampleLogText({ records: 5, stepMs: 1 }));
    await runCommand(['query', '-c', join(folder.path, 'other.jsonl')]);
    await runCommand(['query', '-c', `${log}.000001`]);
    expect(reads().map(({ data }) => data.log)).to.deep.equal([log, log, log, log]);
  });

  it('asks for a reason where the configuration does, and keeps it', async () => {
    await configure({ requirePurpose: true });
    const refused = await runCommand(['query', '-c', log]);
    expect([refused.code, refused.out]).to.deep.equal([2, '']);
    expect(existsSync(accessOf())).to.equal(false);
    expect(await runCommand(['query', '-c', '--purpose', 'review', log])).to.include({
      code: 0,
      out: '120\n',
    });
  });

  it('takes a purpose nowhere else, and nothing from standard input', async () => {
    expect((await runCommand(['query', '-c', '--purpose', 'review', log])).code).to.equal(2);
    expect((await runCommand(['query', '-c', '--access-log', '-'], '')).code).to.equal(2);
  });

  it('has the range and the filters, and no secret of the command line', async () => {
    const sql = "SELECT 1 FROM records WHERE message = 'password=hunter2canary'";
    await runCommand(['query', '--access-log', '--since', '2026-01-01', '--actor', 'alice@*', '-c', log]);
    await runCommand(['query', '--access-log', '--purpose', 'token=hunter2canary', '--sql', sql, log]);
    expect(reads()[0]?.data.options).to.deep.equal({ since: '2026-01-01', actor: ['alice@*'], count: true });
    expect(reads()[2]?.data.options?.['sql']).to.match(/^SELECT 1 FROM records/);
    expect(readFileSync(accessOf(), 'utf8')).not.to.include('hunter2canary');
  });

  it('has what failed, too', async () => {
    writeFileSync(log, 'no record\n');
    expect((await runCommand(['query', '--access-log', '-c', log])).code).to.equal(3);
    expect(reads()[1]).to.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
    expect(reads()[1]?.data.exit_code).to.equal(3);
  });

  it('makes no file for a log that is not there', async () => {
    const missing = join(folder.path, 'missing.jsonl');
    expect((await runCommand(['query', '--access-log', missing])).code).to.equal(3);
    expect(existsSync(accessOf(missing))).to.equal(false);
  });

  it('tells of all logs that were read together, in the access log of each', async () => {
    const other = join(folder.path, 'other.jsonl');
    writeFileSync(other, sampleLogText({ records: 5, stepMs: 1 }));
    await runCommand(['query', '--access-log', '-c', log, other]);
    for (const path of [log, other]) {
      expect(reads(path)[1]?.data).to.include({ log: path, records: 125 });
      expect(reads(path)[1]?.data.logs).to.deep.equal([log, other]);
    }
  });

  const hindrances: [what: string, hinder: () => void][] = [
    ['a folder in its place', () => mkdirSync(accessOf())],
    ['a link in its place', () => symlinkSync(join(folder.path, 'elsewhere'), accessOf())],
    ['a key that others may read', () => writeFileSync(`${log}.access.key`, 'x', { mode: 0o644 })],
    ['a configuration of no known form', () => writeFileSync(`${log}.access.json`, '{"version":2}')],
    [
      'a key that is configured and not there',
      () => {
        writeFileSync(`${log}.access.json`, JSON.stringify({ version: 1, key: out('none.pem') }));
      },
    ],
    ['evidence that is a file', () => writeFileSync(`${accessOf()}.integrity`, '')],
  ];
  for (const [what, hinder] of hindrances) {
    it(`keeps a command from reading where it cannot be written: ${what}`, async () => {
      hinder();
      for (const args of [['query'], ['verify'], ['report', '-o', out('r.html')], ['tail', '--no-follow']]) {
        const { code, out: shown, err } = await runCommand([...args, '--access-log', log]);
        expect([code, shown]).to.deep.equal([3, '']);
        expect(err).to.include('access');
      }
      expect(existsSync(out('r.html'))).to.equal(false);
      expect(existsSync(out('none.pem'))).to.equal(false);
    });
  }

  it('keeps a command from reading where the folder may not be written', async function () {
    if (process.getuid?.() === 0) this.skip();
    chmodSync(folder.path, 0o500);
    const { code, out: shown } = await runCommand(['query', '--access-log', log]);
    chmodSync(folder.path, 0o700);
    expect([code, shown]).to.deep.equal([3, '']);
  });

  it('is not written over by what a command writes', async () => {
    for (const suffix of ['jsonl', 'json', 'key']) {
      const { code } = await runCommand(['query', '--access-log', log, '-o', `${log}.access.${suffix}`]);
      expect(code).to.equal(2);
    }
  });

  it('that somebody changed is set aside, and the reading goes into a new one', async () => {
    await runCommand(['query', '--access-log', '-c', log]);
    const [line = ''] = readFileSync(accessOf(), 'utf8').split('\n');
    appendFileSync(accessOf(), `${line.replace('"seq":0', '"seq":2')}\n`);
    expect((await runCommand(['verify', accessOf()])).code).to.equal(1);
    const { code, err } = await runCommand(['query', '--access-log', '-c', log]);
    expect([code, err]).to.satisfy(([c, e]: [number, string]) => c === 0 && e.includes('set aside'));
    expect(reads()).to.have.length(2);
    expect((await runCommand(['query', '--access-log', '-c', log])).err).to.equal('');
    expect(reads()).to.have.length(4);
    expect((await runCommand(['verify', accessOf()])).code).to.equal(0);
  });

  it('shows PCI DSS 10.2.1.3 in a bundle that it is in, and in no other; 10.2.1.5 is shown in neither', async () => {
    /** What stands before a requirement in the summary: how many records show it. */
    const shown = (said: string, requirement: string) =>
      new RegExp(`(\\S+)  ${requirement.replaceAll('.', '\\.')}$`, 'm').exec(said)?.[1];
    const asked = async (...logs: string[]) => {
      rmSync(out('e.zip'), { force: true });
      const { stdout: said } = await runCli(['evidence', '--framework', 'pci', ...logs, '-o', out('e.zip')]);
      expect((await runCli(['verify', out('e.zip')])).code).to.equal(0);
      return ['10.2.1.3', '10.2.1.5'].map((requirement) => shown(said, requirement));
    };
    await runCommand(['query', '--access-log', '-c', log]);
    expect(await asked(log)).to.deep.equal(['0', '-']);
    expect(await asked(log, accessOf())).to.deep.equal(['2', '-']);
  });

  for (const [sdk, makePair] of [
    ['v1', fullPairV1],
    ['v2', () => fullPairV2('legacy')],
  ] as const) {
    it(`holds for what a client of SDK ${sdk} has logged`, async () => {
      const path = join(folder.path, `${sdk}.jsonl`);
      const sink = new FileSink({ path, accessLog: true });
      const { client, connect } = makePair();
      audited(client, { sink });
      await connect();
      await client.listTools();
      await client.close();
      await sink.close();
      const { out: counted } = await runCommand(['query', '-c', '--event', 'login', path]);
      expect(counted).to.equal('1\n');
      expect(reads(path)[1]?.data.records).to.equal(1);
    });
  }

  it('takes the readings of many processes at a time, each whole', async () => {
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => runCli(['query', '--access-log', '-c', log])),
    );
    expect(runs.map(({ code, stdout }) => [code, stdout])).to.deep.equal(runs.map(() => [0, '120\n']));
    expect(reads().map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    expect((await runCommand(['verify', accessOf()])).code).to.equal(0);
  });

  it('says that a reader left before the end', async () => {
    writeFileSync(log, sampleLogText({ records: 20_000, stepMs: 1 }));
    const { child, finished } = startCli(['query', '--access-log', log]);
    child.stdin.end();
    child.stdout.once('data', () => child.stdout.destroy());
    await finished;
    await until(() => reads().length === 2);
    expect(reads()[1]).to.include({ outcome: 'OUTCOME_PARTIAL' });
    expect(reads()[1]?.error?.type).to.equal('abandoned');
    expect(reads()[1]?.data.records).to.be.within(1, 20_000);
  });
});
