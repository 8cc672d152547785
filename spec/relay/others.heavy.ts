import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect } from 'chai';
import { installNodes } from '../matrix/projects.js';
import { builtBinary } from '../support/builtCli.js';
import { freePort } from '../support/freePort.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const server = (name: string) =>
  join(root, 'node_modules/@modelcontextprotocol', `server-${name}`, 'dist/index.js');

/** What is installed for these tests alone. The conformance suite asks for a Node that has `fs.globSync`. */
const PROGRAMS = [
  '@modelcontextprotocol/conformance@0.1.16',
  '@modelcontextprotocol/inspector@2.12.0',
  'mcp-proxy@6.7.19',
];
const NODE = '24';

describe("others' programs, with the relay and without it", () => {
  const folder = mkdtempSync(join(tmpdir(), 'relay-others-'));
  const started: ChildProcess[] = [];
  let node: string;
  before(function () {
    this.timeout(300_000);
    node = installNodes(join(folder, 'nodes'), [NODE]).get(NODE)!;
    execFileSync('npm', ['install', '--prefix', folder, '--silent', '--no-audit', '--no-fund', ...PROGRAMS]);
  });
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  after(function () {
    this.timeout(120_000);
    rmSync(folder, { recursive: true, force: true });
  });

  const program = (path: string) => join(folder, 'node_modules', path);
  const log = join(folder, 'audit-{pid}.jsonl');
  const OPTIONS = ['relay', '--environment=test', `--log=${log}`];
  const recorded = (): number =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.jsonl'))
      .reduce((sum, name) => sum + readFileSync(join(folder, name), 'utf8').split('"mcp":{').length - 1, 0);
  /** What is asked says the same of a server and of the relay before it, and the relay has put it on record. */
  const expectSame = async <T>(bare: T, ask: () => Promise<T>): Promise<void> => {
    const before = recorded();
    expect(await ask()).to.deep.equal(bare);
    expect(recorded()).to.be.greaterThan(before);
  };
  /** Starts a program; resolves to the URL that it prints. */
  const urlOf = async (command: string, args: readonly string[], form: RegExp): Promise<string> => {
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, OTEL_MCP_LOG_MODE: 'blocking' },
    });
    started.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    while (!form.test(said)) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
    return form.exec(said)?.[1] ?? '';
  };
  const relayTo = (url: string) =>
    urlOf(process.execPath, [builtBinary(), ...OPTIONS, '--listen=0', '--url', url], /(http:\S+) takes/);
  const relayed = (...args: string[]) => [builtBinary(), ...OPTIONS, '--', process.execPath, ...args];
  /** A server over stdio, over HTTP. */
  const bridge = async (...args: string[]): Promise<string> => {
    const port = String(await freePort());
    const options = ['--port', port, '--host', '127.0.0.1', '--', process.execPath, ...args];
    await urlOf(
      process.execPath,
      [program('mcp-proxy/dist/bin/mcp-proxy.mjs'), ...options],
      /(starting server)/,
    );
    // It says so before it listens.
    const url = `http://127.0.0.1:${port}/mcp`;
    while (
      !(await fetch(url, { method: 'OPTIONS' }).then(
        () => true,
        () => false,
      ))
    )
      await new Promise((resolve) => setTimeout(resolve, 50));
    return url;
  };
  const run = (command: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      execFile(command, args, { cwd: folder, maxBuffer: 1e8 }, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
  const conformance = async (...args: string[]): Promise<Record<string, string>> => {
    const main = program('@modelcontextprotocol/conformance/dist/index.js');
    const said = await run(node, [main, ...args]);
    return Object.fromEntries(
      [...said.matchAll(/^[✓✗] (\S+): (\d+ passed, \d+ failed)/gm)].map(([, name, how]) => [name, how]),
    );
  };

  it('get the same: the server scenarios of @modelcontextprotocol/conformance', async () => {
    const url = await urlOf(process.execPath, [fixture('conformanceServer.mjs')], /(http:\S+)/);
    const bare = await conformance('server', '--url', url);
    expect(Object.keys(bare).length).to.be.at.least(30);
    expect(Object.values(bare).filter((how) => how.endsWith(' 0 failed')).length).to.be.at.least(22);
    // The SDK's server answers whatever host is called; the relay does not.
    expect(bare['dns-rebinding-protection']).to.equal('1 passed, 1 failed');
    const own = await relayTo(url);
    await expectSame({ ...bare, 'dns-rebinding-protection': '2 passed, 0 failed' }, () =>
      conformance('server', '--url', own),
    );
  }).timeout(300_000);

  it('get the same: the client scenarios of @modelcontextprotocol/conformance, OAuth among them', async () => {
    const client = fixture('conformanceClient.mjs');
    const before = recorded();
    const passed = async (words: readonly string[], scenario: string) => {
      const main = program('@modelcontextprotocol/conformance/dist/index.js');
      const said = await run(node, [main, 'client', '--scenario', scenario, '--command', words.join(' ')]);
      return /Passed: .*/.exec(said)?.[0];
    };
    const through = [process.execPath, fixture('throughRelay.mjs'), builtBinary(), log, client];
    const scenarios = (words: readonly string[], ...which: string[]) =>
      conformance('client', ...which, '--timeout', '120000', '--command', words.join(' '));
    const bare = await scenarios([node, client], '--suite', 'all');
    expect(Object.keys(bare).length).to.be.at.least(20);
    expect(Object.values(bare).filter((how) => how.endsWith(' 0 failed')).length).to.be.at.least(12);
    const own = await scenarios(through, '--suite', 'all');
    // All run at once, and some measure times: what differs is asked again, by itself.
    for (const name of Object.keys(bare).filter((each) => own[each] !== bare[each])) {
      const [alone, relayedAlone] = [await passed([node, client], name), await passed(through, name)];
      expect(relayedAlone, name).to.equal(alone);
    }
    expect(Object.keys(own)).to.deep.equal(Object.keys(bare));
    expect(recorded()).to.be.greaterThan(before);
  }).timeout(600_000);

  it('get the same: the command line of @modelcontextprotocol/inspector, over stdio and over HTTP', async () => {
    const main = program('@modelcontextprotocol/inspector/clients/launcher/build/index.js');
    const inspect = async (target: readonly string[], ...ask: string[]): Promise<unknown> => {
      const said = await run(node, [main, '--cli', ...target, ...ask]);
      const start = said.indexOf('{');
      return JSON.parse(said.slice(start, said.lastIndexOf('}') + 1)) as unknown;
    };
    const questions = [
      ['--method', 'tools/list'],
      ['--method', 'tools/call', '--tool-name', 'get-sum', '--tool-arg', 'a=2', '--tool-arg', 'b=3'],
      ['--method', 'resources/list'],
      ['--method', 'prompts/list'],
    ];
    const url = await bridge(server('everything'));
    const own = await relayTo(url);
    for (const question of questions) {
      const bare = await inspect([process.execPath, server('everything')], ...question);
      await expectSame(bare, () =>
        inspect([process.execPath, ...relayed(server('everything'))], ...question),
      );
      const overHttp = await inspect([url, '--transport', 'http'], ...question);
      await expectSame(overHttp, () => inspect([own, '--transport', 'http'], ...question));
    }
  }).timeout(300_000);

  for (const [name, args, tool] of [
    ['filesystem', [folder], { name: 'get_file_info', arguments: { path: join(folder, 'package.json') } }],
    ['memory', [], { name: 'read_graph', arguments: {} }],
    ['everything', [], { name: 'get-tiny-image', arguments: {} }],
  ] as const)
    it(`get the same over HTTP: server-${name}`, async () => {
      const ask = async (url: string) => {
        const client = new Client({ name: 'other', version: '1' });
        await client.connect(new StreamableHTTPClientTransport(new URL(url)));
        const found = [await client.listTools(), await client.callTool(tool)];
        await client.close();
        return found;
      };
      const url = await bridge(server(name), ...args);
      const bare = await ask(url);
      const own = await relayTo(url);
      await expectSame(bare, () => ask(own));
    }).timeout(60_000);

  describe('in Python', () => {
    const python = join(folder, 'python/bin/python');
    before(function () {
      this.timeout(300_000);
      try {
        execFileSync('python3', ['-m', 'venv', join(folder, 'python')], { stdio: 'ignore' });
        execFileSync(python, ['-m', 'pip', 'install', '-q', 'mcp'], { stdio: 'ignore' });
      } catch {
        this.test!.parent!.title += " (skipped: pip cannot install the protocol's SDK)";
        this.skip();
      }
    });

    it("get the same: the SDK's client, over stdio and over HTTP", async () => {
      const client = fixture('pythonClient.py');
      const ask = async (...target: string[]): Promise<unknown> =>
        JSON.parse(
          (await run(python, [client, ...target])).split('\n').find((line) => line.startsWith('['))!,
        );
      const bare = await ask(process.execPath, server('everything'));
      await expectSame(bare, () => ask(process.execPath, ...relayed(server('everything'))));
      const url = await bridge(server('everything'));
      const overHttp = await ask(url);
      const own = await relayTo(url);
      await expectSame(overHttp, () => ask(own));
    }).timeout(120_000);
  });
});
