import { expect } from 'chai';
import { unzipSync, zipSync, type Zippable } from 'fflate';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FRAMEWORKS } from '../../lib/cli/evidence/clauses.js';
import type { BundleFindings, BundleManifest } from '../../lib/cli/evidence/manifest.js';
import { runCli } from '../support/builtCli.js';
import { runCliHere } from '../support/runCommand.js';
import { sampleLog } from '../support/sampleLog.js';
import { sampleLogText, writeSampleLog } from '../support/sampleLogFiles.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const OPTIONS = { records: 600, stepMs: 600_000 };
const PERIOD = ['--from', '2026-01-06', '--to', '2026-01-07'];

describe('evidence', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  let bundle: string;
  let vkey: string;
  const at = (name: string) => join(folder.path, name);
  const within = [...sampleLog(OPTIONS)].filter(({ time }) => time >= '2026-01-06' && time < '2026-01-08');
  const gather = (output: string, ...more: string[]) =>
    runCli(['evidence', '--framework', 'pci', ...PERIOD, ...more, log, '-o', output]);
  const verify = (path: string, ...more: string[]) => runCli(['verify', path, '--json', ...more]);

  before(async () => {
    folder = temporaryFolder();
    log = at('audit.jsonl');
    vkey = await writeSealedSampleLog(log, OPTIONS);
    bundle = at('q1.zip');
    expect((await gather(bundle)).code).to.equal(0);
  });
  after(() => folder.remove());

  const files = () => unzipSync(readFileSync(bundle));
  const read = <T>(name: string) => JSON.parse(Buffer.from(files()[name]!).toString()) as T;

  it('holds the slice of the period, byte for byte, and counts what is in it', () => {
    expect(within.length).to.be.greaterThan(100);
    const findings = read<BundleFindings>('evidence.json');
    expect([findings.records, findings.missing, findings.sealed]).to.deep.equal([within.length, 0, true]);
    const counts = Object.fromEntries(findings.controls.map(({ id, count }) => [id, count]));
    expect(counts['refused-access']).to.equal(
      within.filter(({ outcome }) => /DENIED|UNAUTH/.test(outcome)).length,
    );
    expect(counts['every-operation']).to.equal(within.length);
    const slice = Buffer.from(files()['logs/1-audit.jsonl']!).toString();
    expect(readFileSync(log, 'utf8')).to.include(slice);
    expect(slice.trimEnd().split('\n')).to.have.length(within.length);
    for (const { shows, cannot } of findings.controls)
      expect([shows, cannot].every((text) => text.length > 20)).to.equal(true);
  });

  it('gives the same bytes for the same logs and period, to the owner alone', async () => {
    await gather(at('again.zip'));
    expect(readFileSync(at('again.zip')).equals(readFileSync(bundle))).to.equal(true);
    expect(statSync(bundle).mode & 0o777).to.equal(0o600);
  });

  it('gives the same bytes from the stored hashes of lines, from damaged ones, and without them', async () => {
    const copy = at('copied');
    for (const name of ['audit.jsonl', 'audit.jsonl.integrity'])
      cpSync(at(name), join(copy, name), { recursive: true });
    const leaves = join(copy, 'audit.jsonl.integrity', 'leaves');
    const bytes = () =>
      runCli([
        ...['evidence', '--framework', 'pci', ...PERIOD],
        ...[join(copy, 'audit.jsonl'), '-o', join(copy, 'made.zip')],
      ]).then(() => readFileSync(join(copy, 'made.zip')));
    writeFileSync(leaves, readFileSync(leaves).fill(7, 320, 352));
    expect((await bytes()).equals(readFileSync(bundle))).to.equal(true);
    rmSync(leaves);
    expect((await bytes()).equals(readFileSync(bundle))).to.equal(true);
  });

  it('names the file and the line of what is damaged in the period, once', async () => {
    const lines = sampleLogText({ records: 40 }).trimEnd().split('\n');
    lines[4] = lines[4]!.slice(0, 200);
    lines[27] = lines[27]!.replace('"resource"', 'resource');
    writeFileSync(at('damaged.jsonl.1'), `${lines.slice(0, 20).join('\n')}\n`);
    writeFileSync(at('damaged.jsonl'), `${lines.slice(20).join('\n')}\n`);
    const made = await runCli([
      ...['evidence', '--framework', 'soc2', '--json'],
      ...[at('damaged.jsonl'), '-o', at('damaged.zip')],
    ]);
    const told = made.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { file: string; line: number });
    expect(told.map(({ file, line }) => [file, line])).to.deep.equal([
      [at('damaged.jsonl.1'), 5],
      [at('damaged.jsonl'), 8],
    ]);
    expect([made.code, (JSON.parse(made.stdout) as { records: number }).records]).to.deep.equal([3, 38]);
    expect((await verify(at('damaged.zip'))).code).to.equal(0);
  });

  it('gives the same bytes wherever the log lies, in any zone, and whatever is missing in it', async () => {
    const made: Buffer[] = [];
    writeSampleLog(at('holes.jsonl'), { records: 100, gaps: true });
    for (const TZ of ['Asia/Kolkata', 'America/New_York']) {
      const { path: cwd, remove } = temporaryFolder();
      cpSync(folder.path, cwd, { recursive: true });
      // Once by an absolute path, once from within the folder.
      const logs = ['audit.jsonl', 'holes.jsonl'].map((name) => (made.length === 0 ? join(cwd, name) : name));
      const args = ['evidence', '--framework', 'soc2', ...logs, '-o', join(cwd, 'e.zip')];
      expect(await runCli(args, { cwd, env: { TZ } })).to.include({ code: 0 });
      made.push(readFileSync(join(cwd, 'e.zip')));
      remove();
    }
    expect(made[0]!.equals(made[1]!)).to.equal(true);
  });

  it('verifies offline, with the key of the auditor; with its own only under protest', async () => {
    const { code, stdout } = await verify(bundle, '--vkey', vkey);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({
      ok: true,
      sealed: true,
      records: within.length,
      problems: [],
      warnings: [],
    });
    expect(JSON.parse((await verify(bundle)).stdout))
      .to.have.property('warnings')
      .with.length(1);
  });

  it('has proofs that the proof checker takes, each by itself', async () => {
    for (const name of ['first', 'last']) {
      const proof = at(`${name}.tlog-proof`);
      writeFileSync(proof, files()[`proofs/1-audit.jsonl/${name}.tlog-proof`]!);
      expect((await runCliHere(['check-proof', proof, '--vkey', vkey])).code).to.equal(0);
    }
  });

  /** Packs the bundle again after a change; `honest` makes a manifest that fits it, as a forger would. */
  function forge(change: (content: Record<string, Uint8Array>) => void, honest: boolean): string {
    const content = files();
    change(content);
    if (honest) {
      const manifest = JSON.parse(Buffer.from(content['manifest.json']!).toString()) as BundleManifest;
      const named = Object.keys(content).filter((path) => path !== 'manifest.json');
      const hashes = named.map((path) => ({
        path,
        bytes: content[path]!.length,
        sha256: createHash('sha256').update(content[path]!).digest('hex'),
      }));
      content['manifest.json'] = Buffer.from(JSON.stringify({ ...manifest, files: hashes }));
    }
    writeFileSync(at('forged.zip'), zipSync(content as Zippable));
    return at('forged.zip');
  }
  const edit = (name: string, from: string | RegExp, to: string) => (content: Record<string, Uint8Array>) => {
    const before = Buffer.from(content[name]!).toString();
    const after = before.replace(from, to);
    expect(after).not.to.equal(before);
    content[name] = Buffer.from(after);
  };
  const slice = 'logs/1-audit.jsonl';
  const dropLine = (content: Record<string, Uint8Array>) => edit(slice, /^.*\n/, '')(content);

  const forgeries: [string, (content: Record<string, Uint8Array>) => void, boolean][] = [
    ['a record changed', edit(slice, '"duration_ms":', '"duration_ms":1'), false],
    [
      'a record changed, and the manifest made to fit',
      edit(slice, '"duration_ms":', '"duration_ms":1'),
      true,
    ],
    ['a record dropped, and the manifest made to fit', dropLine, true],
    [
      'a count changed, and the manifest made to fit',
      edit('evidence.json', /"count": \d+/, '"count": 7'),
      true,
    ],
    ['the checkpoint changed', edit('proofs/1-audit.jsonl/checkpoint', /\n600\n/, '\n599\n'), true],
    ['the prefix changed', edit('proofs/1-audit.jsonl/prefix.json', /"first": \d+/, '"first": 1'), true],
    ['a file dropped', (content) => delete content['report.html'], false],
    ['a file added', (content) => (content['extra.txt'] = Buffer.from('x')), false],
    ['the report changed', edit('report.html', '<h1>', '<h1>Better '), false],
    [
      'the proofs taken away and the log called unsealed',
      (content) => edit('manifest.json', /,\s*"proofs": "[^"]*"/, '')(content),
      false,
    ],
    ['the manifest taken away', (content) => delete content['manifest.json'], false],
  ];
  for (const [what, change, honest] of forgeries) {
    it(`catches ${what}`, async () => {
      const { code, stdout } = await verify(forge(change, honest), '--vkey', vkey);
      expect([code, stdout === '' || (JSON.parse(stdout) as { ok: boolean }).ok]).to.deep.equal([1, false]);
    });
  }

  it('catches a key that is not the log’s', async () => {
    const other = await writeSealedSampleLog(at('other.jsonl'), { records: 20 });
    expect((await verify(bundle, '--vkey', other)).code).to.equal(1);
  });

  it('refuses, with exit code 3, what is no zip file or breaks off', async () => {
    writeFileSync(at('none.zip'), 'not a zip file');
    writeFileSync(at('half.zip'), readFileSync(bundle).subarray(0, 40_000));
    for (const name of ['none.zip', 'half.zip', 'absent.zip']) {
      const { code, stderr } = await runCli(['verify', at(name)]);
      expect([name, code]).to.deep.equal([name, 3]);
      expect(stderr).to.include(at(name));
    }
  });

  for (const framework of FRAMEWORKS) {
    it(`has requirements of ${framework} for each of its controls`, async () => {
      const { code, stdout } = await runCli([
        'evidence',
        '--framework',
        framework,
        log,
        '-o',
        at(`${framework}.zip`),
        '--json',
      ]);
      expect(code).to.equal(0);
      const { controls } = JSON.parse(stdout) as { controls: { id: string; count?: number }[] };
      expect(controls.length).to.be.greaterThan(5);
      expect((await verify(at(`${framework}.zip`), '--vkey', vkey)).code).to.equal(0);
    });
  }

  it('says of a log that is not sealed that it proves nothing, and shows what is missing in it', async () => {
    writeSampleLog(at('plain.jsonl'), { records: 100, gaps: true });
    const made = await runCli([
      'evidence',
      '--framework',
      'soc2',
      at('plain.jsonl'),
      '-o',
      at('plain.zip'),
      '--json',
    ]);
    expect(JSON.parse(made.stdout)).to.deep.include({ sealed: false, missing: 10 });
    const { code, stdout } = await verify(at('plain.zip'));
    expect([code, (JSON.parse(stdout) as { sealed: boolean }).sealed]).to.deep.equal([0, false]);
  });

  it('proves a period in which nothing happened', async () => {
    const { code } = await runCli([
      'evidence',
      '--framework',
      'nist',
      '--from',
      '2030-01-01',
      log,
      '-o',
      at('none2.zip'),
    ]);
    expect(code).to.equal(0);
    expect(JSON.parse((await verify(at('none2.zip'), '--vkey', vkey)).stdout)).to.deep.include({
      ok: true,
      records: 0,
    });
  });

  it('wants a framework, a sensible period and a log on disk', async () => {
    for (const args of [
      [log],
      ['--framework', 'gdpr', log],
      ['--framework', 'pci'],
      ['--framework', 'pci', '-'],
      ['--framework', 'pci', '--from', '2026-02-01', '--to', '2026-01-01', log],
    ])
      expect((await runCliHere(['evidence', ...args])).code).to.equal(2);
  });
});
