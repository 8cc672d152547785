import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './freePort.js';
import { temporaryFolder } from './temporaryFolder.js';

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph-authtool', 'monmaptool', 'ceph'];

/** Whether Ceph's object gateway is installed (Debian: `radosgw`, `ceph-mon`, `ceph-osd`). */
export const hasRadosgw = PROGRAMS.every((name) => existsSync(`/usr/bin/${name}`));
export const RADOSGW_MISSING = hasRadosgw
  ? ''
  : ' (skipped: Ceph is not installed: apt-get install radosgw ceph-mon ceph-osd)';

/** A storage that speaks S3, with object lock, on loopback. */
export interface S3Server {
  readonly endpoint: string;
  /** The AWS environment variables that lead there. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/**
 * Starts Ceph's object gateway over one store in memory. It enforces object lock: it refuses to delete a locked version, to shorten a
 * retention time in compliance mode, and bodies whose Content-MD5 or signed SHA-256 is another. Of this version (16), uploads in parts
 * lose the lock that they were begun with, `x-amz-checksum-*` is not looked at, and nobody has to send Content-MD5 with a lock.
 */
export async function startRadosgw(): Promise<S3Server> {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const [port, monPort] = [await freePort(), await freePort()];
  const id = '5f2c1c0a-0000-4000-8000-000000000001';
  const osdId = '5f2c1c0a-0000-4000-8000-000000000002';
  for (const name of ['mon', 'osd', 'run', 'rgw']) mkdirSync(at(name));
  writeFileSync(at('ceph.conf'), settings({ id, port, monPort, at }));
  const conf = ['-c', at('ceph.conf')];
  const run = (program: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  };
  const children: ChildProcess[] = [];
  const start = (program: string, ...args: string[]) =>
    children.push(spawn(program, [...conf, ...args, '-f'], { stdio: 'ignore' }));
  const stop = async () => {
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    folder.remove();
  };
  try {
    const ring = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *'];
    run(
      'ceph-authtool',
      '--create-keyring',
      at('keyring'),
      '--gen-key',
      '-n',
      'mon.',
      '--cap',
      'mon',
      'allow *',
    );
    for (const name of ['client.admin', 'client.rgw', 'osd.0'])
      run('ceph-authtool', at('keyring'), '--gen-key', '-n', name, ...ring);
    run('monmaptool', '--create', '--addv', 'a', `[v2:127.0.0.1:${monPort}]`, '--fsid', id, at('monmap'));
    run('ceph-mon', ...conf, '--mkfs', '-i', 'a', '--monmap', at('monmap'), '--keyring', at('keyring'));
    start('ceph-mon', '-i', 'a');
    run('ceph', ...conf, 'osd', 'new', osdId, '0');
    run('ceph-osd', ...conf, '-i', '0', '--mkfs', '--osd-uuid', osdId);
    start('ceph-osd', '-i', '0');
    const keys = { access: 'AKIDOFTHETESTS', secret: 'secret-of-the-tests' };
    run(
      'radosgw-admin',
      ...conf,
      'user',
      'create',
      '--uid=auditor',
      '--display-name=auditor',
      `--access-key=${keys.access}`,
      `--secret-key=${keys.secret}`,
    );
    start('radosgw', '-n', 'client.rgw');
    const endpoint = `http://127.0.0.1:${port}`;
    while (
      !(await fetch(endpoint).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (children.at(-1)?.exitCode !== null) throw new Error('radosgw ended');
      await sleep(50);
    }
    return {
      endpoint,
      env: {
        AWS_ENDPOINT_URL_S3: endpoint,
        AWS_ACCESS_KEY_ID: keys.access,
        AWS_SECRET_ACCESS_KEY: keys.secret,
        AWS_REGION: 'us-east-1',
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function settings({
  id,
  port,
  monPort,
  at,
}: {
  id: string;
  port: number;
  monPort: number;
  at(name: string): string;
}) {
  return `[global]
fsid = ${id}
mon host = v2:127.0.0.1:${monPort}
public addr = 127.0.0.1
keyring = ${at('keyring')}
mon data = ${at('mon')}
osd data = ${at('osd')}
run dir = ${at('run')}
admin socket = ${at('run')}/$name.asok
log file = ${at('run')}/$name.log
mon cluster log file = ${at('run')}/cluster.log
pid file =
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
osd crush chooseleaf type = 0
mon data avail crit = 1
mon data avail warn = 1
paxos propose interval = 0.05
paxos min wait = 0.01
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw run sync thread = false
`;
}
