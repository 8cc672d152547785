import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startCli } from '../support/builtCli.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { rpc } from './rawHttpServer.js';

const SERVER = fileURLToPath(new URL('fixtures/lineServer.mjs', import.meta.url));

/** How many messages a relay passes. */
const MESSAGES = Number(process.env['RELAY_MESSAGES'] ?? 1_000_000);
const BATCH = 1_000;

describe('a relay over weeks', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());

  const start = (...server: string[]) =>
    startCli(
      [
        'relay',
        '--environment=test',
        `--log=${join(folder.path, '{pid}.jsonl')}`,
        '--',
        process.execPath,
        ...server,
      ],
      { env: { OTEL_MCP_LOG_MODE: 'batch', OTEL_MCP_LOG_QUIET: '1' } },
    );
  const residentMb = (pid: number): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
  const handles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

  it('keeps its memory and its handles over many messages', async () => {
    const { child, finished } = start(SERVER);
    let heard = 0;
    child.stdout.removeAllListeners('data');
    child.stdout.on('data', (bytes: Buffer) => {
      for (const byte of bytes) if (byte === 10) heard++;
    });
    const seen: { mb: number; handles: number }[] = [];
    for (let sent = 0; sent < MESSAGES;) {
      let lines = '';
      for (let index = 0; index < BATCH; index++) lines += `${rpc(sent++, 'tools/list')}\n`;
      child.stdin.write(lines);
      while (heard < sent) await once(child.stdout, 'data');
      if (sent % (MESSAGES / 10) === 0)
        seen.push({ mb: residentMb(child.pid!), handles: handles(child.pid!) });
    }
    child.stdin.end();
    expect((await finished).code).to.equal(0);
    const [, early] = seen;
    expect(seen.at(-1)!.mb - early!.mb, JSON.stringify(seen)).to.be.lessThan(40);
    expect(seen.at(-1)!.handles).to.equal(early!.handles);
  }).timeout(1_800_000);

  it('keeps its memory over messages of 50 MB', async () => {
    const big = `const line = JSON.stringify({ jsonrpc: '2.0', method: 'x', params: 'x'.repeat(50_000_000) }) + '\\n';
      let left = 20;
      const more = () => left-- > 0 ? process.stdout.write(line, more) : process.exit(0);
      process.stdin.once('data', more);`;
    const { child, finished } = start('-e', big);
    child.stdout.removeAllListeners('data');
    let bytes = 0;
    let most = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      if (Math.floor(bytes / 50_000_000) !== Math.floor((bytes += chunk.length) / 50_000_000))
        most = Math.max(most, residentMb(child.pid!));
    });
    child.stdin.write(`${rpc(1, 'tools/list')}\n`);
    await finished;
    expect(bytes).to.be.greaterThan(1_000_000_000);
    expect(most).to.be.lessThan(300);
  }).timeout(600_000);

  it('has a log of its own beside nineteen others', async () => {
    const relays = Array.from({ length: 20 }, () => start(SERVER));
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
