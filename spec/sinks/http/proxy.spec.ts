import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../../lib/errors.js';
import { HttpSink } from '../../../lib/sinks/http/httpSink.js';
import { agentsKnowProxies } from '../../../lib/sinks/http/nodeTransport.js';

/** A proxy that notes what it is asked for, and goes nowhere. */
async function startProxy() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(String(request.url));
    response.writeHead(502).end();
  });
  server.on('connect', ({ url, headers }: IncomingMessage, socket: Socket) => {
    asked.push(`${url} ${headers['proxy-authorization'] ?? ''}`.trim());
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { asked, url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

const lib = pathToFileURL(resolve('lib/sinks/http/httpSink.ts')).href;
const PROGRAM = `
  const { HttpSink } = await import(process.env.LIB);
  const { proxy, endpoint } = JSON.parse(process.env.PLAN);
  const user = process.env.PROXY_USER ?? '';
  const through = proxy?.replace('://', '://' + user);
  const sink = new HttpSink({ endpoint, proxy: through, timeoutMs: 5000, retry: { maxAttempts: 1 } });
  await sink.emit([{ record_id: 'a', seq: 0 }]);
  await sink.close();
  await fetch(endpoint.replace('sink.', 'fetch.'), { method: 'POST' }).catch(() => undefined);
`;

/** What the sink and a bare `fetch` of one program ask a proxy for. */
async function askedBy(plan: object, env: (proxy: string) => NodeJS.ProcessEnv): Promise<string[]> {
  const proxy = await startProxy();
  const PLAN = JSON.stringify(plan).replaceAll('PROXY', proxy.url);
  const clean = { PATH: process.env['PATH'], LIB: lib, PLAN, NODE_NO_WARNINGS: '1' };
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], {
    env: { ...clean, ...env(proxy.url) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await once(child, 'exit');
  proxy.close();
  return proxy.asked;
}

const here = agentsKnowProxies() ? '' : ' (skipped: the agents of this Node know no proxies)';

describe(`the proxy of a sink${here}`, function () {
  before(function () {
    if (here !== '') this.skip();
  });
  const plan = { endpoint: 'https://sink.example.test/' };

  it('is the one of the option', async () => {
    const asked = await askedBy({ ...plan, proxy: 'PROXY' }, () => ({}));
    expect(asked).to.deep.equal(['sink.example.test:443']);
  });

  it('is given its credentials', async () => {
    const asked = await askedBy({ ...plan, proxy: 'PROXY' }, () => ({ PROXY_USER: 'user:pass@' }));
    expect(asked).to.deep.equal([
      `sink.example.test:443 Basic ${Buffer.from('user:pass').toString('base64')}`,
    ]);
  });

  for (const [what, env, both] of [
    [
      'is that of the environment, where Node is told so',
      (url: string) => ({ NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: url }),
      true,
    ],
    ['may stand in small letters', (url: string) => ({ NODE_USE_ENV_PROXY: '1', https_proxy: url }), true],
    ['is none where Node is not told so', (url: string) => ({ HTTPS_PROXY: url }), false],
    [
      'is none for hosts that are excepted',
      (url: string) => ({ NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: url, NO_PROXY: '.example.test' }),
      false,
    ],
    [
      'is that of http where https has none',
      (url: string) => ({ NODE_USE_ENV_PROXY: '1', HTTP_PROXY: url }),
      true,
    ],
  ] as const)
    it(`${what}, as for fetch`, async () => {
      const asked = await askedBy(plan, env);
      const hosts = asked.map((line) => line.split('.')[0]);
      expect(hosts).to.deep.equal(both ? ['sink', 'fetch'] : []);
    });
});

describe('the option proxy', () => {
  const endpoint = 'https://sink.example.test/';
  for (const proxy of ['', 'proxy.internal:3128', 'socks5://127.0.0.1:1', 'http://', 5, {}])
    it(`is refused where it is ${JSON.stringify(proxy)}`, () => {
      expect(() => new HttpSink({ endpoint, proxy: proxy as string }))
        .to.throw(ConfigError)
        .with.property('option', 'HttpSink.proxy');
    });

  it('is refused beside a fetch, and where this Node cannot use it; its password is told nobody', () => {
    const proxy = 'http://user:hunter2@127.0.0.1:1';
    const refused = () => new HttpSink({ endpoint, proxy, fetch: globalThis.fetch as never });
    expect(refused).to.throw(ConfigError, /^HttpSink\.proxy: (?!.*hunter2)/);
    if (agentsKnowProxies()) expect(() => new HttpSink({ endpoint, proxy })).not.to.throw();
    else expect(() => new HttpSink({ endpoint, proxy })).to.throw(ConfigError, 'install https-proxy-agent');
  });
});
