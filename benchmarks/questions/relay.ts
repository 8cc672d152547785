import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case, Effort, Question, Round } from '../harness/question.js';
import { scratch } from '../tools/measure.js';
import { node } from '../tools/node.js';

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const SERVER = here('children/echoServer.mjs');
const RELAY = here('../dist/esm/cli/main.js');

/** Other programs that stand between the two, and keep no log: clients over HTTP to a server over stdio, and the other way round. */
const PEERS = ['mcp-proxy@6.7.19', 'mcp-remote@0.15.1'];

const added = (round: Round, way: string, bare: string): number => round.of(way) - round.of(bare);

/** What it adds to a call that something stands between the two, beside a bare pipe, bare HTTP and proxies that keep no log. */
export const relay: Question = {
  name: 'relay',
  asks: 'What does the relay add to a call, beside a bare pipe, bare HTTP, and the npm packages mcp-proxy and mcp-remote?',
  rounds: 5,
  quick: false,
  ratios: [
    {
      name: 'added by the relay to a call over stdio, to what mcp-proxy adds',
      of: (round) =>
        added(round, 'stdio, relay', 'stdio, bare') / added(round, 'stdio, mcp-proxy', 'stdio, bare'),
      atMost: 0.5,
    },
    {
      name: 'added by the relay to a call over HTTP, to the bare call',
      of: (round) => added(round, 'HTTP, relay', 'HTTP, bare') / round.of('HTTP, bare'),
    },
    {
      name: 'added by the relay to a call over HTTP, to what mcp-proxy adds to a call over stdio',
      of: (round) =>
        added(round, 'HTTP, relay', 'HTTP, bare') / added(round, 'stdio, mcp-proxy', 'stdio, bare'),
      atMost: 1,
    },
    {
      name: 'a call from stdio to HTTP through the relay, to one through mcp-remote',
      of: (round) =>
        round.of('HTTP for a client on stdio, relay') / round.of('HTTP for a client on stdio, mcp-remote'),
      atMost: 1,
    },
  ],
  prepare,
};

/** How a client reaches the server: a command as JSON, or a URL; and what was started for it. */
interface Way {
  readonly to: string;
  readonly started: readonly ChildProcess[];
}

function prepare({ quick }: Effort) {
  const folder = scratch();
  const options = ['relay', '--environment=bench', `--log=${join(folder.path, '{pid}.jsonl')}`];
  execFileSync('npm', ['install', '--prefix', folder.path, '--silent', '--no-audit', '--no-fund', ...PEERS]);
  const proxyOfStdio = join(folder.path, 'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs');
  const proxyOfHttp = join(folder.path, 'node_modules/mcp-remote/dist/proxy.js');

  const overStdio = (...args: string[]): Way => ({ to: JSON.stringify(args), started: [] });
  const ways: Readonly<Record<string, () => Way | Promise<Way>>> = {
    'stdio, bare': () => overStdio(SERVER),
    'stdio, relay': () => overStdio(RELAY, ...options, '--', node(), SERVER),
    'stdio, mcp-proxy': async () => {
      const port = await freePort();
      const command = [proxyOfStdio, '--port', String(port), '--host', '127.0.0.1', '--', node(), SERVER];
      const proxy = spawn(node(), command);
      await said(proxy, 'starting server');
      return { to: `http://127.0.0.1:${port}/mcp`, started: [proxy] };
    },
    'HTTP, bare': overHttp,
    'HTTP, relay': async () => {
      const { to, started } = await overHttp();
      const relaying = spawn(node(), [RELAY, ...options, '--listen=0', '--url', to], { env: quiet() });
      const told = await said(relaying, 'takes the place');
      return { to: /(http:\S+) takes the place/.exec(told)?.[1] ?? '', started: [...started, relaying] };
    },
    'HTTP for a client on stdio, relay': async () => {
      const { to, started } = await overHttp();
      return { ...overStdio(RELAY, ...options, '--url', to), started };
    },
    'HTTP for a client on stdio, mcp-remote': async () => {
      const { to, started } = await overHttp();
      return { ...overStdio(proxyOfHttp, to, '--transport', 'http-only'), started };
    },
  };
  const sizes = quick ? ['2', '200'] : ['5', '800'];
  const cases = Object.entries(ways).map(([name, begin]): Case => ({
    name,
    measure: async () => {
      const { to, started } = await begin();
      const args = [here('children/relayed.mjs'), to, ...sizes];
      try {
        return { 'µs a call': Number(execFileSync(node(), args, { env: quiet(), encoding: 'utf8' })) };
      } finally {
        for (const child of started) child.kill('SIGKILL');
      }
    },
  }));
  return { cases, close: () => folder.remove() };
}

/** A server of its own: the one of these measurements takes one session. */
async function overHttp(): Promise<Way> {
  const server = spawn(node(), [SERVER, 'http'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const [to] = (await once(server, 'message')) as [string];
  return { to, started: [server] };
}

/** Callers do not wait for records, as over mcp-proxy there are none. */
function quiet(): NodeJS.ProcessEnv {
  return { ...process.env, OTEL_MCP_LOG_MODE: 'batch', OTEL_MCP_LOG_QUIET: '1' };
}

/** What a process says until it says this. */
async function said(child: ChildProcess, wanted: string): Promise<string> {
  let text = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (text.includes(wanted)) resolve();
      });
    child.once('exit', () => reject(new Error(`it ended first: ${text}`)));
  });
  return text;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
