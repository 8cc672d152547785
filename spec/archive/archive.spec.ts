import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as sdk from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { integrityLayout } from '../../lib/integrity/storage/files.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import type { FileNotice } from '../../lib/sinks/file/notice.js';
import { runCli } from '../support/builtCli.js';
import { bundled } from '../support/bundled.js';
import { folders } from '../support/logFolder.js';
import { hasRadosgw, RADOSGW_MISSING, startRadosgw, type S3Server } from '../support/radosgw.js';
import { DAY_MS, ORIGIN, partsOf, tampered, until, written, writeLog } from '../support/segmentedLog.js';
import { runCommand } from '../support/runCommand.js';
import { sampleRecord } from '../support/sampleRecords.js';

describe(`an archive with object lock${RADOSGW_MISSING}`, function () {
  this.timeout(60_000);
  const folder = folders();
  let server: S3Server;
  let client: sdk.S3Client;
  const env = () => server.env;
  const run = (...args: string[]) => runCommand(args, '', env());
  let bucket = '';
  let made = 0;

  before(async function () {
    if (!hasRadosgw) return this.skip();
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
    server = await startRadosgw();
    client = new sdk.S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: {
        accessKeyId: env()['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: env()['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  });
  after(async () => {
    client?.destroy();
    await server?.stop();
    delete process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'];
  });
  beforeEach(async () => {
    bucket = `audit-${++made}`;
    await client.send(new sdk.CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
  });

  const to = () => `s3://${bucket}/agent-1`;
  const LOCK = ['--lock', 'compliance', '--lock-days', '30'];
  const versions = async () => {
    const { Versions = [] } = await client.send(new sdk.ListObjectVersionsCommand({ Bucket: bucket }));
    return Versions;
  };

  it('holds what the log holds, and is verified, queried, reported and exported from where it lies', async () => {
    const { path, vkey } = await written(folder());
    const { code, out, err } = await run('archive', path, '--to', to(), ...LOCK);
    expect(err + out).to.match(/5 segments archived, 0 there before/);
    expect(code).to.equal(0);
    const address = `${to()}/audit.jsonl`;
    const verified = JSON.parse((await run('verify', address, '--vkey', vkey, '--json')).out);
    expect(verified).to.include({ ok: true, status: 'intact', origin: ORIGIN });
    // Of the file that is still written, the hashes up to the checkpoint are here.
    expect(verified.size).to.be.at.least(50);
    const parts = partsOf(path).map((name) => readFileSync(join(path, '..', name), 'utf8'));
    expect((await run('query', address, '--json')).out).to.equal(parts.join(''));
    expect((await run('query', '--verify', '--count', '--vkey', vkey, address)).out).to.equal('50\n');
    const bundle = join(folder(), 'e.zip');
    // The page in the bundle is part of the build.
    const args = ['evidence', '--framework', 'pci', address, '--vkey', vkey, '-o', bundle, '--json'];
    const evidence = await runCli(args, { env: { ...env() } });
    expect(JSON.parse(evidence.stdout)).to.include({ records: 50, sealed: true });
    const report = await runCli(['report', address, '--vkey', vkey, '--json', '-o', '-'], {
      env: { ...env() },
    });
    const { totals, logs } = JSON.parse(report.stdout);
    expect(totals).to.include({ records: 50 });
    expect(logs).to.have.length(1);
    expect((await run('export', '-f', 'csv', address)).out).to.equal(
      (await run('export', '-f', 'csv', ...partsOf(path).map((name) => join(path, '..', name)))).out,
    );
    expect((await run('archive', path, '--to', to(), ...LOCK)).out).to.match(
      /0 segments archived, 5 there before/,
    );
  });

  it('locks every object, and the storage then refuses to delete one or to shorten its time', async () => {
    const { path } = await written(folder());
    await run('archive', path, '--to', to(), ...LOCK);
    const objects = await versions();
    expect(objects).to.have.length(15);
    for (const { Key, VersionId } of objects) {
      const facts = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key, VersionId }));
      expect(facts.ObjectLockMode).to.equal('COMPLIANCE');
      expect(facts.ObjectLockRetainUntilDate?.getTime()).to.be.greaterThan(Date.now() + 29 * DAY_MS);
    }
    const [{ Key, VersionId } = {}] = objects;
    const refused = async (attempt: Promise<unknown>) =>
      expect(
        await attempt.then(
          () => 'done',
          (error: Error) => error.name,
        ),
      ).to.equal('AccessDenied');
    await refused(client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key, VersionId })));
    const soon = { Mode: 'COMPLIANCE' as const, RetainUntilDate: new Date(Date.now() + 60_000) };
    await refused(
      client.send(new sdk.PutObjectRetentionCommand({ Bucket: bucket, Key, VersionId, Retention: soon })),
    );
  });

  it('reads what was archived, whatever was laid over it since', async () => {
    const { path, vkey } = await written(folder());
    await run('archive', path, '--to', to(), ...LOCK);
    for (const { Key } of await versions()) {
      if (Key?.endsWith('.jsonl') === true)
        await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key, Body: '{"forged":true}\n' }));
      else await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key }));
    }
    const { ok, warnings } = JSON.parse(
      (await run('verify', `${to()}/audit.jsonl`, '--vkey', vkey, '--json')).out,
    );
    expect(ok).to.equal(true);
    expect(warnings.filter((text: string) => text.includes('laid over it'))).to.have.length(15);
    expect((await run('query', '--count', `${to()}/audit.jsonl`)).out).to.equal('50\n');
  });

  it('refuses a storage that does not lock, unless it is asked to take it', async () => {
    const { path } = await written(folder());
    const unlocked = await run('archive', path, '--to', to());
    expect(unlocked).to.include({ code: 3 });
    expect(unlocked.err).to.include('is not locked');
    expect((await run('archive', path, '--to', to(), '--lock', 'none')).code).to.equal(0);
    const ruled = `ruled-${made}`;
    await client.send(new sdk.CreateBucketCommand({ Bucket: ruled, ObjectLockEnabledForBucket: true }));
    const rule = { DefaultRetention: { Mode: 'GOVERNANCE' as const, Days: 3 } };
    await client.send(
      new sdk.PutObjectLockConfigurationCommand({
        Bucket: ruled,
        ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: rule },
      }),
    );
    const byRule = await run('archive', path, '--to', `s3://${ruled}/x`, '--json');
    expect(byRule.code).to.equal(0);
    expect(
      JSON.parse(byRule.out).archived[0].locked_until > new Date(Date.now() + 2 * DAY_MS).toISOString(),
    ).to.equal(true);
  });

  it('takes no segment that is not what was sealed, and no other log under the same name', async () => {
    const { path } = await written(folder());
    const second = join(path, '..', 'audit.jsonl.000002');
    const sound = readFileSync(second, 'utf8');
    writeFileSync(second, tampered(sound));
    const refused = await run('archive', path, '--to', to(), ...LOCK);
    expect(refused).to.include({ code: 3 });
    expect(refused.err).to.match(
      /audit\.jsonl\.000002 is not what was sealed, from record \d+ on: it is not archived/,
    );
    writeFileSync(second, sound);
    expect((await run('archive', path, '--to', to(), ...LOCK)).out).to.match(
      /4 segments archived, 1 there before/,
    );
    const other = await written(folder());
    const collision = await run('archive', other.path, '--to', to(), ...LOCK);
    expect(collision).to.include({ code: 3 });
    expect(collision.err).to.include('another log is archived under this name');
  });

  it('says what is wrong, and never shows a secret', async () => {
    const { path } = await written(folder());
    const secret = 'another-secret-of-the-tests';
    const said = async (args: string[], more: Record<string, string> = {}) => {
      const { code, err } = await runCommand(args, '', { ...env(), ...more });
      expect(err).to.not.include(secret);
      return `${code} ${err}`;
    };
    expect(await said(['archive', path, '--to', to(), ...LOCK], { AWS_SECRET_ACCESS_KEY: secret })).to.match(
      /^3 .*the secret key is wrong/,
    );
    expect(await said(['archive', path, '--to', to(), ...LOCK], { AWS_ACCESS_KEY_ID: 'NOBODY' })).to.match(
      /^3 .*does not know this access key/,
    );
    expect(await said(['archive', path, '--to', 's3://no-such-bucket/x', ...LOCK])).to.match(
      /^3 .*there is no such bucket/,
    );
    expect(await said(['archive', path, '--to', `s3://u:${secret}@b/x`])).to.match(
      /^2 .*without credentials/,
    );
    expect(await said(['archive', path, '--to', to(), '--lock', 'compliance'])).to.match(/^2 .*lockDays/);
    expect(await said(['archive', path, '--to', to(), '--endpoint', 'http://s3.example.com'])).to.match(
      /^2 .*https/,
    );
    expect(await said(['query', `${to()}/nothing`])).to.match(/^3 .*no log is archived there/);
    expect(await said(['verify', `${to()}/x`], { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' })).to.match(
      /^3 .*ECONNREFUSED/,
    );
    const unsealed = join(folder(), 'bare.jsonl');
    writeFileSync(unsealed, '{}\n');
    expect(await said(['archive', unsealed, '--to', to(), ...LOCK])).to.match(/^3 .*is not sealed/);
  });

  it('is filled by the sink in the background, which then lets go of what is archived, and of that alone', async () => {
    const notices: FileNotice[] = [];
    const { path, sink, vkey } = await writeLog(
      folder(),
      {
        archive: { to: to(), lock: 'compliance', lockDays: 30, endpoint: server.endpoint },
        retain: { atMost: { bytes: 30_000 } },
      },
      notices,
    );
    // The sink takes the credentials of the process; here there are none, so that nothing is archived and nothing goes.
    await until(() => notices.some(({ detail = '' }) => detail.includes('credentials')));
    await sink.close();
    expect(partsOf(path)).to.have.length(5);
    const retained = await run('retain', path, '--most-bytes', '30000', '--key', `${path}.key`);
    expect(retained.out).to.include('audit.jsonl.000001 stays: it is not archived yet');
    Object.assign(process.env, env());
    try {
      const again = new FileSink({
        path,
        rotate: { maxBytes: 20_000 },
        integrity: { origin: ORIGIN, key: { generate: `${path}.key` } },
        archive: { to: to(), lock: 'compliance', lockDays: 30 },
        retain: { atMost: { bytes: 30_000 } },
        onNotice: (notice) => void notices.push(notice),
      });
      await until(() => partsOf(path).length === 2);
      await again.emit([sampleRecord(60)]);
      await again.close();
    } finally {
      for (const name of Object.keys(env())) delete process.env[name];
    }
    const local = JSON.parse((await run('verify', path, '--vkey', vkey(), '--json')).out);
    expect(local).to.include({ ok: true, status: 'intact', size: 61 });
    expect(local.warnings.join()).to.include(`are archived at ${to()}/audit.jsonl`);
    expect((await run('query', '--count', `${to()}/audit.jsonl`)).out).to.equal('50\n');
  });

  it('takes segments that are compressed while it is at them, each once', async () => {
    const { path, vkey } = await written(folder(), { rotate: { maxBytes: 20_000 } });
    const gzip = new Promise<void>((resolve) => {
      setTimeout(() => {
        for (const name of partsOf(path)) {
          const plain = join(path, '..', name);
          writeFileSync(`${plain}.gz`, gzipSync(readFileSync(plain)));
          rmSync(plain);
        }
        resolve();
      }, 20);
    });
    const [{ code, err }] = await Promise.all([run('archive', path, '--to', to(), ...LOCK), gzip]);
    expect(code, err).to.equal(0);
    expect((await run('query', '--count', `${to()}/audit.jsonl`)).out).to.equal('50\n');
    expect((await run('verify', `${to()}/audit.jsonl`, '--vkey', vkey)).code).to.equal(0);
  });

  it('keeps the local copy where the lock ends too early, or an object is gone', async () => {
    const { path } = await written(folder());
    const old = new Date(Date.now() - 500 * DAY_MS);
    for (const name of partsOf(path)) utimesSync(join(path, '..', name), old, old);
    await run('archive', path, '--to', to(), ...LOCK);
    const early = await run(
      'retain',
      path,
      '--least-days',
      '3000',
      '--most-days',
      '3001',
      '--dry-run',
      '--json',
    );
    expect(JSON.parse(early.out).gone).to.deep.equal([]);
    const plain = `plain-${made}`;
    await client.send(new sdk.CreateBucketCommand({ Bucket: plain }));
    rmSync(join(integrityLayout(path).folder, 'archive.json'));
    await run('archive', path, '--to', `s3://${plain}/x`, '--lock', 'none');
    const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket: plain }));
    await client.send(new sdk.DeleteObjectCommand({ Bucket: plain, Key: Contents[0]?.Key }));
    const gone = await run('retain', path, '--most-bytes', '1');
    expect(gone.out).to.include('is not in the archive any more');
    expect(partsOf(path)).to.have.length(5);
  });

  it('goes on where a killed run was, at whatever byte: nothing is sent twice, nothing is left behind @slow', async function () {
    this.timeout(240_000);
    const { path, vkey } = await written(folder());
    const big = await writeBigLog(folder());
    const program = await bundled(join(import.meta.dirname, '../support/children/archiver.ts'));
    const start = () =>
      fork(program, [big.path, to()], {
        env: { ...process.env, ...env(), AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      });
    let kills = 0;
    let said = '';
    for (let delay = 150; ; delay += 120) {
      const child = start();
      said = '';
      child.stdout?.on('data', (data: Buffer) => (said += String(data)));
      const ended = once(child, 'exit');
      // Counted from the moment that the program is loaded and begins.
      await Promise.race([once(child, 'message'), ended]);
      const timer = setTimeout(() => child.kill('SIGKILL'), delay * (0.5 + Math.random()));
      const [code] = await ended;
      clearTimeout(timer);
      if (code === 0) break;
      kills++;
    }
    expect(kills).to.be.greaterThan(2);
    expect(said).to.match(/resumed [1-9]/);
    const { Uploads = [] } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads).to.deep.equal([]);
    expect((await versions()).map(({ Key }) => Key).length).to.equal(3 * big.segments);
    const report = JSON.parse((await run('verify', `${to()}/audit.jsonl`, '--vkey', big.vkey, '--json')).out);
    expect(report).to.include({ ok: true, status: 'intact' });
    expect(vkey).to.not.equal(big.vkey);
    expect(existsSync(path)).to.equal(true);
  });

  /** A log with one segment of some 20 MB: four parts of an upload. */
  async function writeBigLog(at: string) {
    const path = join(at, 'audit.jsonl');
    const integrity = { origin: ORIGIN, key: { generate: `${path}.key` } };
    const sink = new FileSink({
      path,
      rotate: { maxBytes: 20_000_000 },
      integrity,
      onNotice: () => undefined,
    });
    const batch = (from: number) => Array.from({ length: 500 }, (_, i) => sampleRecord(from + i));
    for (let at = 0; partsOf(path).length < 1; at += 500) await sink.emit(batch(at));
    await sink.close();
    const vkey = readFileSync(integrityLayout(path).vkey, 'utf8').trim();
    return { path, vkey, segments: partsOf(path).length };
  }
});
