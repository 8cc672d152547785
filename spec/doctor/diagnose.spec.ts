import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { diagnoseNode } from '../../lib/doctor/diagnose.js';
import { diagnose } from '../../lib/doctor/doctor.js';
import type { DoctorFinding } from '../../lib/doctor/finding.js';
import { runCli } from '../support/builtCli.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the doctor', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;

  beforeEach(() => {
    folder = temporaryFolder();
    install('otel-mcp-log');
  });

  afterEach(() => folder.remove());

  /** Puts a package into the application: this one, one that this one has installed, or one of the test's own. */
  function install(
    name: string,
    own?: { version: string; files?: Record<string, string>; under?: string },
  ): void {
    const modules = join(folder.path, own?.under ?? '', 'node_modules');
    const path = join(modules, name);
    mkdirSync(join(path, '..'), { recursive: true });
    if (name === 'otel-mcp-log') {
      // What is published of it, without the packages that its own tests use.
      mkdirSync(path);
      for (const part of ['package.json', 'dist']) symlinkSync(join(root, part), join(path, part));
      return;
    }
    if (own === undefined) {
      symlinkSync(join(root, 'node_modules', name), path);
      return;
    }
    const files = { 'package.json': JSON.stringify({ name, version: own.version }), ...own.files };
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(path, file, '..'), { recursive: true });
      writeFileSync(join(path, file), text);
    }
  }

  async function topics(env: Record<string, string> = {}): Promise<string[]> {
    return (await find(env)).map(({ topic }) => topic);
  }

  const find = (env: Record<string, string> = {}): Promise<DoctorFinding[]> =>
    diagnose({ cwd: folder.path, env });

  it('says which copies of the SDK are patched, by loading them', async () => {
    install('@modelcontextprotocol/sdk');
    install('@modelcontextprotocol/client');
    const patched = (await find()).filter(({ topic }) => topic === 'sdk-patched');
    expect(patched.map(({ message }) => message.split(' ')[0])).to.have.members([
      '@modelcontextprotocol/sdk',
      '@modelcontextprotocol/client',
    ]);
  });

  it('says which copies of the SDK have servers that are patched, or left out', async () => {
    install('@modelcontextprotocol/sdk');
    install('@modelcontextprotocol/server');
    const named = async (topic: string, env = {}) =>
      (await find(env)).filter((each) => each.topic === topic).map(({ message }) => message.split(' ')[0]);
    const both = ['@modelcontextprotocol/sdk', '@modelcontextprotocol/server'];
    expect(await named('server-patched')).to.have.members(both);
    const env = { OTEL_MCP_LOG_SERVERS: 'false', OTEL_MCP_LOG_ENVIRONMENT: 'test' };
    expect(await named('server-left-out', env)).to.have.members(both);
  });

  it("says of a server that is not the SDK's own that it is not patched", async () => {
    install('@modelcontextprotocol/server', {
      version: '2.99.0',
      files: { 'index.js': 'exports.McpServer = class McpServer { server = {}; };' },
    });
    expect((await find()).find(({ topic }) => topic === 'server-unpatched')?.message).to.include('2.99.0');
  });

  it('says which are not, nested ones and old ones included', async () => {
    install('@modelcontextprotocol/sdk', {
      version: '1.99.0',
      files: { 'client/index.js': 'exports.Client = class Client {};' },
    });
    install('dependent', { version: '1.0.0' });
    install('@modelcontextprotocol/sdk', { version: '1.2.0', under: 'node_modules/dependent' });
    const findings = await find();
    expect(findings.find(({ topic }) => topic === 'sdk-unpatched')?.message).to.include('1.99.0');
    expect(findings.find(({ topic }) => topic === 'sdk-unsupported')?.message).to.match(
      /1\.2\.0 in .*dependent/,
    );
    expect(findings[0]?.severity, 'the worst first').to.equal('error');
  });

  it('says of each package with a client of its own whether that is patched', async () => {
    const has = (name: string) =>
      `var ${name} = class {}; function createMCPClient() { return new ${name}(); }`;
    const files = { 'index.js': `${has('Other')} module.exports = { createMCPClient };` };
    install('@modelcontextprotocol/sdk');
    install('@ai-sdk/mcp');
    install('ai', { version: '6.0.325', files });
    install('dependent', { version: '1.0.0' });
    install('ai', { version: '5.0.277', files: { 'index.js': '' }, under: 'node_modules/dependent' });
    install('other', { version: '1.0.0' });
    install('@ai-sdk/mcp', { version: '9.9.9', files, under: 'node_modules/other' });
    const findings = await find();
    const named = (topic: string) =>
      findings.filter((each) => each.topic === topic).map(({ message }) => message.split(' in ')[0]);
    expect(named('client-patched')).to.deep.equal(['@ai-sdk/mcp 1.0.102']);
    expect(named('own-client')).to.deep.equal(['@ai-sdk/mcp 9.9.9']);
  });

  it('says where there is nothing to patch, or nothing to patch it with', async () => {
    expect(await topics()).to.include('sdk-missing');
    const empty = temporaryFolder();
    const found = await diagnose({ cwd: empty.path });
    empty.remove();
    expect(found.map(({ topic }) => topic)).to.include('package-missing');
    expect(diagnoseNode('18.20.0').map(({ topic }) => topic)).to.deep.equal(['node-too-old']);
    expect(diagnoseNode('20.6.0')).to.deep.equal([]);
  });

  it('says which OpenTelemetry is there, and whether its copies agree', async () => {
    expect(await topics()).to.include('otel-none');
    install('@opentelemetry/sdk-trace-base', { version: '2.12.1' });
    install('@opentelemetry/sdk-trace', { version: '3.1.1' });
    install('@opentelemetry/api', { version: '1.9.1' });
    install('dependent', { version: '1.0.0' });
    install('@opentelemetry/api', { version: '1.10.0', under: 'node_modules/dependent' });
    install('import-in-the-middle', { version: '3.6.0' });
    install('import-in-the-middle', { version: '1.15.0', under: 'node_modules/dependent' });
    expect(await topics()).to.include.members(['otel-found', 'otel-mixed', 'otel-api-copies', 'two-hooks']);
  });

  it('names one place for each version of OpenTelemetry, however many copies there are', async () => {
    install('@opentelemetry/sdk-trace-base', { version: '2.12.1' });
    for (const dependent of ['one', 'two']) {
      install(dependent, { version: '1.0.0' });
      install('@opentelemetry/sdk-trace-base', { version: '2.9.0', under: `node_modules/${dependent}` });
    }
    const found = (await find()).find(({ topic }) => topic === 'otel-found');
    expect(found?.message.match(/sdk-trace-base [\d.]+/g)).to.have.members([
      'sdk-trace-base 2.12.1',
      'sdk-trace-base 2.9.0',
    ]);
    expect(found?.message).to.include('and 1 more');
  });

  it('says that neither samplers nor limits lose a record', async () => {
    const findings = await find({
      OTEL_TRACES_SAMPLER: 'always_off',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
    });
    const sampling = findings.filter(({ topic }) => topic === 'not-sampled');
    expect(sampling).to.have.length(2);
    for (const { message, severity } of sampling) {
      expect(severity).to.equal('info');
      expect(message).to.include('records are complete all the same');
    }
  });

  it('looks for what starts it, and for bundlers', async () => {
    const manifest = { devDependencies: { esbuild: '1' } };
    writeFileSync(join(folder.path, 'package.json'), JSON.stringify(manifest));
    expect(await topics()).to.include.members(['not-preloaded', 'bundler']);
    const started = await topics({ NODE_OPTIONS: '--import otel-mcp-log/register' });
    expect(started).not.to.include('not-preloaded');
  });

  describe('of a file', () => {
    const env = () => ({
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_FILE: join(folder.path, 'log', 'audit.jsonl'),
    });
    const path = () => env().OTEL_MCP_LOG_FILE;

    it('makes none, and finds one that can be made', async () => {
      expect(await topics(env())).to.include('sink-ok');
      expect(await topics(env()), 'a second time').to.include('sink-ok');
    });

    it('finds modes that let others in', async () => {
      mkdirSync(join(folder.path, 'log'));
      chmodSync(join(folder.path, 'log'), 0o777);
      writeFileSync(path(), '');
      chmodSync(path(), 0o644);
      expect(await topics(env())).to.include.members(['file-mode', 'folder-mode']);
    });

    it('finds what is no regular file', async () => {
      mkdirSync(join(folder.path, 'log'));
      symlinkSync('/dev/null', path());
      expect(await topics(env())).to.include('file-unwritable');
    });
  });

  describe('of a receiver', () => {
    let server: Server;
    let status: number;
    const requests: string[] = [];

    beforeEach(async () => {
      requests.length = 0;
      server = createServer((request, response) => {
        requests.push(`${request.method} ${request.headers['x-api-key']}`);
        response.writeHead(status, { location: '/elsewhere' }).end();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
    });

    afterEach(() => server.close());

    const env = () => ({
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_SINKS: 'http',
      OTEL_MCP_LOG_ENDPOINT: `http://127.0.0.1:${(server.address() as { port: number }).port}/r?token=s3cr3t`,
      OTEL_MCP_LOG_HEADERS: 'x-api-key=key',
    });

    for (const [answer, topic] of [
      [204, 'sink-ok'],
      [405, 'sink-ok'],
      [302, 'sink-refuses'],
      [401, 'sink-refuses'],
    ] as const) {
      it(`takes ${answer} for ${topic}, and sends it no record`, async () => {
        status = answer;
        const findings = await find(env());
        expect(findings.map((each) => each.topic)).to.include(topic);
        expect(requests).to.deep.equal(['HEAD key']);
        expect(JSON.stringify(findings)).not.to.include('s3cr3t');
      });
    }

    it('finds that nobody answers, and asks nobody when it is offline', async () => {
      const where = env();
      server.close();
      const findings = await find(where);
      expect(findings.find(({ topic }) => topic === 'sink-unreachable')?.message).to.include('ECONNREFUSED');
      const offline = await diagnose({ cwd: folder.path, env: where, offline: true });
      expect(offline.map(({ topic }) => topic)).not.to.include('sink-unreachable');
    });
  });

  describe('of a receiver of OpenTelemetry', () => {
    const env = {
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_SINKS: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    };

    it('finds that its exporter is missing', async () => {
      const config = (await find(env)).find(({ topic }) => topic === 'config');
      expect(config?.message).to.match(/^OTEL_MCP_LOG_SINKS: .*@opentelemetry\/exporter-logs-otlp-proto/);
    });

    it('asks where it would send to, and says so where that is not to be asked', async () => {
      install('@opentelemetry/exporter-logs-otlp-proto');
      const unreachable = (await find(env)).find(({ topic }) => topic === 'sink-unreachable');
      expect(unreachable?.message).to.match(/^otlp http:\/\/127\.0\.0\.1:1\/v1\/logs: /);
      const offline = await diagnose({ cwd: folder.path, env, offline: true });
      expect(offline.map(({ topic }) => topic)).to.include('sink-unasked');
    });
  });

  it('finds a key that cannot sign', async () => {
    const key = join(folder.path, 'key.pem');
    writeFileSync(key, 's3cr3t', { mode: 0o600 });
    const findings = await find({
      OTEL_MCP_LOG_ENVIRONMENT: 'test',
      OTEL_MCP_LOG_INTEGRITY_ORIGIN: 'audit.example.com/agents',
      OTEL_MCP_LOG_INTEGRITY_KEY: key,
    });
    const config = findings.find(({ topic }) => topic === 'config');
    expect(config?.message).to.match(/^OTEL_MCP_LOG_INTEGRITY_KEY: not a private key/);
  });

  it('finds a variable that cannot work', async () => {
    const findings = await find({ OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_MODE: 's3cr3t' });
    const config = findings.find(({ topic }) => topic === 'config');
    expect(config?.message).to.match(/^OTEL_MCP_LOG_MODE: /);
    expect(config?.message).not.to.include('s3cr3t');
  });

  it('is a command: text or JSON, and an exit code by severity', async () => {
    const run = async (...args: string[]): Promise<[code: number | null, text: string]> => {
      const { code, stdout, stderr } = await runCli(['doctor', ...args]);
      return [code, stdout + stderr];
    };
    const [bad, text] = await run(folder.path);
    expect([bad, text])
      .to.deep.equal([1, text])
      .and.to.satisfy(() => text.includes('warning: sdk-missing: '));
    install('@modelcontextprotocol/client');
    const [good, json] = await run('--json', folder.path);
    expect(good, json).to.equal(0);
    const report = JSON.parse(json) as { ok: boolean; findings: DoctorFinding[] };
    expect(report.ok).to.equal(true);
    expect(report.findings.map(({ topic }) => topic)).to.include('sdk-patched');
  });
});
