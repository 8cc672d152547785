// Nodes whose agents know no proxies go through one by https-proxy-agent, which the application installs: once for real, with
// the package from npm, a proxy that tunnels, and a receiver behind it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { agentsKnowProxies } from '../../../lib/sinks/http/nodeTransport.js';
import { makeAuthority } from '../../support/certificates.js';
import { startReceiver } from '../../support/httpReceiver.js';
import { temporaryFolder } from '../../support/temporaryFolder.js';

/** A proxy that tunnels what it is asked for, if it is asked with the right credentials. */
async function startTunnel() {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connect', ({ url = '', headers }: IncomingMessage, socket: Socket) => {
    asked.push(url);
    sockets.add(socket);
    socket.on('error', () => undefined);
    const expected = `Basic ${Buffer.from('user:p@ss').toString('base64')}`;
    if (headers['proxy-authorization'] !== expected)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const target = connect(Number(url.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(target).pipe(socket);
    });
    sockets.add(target);
    target.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

const PROGRAM = `
  const { HttpSink } = await import(process.env.LIB);
  const { endpoint, proxy } = JSON.parse(process.env.PLAN);
  const sink = new HttpSink({ endpoint, proxy, timeoutMs: 5000, retry: { maxAttempts: 1 } });
  const said = [];
  for (const seq of [0, 1]) {
    const { status, error } = await sink.emit([{ record_id: 'r' + seq, seq }]);
    said.push(error === undefined ? status : status + ': ' + error.message);
  }
  await sink.close();
  console.log(JSON.stringify(said));
`;

const here = agentsKnowProxies() ? ' (skipped: the agents of this Node know proxies by themselves)' : '';

describe(`a sink behind a proxy, by https-proxy-agent${here}`, function () {
  this.timeout(120_000);
  const authority = makeAuthority();
  let folder: ReturnType<typeof temporaryFolder>;
  let tunnel: Awaited<ReturnType<typeof startTunnel>>;

  before(async function () {
    if (here !== '') return this.skip();
    folder = temporaryFolder();
    writeFileSync(join(folder.path, 'package.json'), '{"private":true}');
    writeFileSync(join(folder.path, 'ca.pem'), authority.ca);
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', 'https-proxy-agent@7'], {
      cwd: folder.path,
    });
    tunnel = await startTunnel();
  });
  after(() => {
    tunnel?.close();
    folder?.remove();
  });

  async function run(endpoint: string, proxy: string): Promise<string[]> {
    const args = [
      '--import',
      pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
      '--input-type=module',
      '-e',
      PROGRAM,
    ];
    const child = spawn(process.execPath, args, {
      cwd: folder.path,
      env: {
        ...{ PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' },
        NODE_EXTRA_CA_CERTS: join(folder.path, 'ca.pem'),
        LIB: pathToFileURL(resolve('lib/sinks/http/httpSink.ts')).href,
        PLAN: JSON.stringify({ endpoint, proxy }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    await once(child, 'close');
    return JSON.parse(text) as string[];
  }

  for (const secure of [true, false])
    it(`delivers through the tunnel, over one connection (${secure ? 'https' : 'http'})`, async () => {
      const receiver = await startReceiver(secure ? authority.issue('localhost') : undefined);
      const before = tunnel.asked.length;
      try {
        expect(await run(receiver.url, `http://user:p%40ss@${tunnel.host}`)).to.deep.equal([
          'delivered',
          'delivered',
        ]);
        const { host } = new URL(receiver.url);
        expect(tunnel.asked.slice(before)).to.deep.equal([host]);
        expect(receiver.requests.map(({ body }) => JSON.parse(body.toString()) as object)).to.deep.equal([
          { record_id: 'r0', seq: 0 },
          { record_id: 'r1', seq: 1 },
        ]);
      } finally {
        await receiver.close();
      }
    });

  it('delivers nothing past a proxy that refuses, and tells no credentials', async () => {
    const receiver = await startReceiver(authority.issue('localhost'));
    try {
      const said = await run(receiver.url, `http://user:hunter2@${tunnel.host}`);
      expect(said.join(' ')).to.match(/^(?!.*hunter2)(retryable|permanent): /);
      expect(receiver.requests).to.have.length(0);
    } finally {
      await receiver.close();
    }
  });
});
