import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { runNode } from '../support/node.js';
import { EVERYTHING } from '../support/servers.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const REGISTER = ['--import', 'otel-mcp-log/register'];
const APP = [...REGISTER, './spec/hooks/fixtures/plain.mjs'];
/** A launcher that has the SDK among its own modules, and a worker of a build that loads the modules of an application. */
const LOADS_SDK = [...REGISTER, '--input-type=module', '--eval'];
const SDK = "import { Client } from '@modelcontextprotocol/sdk/client/index.js';";
const MADE = `${SDK} new Client({ name: 'a', version: '1' }); console.log('loaded');`;

describe('when otel-mcp-log/register opens its log', function () {
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

  it('leaves alone a process that uses no client, whoever has the log open', async () => {
    const passed = { code: 0, stdout: 'loaded\n', stderr: '' };
    expect(await runNode([...LOADS_SDK, MADE], env)).to.deep.equal(passed);
    expect(readdirSync(folder.path)).to.deep.equal([]);
    const running = new FileSink(file);
    try {
      expect(await runNode([...LOADS_SDK, MADE], env)).to.deep.equal(passed);
    } finally {
      await running.close();
    }
    expect(readFileSync(file, 'utf8')).to.equal('');
  });

  it('lets npm and what it starts pass, and audits the one process that has clients @slow', () => {
    const manifest = { name: 'app', private: true, scripts: { start: `node ${process.cwd()}/${APP[2]}` } };
    writeFileSync(join(folder.path, 'package.json'), JSON.stringify(manifest));
    const register = join(process.cwd(), 'dist/esm/register.mjs');
    const options = { ...process.env, ...env, NODE_OPTIONS: `--import ${register}` };
    const out = execFileSync('npm', ['start', '--silent'], { cwd: folder.path, env: options, stdio: 'pipe' });
    expect(out.toString()).to.equal('called\n');
    const starts = readFileSync(file, 'utf8').match(/"resource":"audit\/start"/g);
    expect(starts).to.have.length(1);
  });

  it('stops a program at its first operation where another process has the log open, before anything is sent', async () => {
    const running = new FileSink(file);
    const { code, stdout, stderr } = await runNode(APP, env);
    await running.close();
    expect([code, stdout], stderr).to.deep.equal([78, '']);
    expect(stderr).to.match(/^otel-mcp-log: OTEL_MCP_LOG_FILE: [^\n]*audit\.jsonl[^\n]*\n$/);
  });

  it('tells of a place that cannot be used as soon as an MCP client is loaded, and opens nothing for that', async () => {
    mkdirSync(file);
    const { code, stdout, stderr } = await runNode([...LOADS_SDK, MADE], env);
    expect([code, stdout]).to.deep.equal([78, '']);
    expect(stderr).to.equal(
      `otel-mcp-log: OTEL_MCP_LOG_FILE: cannot open ${file}: it is a directory (see docs/register.md)\n`,
    );
    const launcher = await runNode([...REGISTER, '--eval', 'console.log("launched")'], env);
    expect(launcher).to.deep.equal({ code: 0, stdout: 'launched\n', stderr: '' });
    const warned = await runNode(APP, { ...env, OTEL_MCP_LOG_ON_CONFIG_ERROR: 'warn' });
    expect([warned.code, warned.stdout]).to.deep.equal([0, 'called\n']);
    expect(warned.stderr).to.match(/^[^\n]*it is a directory[^\n]*; going on WITHOUT AUDITING\n$/);
  });

  it('keeps the log where the process was started, wherever it goes before its first operation @slow', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    mkdirSync(elsewhere);
    const app = join(process.cwd(), APP[2]!);
    const program = `process.chdir(${JSON.stringify(elsewhere)}); await import(${JSON.stringify(app)});`;
    const started = `process.chdir(${JSON.stringify(folder.path)}); await import('otel-mcp-log/register'); ${program}`;
    const { code, stderr } = await runNode(['--input-type=module', '--eval', started], {
      ...env,
      OTEL_MCP_LOG_FILE: 'own.jsonl',
    });
    expect(code, stderr).to.equal(0);
    expect([existsSync(join(folder.path, 'own.jsonl')), readdirSync(elsewhere)]).to.deep.equal([true, []]);
  });

  it('has the intent of the first operation on the disk before it is sent, in blocking-strict', async () => {
    const { code, stderr } = await runNode(APP, { ...env, OTEL_MCP_LOG_MODE: 'blocking-strict' });
    expect(code, stderr).to.equal(0);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as { resource: string; outcome: string });
    expect(records.slice(0, 3).map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
      ['audit/start', 'OUTCOME_SUCCESS'],
      ['session/initialize', 'OUTCOME_UNSPECIFIED'],
      ['session/initialize', 'OUTCOME_SUCCESS'],
    ]);
  });
});
