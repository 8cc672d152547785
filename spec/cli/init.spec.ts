import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { runCli } from '../../lib/cli/run.js';
import { runCommand } from '../support/runCommand.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

describe('otel-mcp-log init', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => (folder = temporaryFolder()));
  afterEach(() => folder.remove());
  const write = (name: string, content: string) => writeFileSync(join(folder.path, name), content);
  const read = (name: string) => readFileSync(join(folder.path, name), 'utf8');
  const manifest = (scripts: object, type = 'module') =>
    write('package.json', `${JSON.stringify({ type, scripts }, null, 4)}\n`);
  const init = (...options: string[]) => runCommand(['init', ...options, folder.path]);
  const scripts = () => (JSON.parse(read('package.json')) as { scripts: object }).scripts;

  it('preloads a file in the scripts that start, and keeps every other byte of package.json', async () => {
    manifest({
      start: 'NODE_ENV=production node --import ./otel.js "src/app.js"',
      'dev:api': 'npm run build && cross-env A=b tsx watch src/app.ts',
      serve: "NODE_OPTIONS='--max-old-space-size=99 --trace-warnings' node app.js",
      test: 'node --test',
      build: 'node build.js',
    });
    const before = read('package.json');
    expect((await init('--yes')).code).to.equal(0);
    expect(scripts()).to.deep.equal({
      start: 'NODE_ENV=production node --import ./audit-log.mjs --import ./otel.js "src/app.js"',
      'dev:api': 'npm run build && cross-env A=b tsx watch --import ./audit-log.mjs src/app.ts',
      serve: "NODE_OPTIONS='--max-old-space-size=99 --trace-warnings' node --import ./audit-log.mjs app.js",
      test: 'node --test',
      build: 'node build.js',
    });
    expect(read('package.json').replaceAll('--import ./audit-log.mjs ', '')).to.equal(before);
    expect(read('audit-log.mjs')).to.include("await import('otel-mcp-log/register')");
  });

  it('requires a file in a CommonJS project', async () => {
    manifest({ start: 'node app.js' }, 'commonjs');
    await init('--yes');
    expect(scripts()).to.deep.equal({ start: 'node --require ./audit-log.cjs app.js' });
    expect(read('audit-log.cjs')).to.include("require('otel-mcp-log/register')");
  });

  it('shows a diff that git apply makes the same files of', async () => {
    mkdirSync(join(folder.path, '.git'));
    write('.gitignore', 'node_modules\ndist');
    manifest({ start: 'node app.js', dev: 'node --watch app.js' });
    const { out, code } = await init('--dry-run');
    expect(code).to.equal(0);
    expect(readdirSync(folder.path)).to.not.include('audit-log.mjs');
    execFileSync('git', ['apply', '-'], { cwd: folder.path, input: out });
    const patched = ['package.json', '.gitignore', 'audit-log.mjs'].map(read);
    for (const name of ['.gitignore', 'package.json'])
      expect(out).to.include(`--- a/${name}\n+++ b/${name}\n`);
    expect(patched[1]).to.equal('node_modules\ndist\naudit.jsonl*\n');

    manifest({ start: 'node app.js', dev: 'node --watch app.js' });
    write('.gitignore', 'node_modules\ndist');
    execFileSync('rm', ['audit-log.mjs'], { cwd: folder.path });
    await init('--yes');
    expect(['package.json', '.gitignore', 'audit-log.mjs'].map(read)).to.deep.equal(patched);
  });

  it('changes nothing the second time, nor where the code audits already', async () => {
    manifest({ start: 'node app.js' });
    await init('--yes');
    const [first, preload] = [read('package.json'), read('audit-log.mjs')];
    const { code, err } = await init('--yes');
    expect({ code, err: err.includes('Nothing to do: the project') }).to.deep.equal({ code: 0, err: true });
    expect([read('package.json'), read('audit-log.mjs')]).to.deep.equal([first, preload]);
    execFileSync('rm', ['audit-log.mjs'], { cwd: folder.path });
    const audits = "import { withLogging } from 'otel-mcp-log';\nwithLogging(client, options);\n";
    for (const name of ['src', 'node_modules']) mkdirSync(join(folder.path, name));
    write('node_modules/other.js', audits);
    write('src/agent.ts', audits);
    expect((await init('--yes')).err).to.include('Nothing to do: src/agent.ts audits already');
  });

  it('mends a set-up that is half there, and keeps what was changed in the preloaded file', async () => {
    manifest({ start: 'node app.js', dev: 'node --watch app.js' });
    await init('--yes');
    const own = read('audit-log.mjs').replace("'audit.jsonl'", "'logs/audit.jsonl'");
    write('audit-log.mjs', own);
    const wanted = read('package.json');
    write('package.json', wanted.replace('--import ./audit-log.mjs app.js', 'app.js'));
    expect((await init('--yes')).code).to.equal(0);
    expect([read('package.json'), read('audit-log.mjs')]).to.deep.equal([wanted, own]);
  });

  it('writes over no file of the project', async () => {
    manifest({ start: 'node app.js' });
    const before = read('package.json');
    write('audit-log.mjs', 'export const mine = true;\n');
    const { code, err } = await init('--yes');
    expect({ code, said: err.includes('audit-log.mjs: is there already') }).to.deep.equal({
      code: 3,
      said: true,
    });
    expect([read('package.json'), read('audit-log.mjs')]).to.deep.equal([
      before,
      'export const mine = true;\n',
    ]);
  });

  it('leaves a start that it does not know alone, and says how to start it', async () => {
    manifest({ start: 'next start', dev: 'node app.js' });
    const { err } = await init('--yes');
    expect(scripts()).to.deep.equal({
      start: 'next start',
      dev: 'node --import ./audit-log.mjs app.js',
    });
    expect(err).to.include(
      "set NODE_OPTIONS='--import ./audit-log.mjs', which reaches what a launcher starts, before: npm run start (next start)",
    );
    expect((await init('--yes')).err, 'a second time').to.include('Left to you:\n  1. set NODE_OPTIONS=');
  });

  it('says what it found: the SDK, whether it is supported, OpenTelemetry', async () => {
    manifest({});
    write('tracing.js', 'export const sdk = new NodeSDK({});\n');
    write('instrumentation.ts', "import { registerOTel } from '@vercel/otel';\nregisterOTel('app');\n");
    write('sentry.server.config.ts', 'Sentry.init({ dsn });\n');
    const sdk = join(folder.path, 'node_modules', '@modelcontextprotocol', 'sdk');
    mkdirSync(sdk, { recursive: true });
    writeFileSync(join(sdk, 'package.json'), '{"name":"@modelcontextprotocol/sdk","version":"1.2.0"}');
    const { err } = await init('--yes');
    expect(err).to.include('@modelcontextprotocol/sdk 1.2.0 (not supported)');
    expect(err).to.match(
      /set up in (?=.*tracing\.js \(OpenTelemetry\))(?=.*instrumentation\.ts \(@vercel\/otel\))/,
    );
    expect(err).to.include('sentry.server.config.ts (Sentry)');
    expect(err).to.include('npm install otel-mcp-log @opentelemetry/api');
    expect(err).to.include('node --import ./audit-log.mjs YOUR_APP.js');
  });

  it('writes nothing where nobody can be asked, and asks at a terminal', async () => {
    manifest({ start: 'node app.js' });
    const unasked = await init();
    expect(unasked.code).to.equal(1);
    expect(unasked.err).to.include('--yes');
    for (const [answer, code] of [
      ['n\n', 1],
      ['\n', 1],
      ['', 1],
      ['y\n', 0],
    ] as const) {
      expect(await answered(answer)).to.equal(code);
      expect(readdirSync(folder.path).includes('audit-log.mjs')).to.equal(code === 0);
    }
  });

  it('says where there is no package.json, or one that is no JSON', async () => {
    expect(await init('--yes')).to.include({ code: 3, out: '' });
    write('package.json', '{');
    const { code, err } = await init('--yes');
    expect({ code, said: err.includes('is not JSON') }).to.deep.equal({ code: 3, said: true });
  });

  async function answered(answer: string): Promise<number> {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const asked = text(stderr);
    stdout.resume();
    stdin.end(answer);
    const code = await runCli(['init', folder.path], {
      stdin: Object.assign(stdin, { isTTY: true }),
      stdout,
      stderr,
      env: {},
    });
    stderr.end();
    expect(await asked).to.include('Write this? [y/N]');
    return code;
  }
});
