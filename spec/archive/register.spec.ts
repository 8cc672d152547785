import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as sdk from '@aws-sdk/client-s3';
import { expect } from 'chai';
import { folders } from '../support/logFolder.js';
import { hasRadosgw, RADOSGW_MISSING, startRadosgw, type S3Server } from '../support/radosgw.js';
import { runNode } from '../support/node.js';
import { runCommand } from '../support/runCommand.js';
import { ORIGIN, partsOf } from '../support/segmentedLog.js';
import { EVERYTHING } from '../support/servers.js';

const BUCKET = 'audit';

describe(`an archive that variables name${RADOSGW_MISSING}`, function () {
  this.timeout(180_000);
  const folder = folders();
  let server: S3Server;
  let client: sdk.S3Client;

  before(async function () {
    if (!hasRadosgw) return this.skip();
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
    server = await startRadosgw();
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
    client = new sdk.S3Client({
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await client.send(new sdk.CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }));
  });
  after(async () => {
    client?.destroy();
    await server?.stop();
    delete process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'];
  });

  it('takes what a program writes that knows nothing of auditing @slow', async () => {
    const run = (...args: string[]) => runCommand(args, '', server.env);
    const to = `s3://${BUCKET}/${basename(folder())}`;
    const path = join(folder(), 'audit.jsonl');
    const key = join(folder(), 'audit.pem');
    const vkey = (await run('keygen', '--origin', ORIGIN, '-o', key)).out.trim();
    const variables = {
      ...{ ...server.env, EVERYTHING },
      OTEL_MCP_LOG_QUIET: 'true',
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_FILE: path,
      OTEL_MCP_LOG_ROTATE_MAX_BYTES: '1',
      OTEL_MCP_LOG_INTEGRITY_ORIGIN: ORIGIN,
      OTEL_MCP_LOG_INTEGRITY_KEY: key,
      OTEL_MCP_LOG_ARCHIVE: to,
      OTEL_MCP_LOG_ARCHIVE_LOCK: 'compliance',
      OTEL_MCP_LOG_ARCHIVE_LOCK_DAYS: '30',
      OTEL_MCP_LOG_RETAIN_AT_MOST_BYTES: '1',
    };
    const program = ['--import', 'otel-mcp-log/register', './spec/hooks/fixtures/plain.mjs'];
    // The first process ends before a checkpoint is due; the second takes up what it left.
    expect((await runNode(program, variables)).code).to.equal(0);
    const child = spawn(process.execPath, program, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...variables, STAY: 'yes' },
    });
    const ended = once(child, 'exit');
    const manifests = async () => {
      const { Versions = [] } = await client.send(new sdk.ListObjectVersionsCommand({ Bucket: BUCKET }));
      return Versions.filter(
        ({ Key = '' }) => `s3://${BUCKET}/${Key}`.startsWith(to) && Key.endsWith('.json'),
      ).length;
    };
    try {
      // The records wait for their checkpoint first, up to ten seconds.
      for (let round = 0; (await manifests()) < 2 || partsOf(path).length > 1; round++) {
        expect(round, `${await manifests()} archived, here ${partsOf(path).join()}`).to.be.lessThan(1200);
        await sleep(100);
      }
    } finally {
      child.kill();
      await ended;
    }
    const local = JSON.parse((await run('verify', path, '--vkey', vkey, '--json')).out);
    expect(local).to.include({ ok: true, status: 'intact' });
    const stored = `${to}/audit.jsonl`;
    const archived = (await run('query', '--json', stored)).out.trim().split('\n');
    expect(archived.map((line) => JSON.parse(line).resource).slice(0, 2)).to.deep.equal([
      'audit/start',
      'session/initialize',
    ]);
    expect(JSON.parse((await run('verify', stored, '--vkey', vkey, '--json')).out)).to.include({ ok: true });
  });
});
