import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runNode } from '../support/node.js';
import { otlpTraces } from '../support/otlpTraces.js';
import { EVERYTHING } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FIXTURES = './spec/hooks/fixtures';
const ESM = ['--import', 'otel-mcp-log/register', `${FIXTURES}/plain.mjs`];
const CJS = ['--require', 'otel-mcp-log/register', `${FIXTURES}/plain.cjs`];
const RESOURCES = ['session/initialize', 'tools/echo', 'session/close'];

describe('otel-mcp-log/register', function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let file: string;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = temporaryFolder();
    file = join(folder.path, 'audit.jsonl');
    env = { EVERYTHING, OTEL_MCP_LOG_ENVIRONMENT: 'test', OTEL_MCP_LOG_FILE: file, OTEL_MCP_LOG_QUIET: '' };
  });

  afterEach(() => folder.remove());

  function records(path = file): AuditRecord[] {
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    return lines
      .map((line) => JSON.parse(line) as AuditRecord)
      .filter(({ resource }) => !resource.startsWith('audit/'));
  }

  for (const [name, args] of Object.entries({ '--import': ESM, '--require': CJS })) {
    it(`audits an application by ${name} alone, without OpenTelemetry and without a word on stdout`, async () => {
      const { code, stdout, stderr } = await runNode(args, env);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.equal('called\n');
      expect(stderr).to.match(
        /^otel-mcp-log \S+: auditing MCP clients and servers, environment test, to file [^\n]+\n$/,
      );
      expect(stderr).to.include(file);
      expect(records().map(({ resource }) => resource)).to.deep.equal(RESOURCES);
      expect(new Set(records().map(({ trace_id }) => trace_id))).to.have.property('size', RESOURCES.length);
      expect(readFileSync(file, 'utf8')).not.to.include('canary');
      expect(statSync(file).mode & 0o777).to.equal(0o600);
    });
  }

  for (const order of ['before', 'after']) {
    it(`joins an OpenTelemetry that is set up ${order} it${order === 'before' ? '' : ' @slow'}`, async () => {
      const receiver = await otlpTraces();
      const tracing = ['--import', `${FIXTURES}/tracing.mjs`];
      const args = order === 'before' ? [...tracing, ...ESM] : [...ESM.slice(0, 2), ...tracing, ESM[2]!];
      const { code, stderr } = await runNode(args, { ...env, OTLP_URL: receiver.url });
      await receiver.close();
      expect(code, stderr).to.equal(0);
      expect(records().map(({ resource }) => resource)).to.deep.equal(RESOURCES);
      for (const { span_id, trace_id } of records()) {
        const span = receiver.spans.find(({ spanId }) => spanId === span_id);
        expect(span).to.have.property('traceId', trace_id);
      }
    });
  }

  it('makes no spans where OTEL_SDK_DISABLED says so, and records all the same @slow', async () => {
    const receiver = await otlpTraces();
    const args = ['--import', `${FIXTURES}/tracing.mjs`, ...ESM];
    await runNode(args, { ...env, OTLP_URL: receiver.url, OTEL_SDK_DISABLED: 'true' });
    await receiver.close();
    expect(receiver.spans).to.deep.equal([]);
    expect(records().map(({ resource }) => resource)).to.deep.equal(RESOURCES);
  });

  for (const [name, args] of Object.entries({ '--import': ESM, '--require': CJS })) {
    it(`stops the start-up by ${name} on a bad variable, with one line`, async () => {
      const { code, stdout, stderr } = await runNode(args, { ...env, OTEL_MCP_LOG_ACTOR_TYPE: 's3cr3t' });
      expect([code, stdout]).to.deep.equal([78, '']);
      expect(stderr).to.match(/^otel-mcp-log: OTEL_MCP_LOG_ACTOR_TYPE: [^\n]*\n$/);
      expect(stderr).not.to.include('s3cr3t');
      expect(existsSync(file)).to.equal(false);
    });
  }

  it('goes on without auditing where OTEL_MCP_LOG_ON_CONFIG_ERROR says so, and says so @slow', async () => {
    const { code, stdout, stderr } = await runNode(ESM, {
      ...env,
      OTEL_MCP_LOG_SINKS: 'nowhere',
      OTEL_MCP_LOG_ON_CONFIG_ERROR: 'warn',
    });
    expect([code, stdout]).to.deep.equal([0, 'called\n']);
    expect(stderr).to.match(/^otel-mcp-log: OTEL_MCP_LOG_SINKS: .*; going on WITHOUT AUDITING\n$/);
    expect(existsSync(file)).to.equal(false);
  });

  it('does nothing at all where it is disabled, and is quiet where it is asked to be @slow', async () => {
    const disabled = await runNode(ESM, { ...env, OTEL_MCP_LOG_DISABLED: 'true' });
    expect(disabled).to.deep.equal({ code: 0, stdout: 'called\n', stderr: '' });
    expect(existsSync(file)).to.equal(false);
    const quiet = await runNode(ESM, { ...env, OTEL_MCP_LOG_QUIET: '1' });
    expect(quiet).to.deep.equal({ code: 0, stdout: 'called\n', stderr: '' });
    expect(records()).to.have.length(RESOURCES.length);
  });

  it('gives each worker thread a file of its own @slow', async () => {
    const { code, stderr } = await runNode([...ESM.slice(0, 2), `${FIXTURES}/plainWorker.mjs`], env);
    expect(code, stderr).to.equal(0);
    const logs = readdirSync(folder.path).filter((name) => /^audit-\d+\.jsonl$/.test(name));
    expect(logs).to.have.length(1);
    expect(records(join(folder.path, logs[0]!)).map(({ resource }) => resource)).to.deep.equal(RESOURCES);
  });

  it('has an application that is a stdio server itself on record, and does not disturb it @slow', async () => {
    const client = new Client({ name: 'outside', version: '1.0.0' });
    const faults: Error[] = [];
    client.onerror = (error) => void faults.push(error);
    const args = ['--import', 'otel-mcp-log/register', EVERYTHING, 'stdio'];
    const transport = new StdioClientTransport({
      command: process.execPath,
      args,
      cwd: root,
      env: { ...env, PATH: process.env['PATH'] ?? '' },
      stderr: 'ignore',
    });
    await client.connect(transport);
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    await client.close();
    expect(content).to.deep.equal([{ type: 'text', text: 'Echo: hello' }]);
    expect(faults).to.deep.equal([]);
    const own = records(file).filter(({ mcp }) => mcp?.['method'] === 'tools/call');
    expect(own.map(({ resource, mcp }) => [resource, mcp?.['side']])).to.deep.equal([
      ['tools/echo', 'server'],
    ]);
  });

  for (const [name, preload] of Object.entries({
    'by its own default': [],
    'by the decision of another library @slow': ['--import', `${FIXTURES}/polite.mjs`],
  })) {
    it(`lets SIGTERM end the process ${name}, with what was held in the log`, async () => {
      const child = spawn(process.execPath, [...preload, ...ESM], {
        cwd: root,
        env: { ...process.env, ...env, STAY: 'yes', OTEL_MCP_LOG_MODE: 'batch' },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      await once(child.stdout, 'data');
      child.kill('SIGTERM');
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      expect([code, signal]).to.deep.equal([null, 'SIGTERM']);
      expect(records().map(({ resource }) => resource)).to.include('tools/echo');
    });
  }
});
