import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startCli, until } from '../support/builtCli.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { rpc } from './rawHttpServer.js';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const LINE_SERVER = fixture('lineServer.mjs');

/** How many messages a relay passes. */
const MESSAGES = Number(process.env['RELAY_MESSAGES'] ?? 100_000);
/** So many of them are on their way at once. */
const BATCH = 500;
/** So many requests a session has over HTTP before its client leaves it and opens another. */
const SESSION = 1_000;

type Relay = ReturnType<typeof startCli>;

describe('a relay over weeks', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let ends: (() => unknown)[];
  beforeEach(() => {
    folder = temporaryFolder();
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends) await end();
    folder.remove();
  });

  /** Cuts its log into parts of 20 MB, of which three are kept. */
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Relay => {
    const log = [`--environment=test`, `--log=${join(folder.path, '{pid}.jsonl')}`];
    const rotation = { OTEL_MCP_LOG_ROTATE_MAX_BYTES: '20000000', OTEL_MCP_LOG_ROTATE_KEEP: '3' };
    const relay = startCli(['relay', ...log, ...args], {
      env: { OTEL_MCP_LOG_MODE: 'batch', OTEL_MCP_LOG_QUIET: '1', ...rotation, ...env },
    });
    ends.push(() => relay.child.kill('SIGKILL'));
    return relay;
  };
  const startHttpServer = async (): Promise<string> => {
    const server = spawn(process.execPath, [fixture('httpServer.mjs')]);
    ends.push(() => server.kill('SIGKILL'));
    const [port] = (await once(server.stdout, 'data')) as [Buffer];
    return `http://127.0.0.1:${Number(port)}/mcp`;
  };
  const addressOf = async ({ child }: Relay): Promise<string> => {
    let told = '';
    child.stderr.on('data', (bytes: Buffer) => (told += bytes.toString()));
    await until(() => told.includes('takes the place'));
    return /(http:\S+) takes the place/.exec(told)?.[1] ?? '';
  };
  /** Sends lines and counts those that come back. */
  const overLines =
    ({ child }: Relay) =>
    async (from: number, until: number): Promise<void> => {
      let left = until - from;
      const count = (bytes: Buffer) => {
        for (const byte of bytes) if (byte === 10) left--;
      };
      child.stdout.on('data', count);
      let lines = '';
      for (let id = from; id < until; id++) lines += `${rpc(id, 'tools/list')}\n`;
      child.stdin.write(lines);
      while (left > 0) await once(child.stdout, 'data');
      child.stdout.off('data', count);
    };
  const passes = async (relay: Relay, send: (from: number, until: number) => Promise<void>) => {
    relay.child.stdout.removeAllListeners('data');
    const seen: Usage[] = [];
    for (let sent = 0; sent < MESSAGES; sent += BATCH) {
      await send(sent, sent + BATCH);
      if ((sent + BATCH) % (MESSAGES / 10) === 0) seen.push(usageOf(relay.child.pid!));
    }
    if (process.env['RELAY_MESSAGES'] !== undefined) process.stdout.write(`${JSON.stringify(seen)}\n`);
    // The first fifth warms up.
    const [, early] = seen;
    expect(seen.at(-1)!.mb - early!.mb, JSON.stringify(seen)).to.be.lessThan(40);
    expect(seen.at(-1)!.handles - early!.handles, JSON.stringify(seen)).to.be.at.most(2);
    const parts = readdirSync(folder.path).filter((name) => name.includes('.jsonl'));
    expect(parts.filter((name) => !/\.(?:lock|lease)$/.test(name)).length, parts.join()).to.be.at.most(4);
  };

  it('keeps its memory, its handles and its log over many messages over stdio', async () => {
    const relay = start(['--', process.execPath, LINE_SERVER]);
    await passes(relay, overLines(relay));
    relay.child.stdin.end();
    expect((await relay.finished).code).to.equal(0);
  }).timeout(1_800_000);

  it('keeps them for a client on standard streams whose server is over HTTP', async () => {
    const relay = start(['--url', await startHttpServer()]);
    const initialize = rpc('first', 'initialize', { protocolVersion: '2025-11-25', capabilities: {} });
    relay.child.stdin.write(`${initialize}\n`);
    await once(relay.child.stdout, 'data');
    await passes(relay, overLines(relay));
    relay.child.stdin.end();
    expect((await relay.finished).code).to.equal(0);
  }).timeout(1_800_000);

  it('keeps them between HTTP and HTTP, over sessions that come and go', async () => {
    const relay = start(['--listen=0', '--url', await startHttpServer()]);
    const url = await addressOf(relay);
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    ends.push(() => agent.destroy());
    let session = '';
    await passes(relay, async (from, until) => {
      if (from % SESSION === 0) {
        const opened = await post(url, agent, rpc('first', 'initialize', { capabilities: {} }));
        session = String(opened.headers['mcp-session-id']);
      }
      const asked = Array.from({ length: until - from }, (_, index) => from + index);
      const answers = await Promise.all(
        asked.map((id) => post(url, agent, rpc(id, 'tools/list'), { 'mcp-session-id': session })),
      );
      for (const { length } of answers) expect(length).to.be.greaterThan(0);
      if (until % SESSION === 0) await post(url, agent, undefined, { 'mcp-session-id': session });
    });
    relay.child.kill('SIGTERM');
    expect((await relay.finished).code).to.equal(0);
  }).timeout(1_800_000);

  it('keeps its memory over messages of 50 MB over stdio', async () => {
    const big = `const line = JSON.stringify({ jsonrpc: '2.0', method: 'x', params: 'x'.repeat(50_000_000) }) + '\\n';
      let left = 20;
      const more = () => left-- > 0 ? process.stdout.write(line, more) : process.exit(0);
      process.stdin.once('data', more);`;
    const { child, finished } = start(['--', process.execPath, '-e', big]);
    child.stdout.removeAllListeners('data');
    let bytes = 0;
    let most = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      if (Math.floor(bytes / 50_000_000) !== Math.floor((bytes += chunk.length) / 50_000_000))
        most = Math.max(most, usageOf(child.pid!).mb);
    });
    child.stdin.write(`${rpc(1, 'tools/list')}\n`);
    await finished;
    expect(bytes).to.be.greaterThan(1_000_000_000);
    expect(most).to.be.lessThan(300);
  }).timeout(600_000);

  it('keeps its memory over messages of 50 MB over HTTP, in both directions', async () => {
    const relay = start(['--listen=0', '--url', await startHttpServer()]);
    const url = await addressOf(relay);
    const agent = new Agent({ keepAlive: true });
    ends.push(() => agent.destroy());
    const text = 'x'.repeat(50_000_000);
    let most = 0;
    for (let id = 0; id < 20; id++) {
      // In JSON and as a stream, by turns.
      const { length } = await post(url, agent, rpc(id, 'big'));
      expect(length).to.be.greaterThan(50_000_000);
      most = Math.max(most, usageOf(relay.child.pid!).mb);
      expect((await post(url, agent, rpc(id, 'x', { text }))).status).to.equal(202);
      most = Math.max(most, usageOf(relay.child.pid!).mb);
    }
    expect(most).to.be.lessThan(300);
    relay.child.kill('SIGTERM');
    await relay.finished;
  }).timeout(600_000);

  it('keeps its memory over messages of 50 MB for a client on standard streams whose server is over HTTP', async () => {
    const relay = start(['--url', await startHttpServer()]);
    const { child, finished } = relay;
    child.stdout.removeAllListeners('data');
    let most = 0;
    const text = 'x'.repeat(50_000_000);
    for (let id = 0; id < 20; id++) {
      let bytes = 0;
      const count = (chunk: Buffer) => void (bytes += chunk.length);
      child.stdout.on('data', count);
      child.stdin.write(`${rpc(id, 'big')}\n${rpc(undefined, 'x', { text })}\n`);
      while (bytes < 50_000_000) await once(child.stdout, 'data');
      child.stdout.off('data', count);
      most = Math.max(most, usageOf(child.pid!).mb);
    }
    child.stdin.end();
    expect((await finished).code).to.equal(0);
    expect(most).to.be.lessThan(300);
  }).timeout(600_000);

  it('has a log of its own beside nineteen others', async () => {
    const relays = Array.from({ length: 20 }, () => start(['--', process.execPath, LINE_SERVER]));
    await Promise.all(
      relays.map(async ({ child, finished }, of) => {
        for (let index = 0; index < 50; index++)
          child.stdin.write(`${rpc(`${of}/${index}`, 'tools/list')}\n`);
        child.stdin.end();
        expect((await finished).code).to.equal(0);
      }),
    );
    const logs = readdirSync(folder.path).filter((name) => name.endsWith('.jsonl'));
    expect(logs).to.have.length(20);
    for (const name of logs) {
      const text = readFileSync(join(folder.path, name), 'utf8');
      expect(text.match(/"resource":"tools\/list"/g)).to.have.length(50);
      expect(new Set(text.match(/"request_id":"\d+\//g)).size).to.equal(1);
    }
  }).timeout(120_000);
});

interface Usage {
  readonly mb: number;
  readonly handles: number;
}

function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
  return { mb, handles: readdirSync(`/proc/${pid}/fd`).length };
}

interface Posted {
  readonly status: number;
  readonly length: number;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Posts a message, or leaves the session where there is none, and counts what comes back. */
function post(url: string, agent: Agent, body?: string, headers = {}): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const typed = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
    const method = body === undefined ? 'DELETE' : 'POST';
    const sent = request(url, { method, agent, headers: { ...typed, ...headers } }, (response) => {
      let length = 0;
      response.on('data', (bytes: Buffer) => (length += bytes.length));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, length, headers: response.headers }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
