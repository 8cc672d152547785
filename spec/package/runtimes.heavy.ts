import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { pack } from '../matrix/projects.js';
import { launchBrowser, noBrowser } from '../support/browser.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const PACKAGES = [
  '@opentelemetry/api@1.9',
  '@opentelemetry/sdk-trace-base@2',
  '@modelcontextprotocol/sdk@1',
  '@modelcontextprotocol/server-everything',
  // Not in the repository's own lock file: their platform packages would be.
  ...['bun@1', 'deno@2', 'tsx@4', 'esbuild', 'vite@8'],
];
/** What each application does, between what its log says of itself. */
const OPERATIONS = ['audit/start', 'session/initialize', 'tools/echo', 'session/close', 'audit/stop'];
const RUNTIMES = { Bun: ['bun'], Deno: ['deno', 'run', '-A'] } as const;

describe('beside Node.js alone', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const project = join(folder.path, 'project');
  const run = (command: string, ...args: string[]) => {
    const env = { ...process.env, OTEL_MCP_LOG_ENVIRONMENT: 'test', NO_COLOR: '1' };
    const path = join(project, 'node_modules', '.bin', command);
    return spawnSync(path, args, { cwd: project, env, encoding: 'utf8', timeout: 120_000 });
  };
  /** Runs it and gives what its log, whose path is its last argument, says was done. */
  const recordsOf = (command: string, ...args: string[]): string[] => {
    // A second try has a log of its own.
    rmSync(join(project, args.at(-1)!), { force: true });
    const { status, stderr } = run(command, ...args);
    expect(status, stderr).to.equal(0);
    return read(args.at(-1)!);
  };
  const read = (log: string): string[] =>
    readFileSync(join(project, log), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { resource: string }).resource);

  before(() => {
    const tarball = pack();
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', tarball, ...PACKAGES], {
      cwd: project,
    });
    writeFileSync(
      join(project, 'small.mjs'),
      "import { ConfigError } from 'otel-mcp-log';\nconsole.log(ConfigError);\n",
    );
    cpSync(fileURLToPath(new URL('fixtures', import.meta.url)), project, { recursive: true });
  });
  after(() => folder.remove());

  for (const [name, [command, ...args]] of Object.entries(RUNTIMES)) {
    it(`${name} audits a client that is wrapped, and one whose class is patched by hand`, () => {
      expect(recordsOf(command, ...args, 'wrapped.ts', `${name}-wrapped.jsonl`)).to.deep.equal(OPERATIONS);
      expect(recordsOf(command, ...args, 'patched.ts', `${name}-patched.jsonl`)).to.deep.equal(OPERATIONS);
    });

    it(`${name} is told by an instrumentation that nothing is patched as it is loaded`, () => {
      const { stderr, stdout } = run(command, ...args, 'patched.ts', `${name}-told.jsonl`);
      expect(stderr + stdout).to.include(`${name} has no module hooks`);
    });

    it(`${name} does not start an application that it could not audit`, () => {
      for (const [entry, code] of [
        ['register.mjs', 78],
        ['hook.mjs', 1],
      ] as const) {
        const preload = ['--preload', `./node_modules/otel-mcp-log/dist/esm/${entry}`];
        const { status, stderr } = run(command, ...args, ...preload, 'wrapped.ts', `${name}-${entry}.jsonl`);
        expect(stderr).to.include(`${name} has no module hooks`).and.include('withLogging(client, options)');
        expect(stderr).not.to.include('auditing MCP');
        expect(status).to.equal(code);
      }
    });
  }

  it('tsx runs it as it stands', () => {
    expect(recordsOf('tsx', 'wrapped.ts', 'tsx.jsonl')).to.deep.equal(OPERATIONS);
  });

  it('esbuild bundles it whole', () => {
    const options = ['--bundle', '--platform=node', '--format=esm', '--outfile=esbuild.mjs'];
    // CommonJS packages in an ES bundle need a require; esbuild's own documentation names this banner.
    const banner =
      "--banner:js=import { createRequire as r } from 'node:module'; const require = r(import.meta.url);";
    const built = run('esbuild', 'wrapped.ts', ...options, banner);
    expect(built.stderr, built.stderr).to.not.include('WARNING');
    expect(recordsOf('tsx', 'esbuild.mjs', 'esbuild.jsonl')).to.deep.equal(OPERATIONS);
  });

  for (const [what, noExternal] of [
    ['beside it', []],
    ['with it inside', true],
  ] as const)
    it(`vite build --ssr makes a server ${what}`, () => {
      const out = noExternal === true ? 'whole' : 'beside';
      writeFileSync(
        join(project, 'vite.config.mjs'),
        `export default { ssr: { noExternal: ${JSON.stringify(noExternal)} } };`,
      );
      for (const app of ['wrapped', 'patched']) {
        const built = run('vite', 'build', '--ssr', `${app}.ts`, '--outDir', out, '--logLevel', 'warn');
        expect(built.status, built.stderr).to.equal(0);
        expect(recordsOf('tsx', `${out}/${app}.js`, `${out}-${app}.jsonl`)).to.deep.equal(OPERATIONS);
      }
    });

  it('a bundle holds what is used, and no more', () => {
    run('esbuild', 'small.mjs', '--bundle', '--platform=node', '--format=esm', '--outfile=small.out.mjs');
    run('esbuild', 'wrapped.ts', '--bundle', '--platform=node', '--format=esm', '--outfile=large.out.mjs');
    const sizes = ['small', 'large'].map((each) => statSync(join(project, `${each}.out.mjs`)).size);
    // The errors, and the options that they know the pages of, are a few kilobytes; capture, sinks and redaction are hundreds.
    expect(sizes[0]).to.be.lessThan(30_000);
    expect(sizes[1]).to.be.greaterThan(200_000);
  });

  const itInBrowser = noBrowser === undefined ? it : it.skip;
  itInBrowser(`a browser says why it cannot be used there${noBrowser ?? ''}`, async () => {
    const built = run('esbuild', 'small.mjs', '--bundle', '--format=iife', '--outfile=browser.js');
    expect(built.status, built.stderr).to.equal(0);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      const said: string[] = [];
      page.on('pageerror', ({ message }) => said.push(message));
      await page.addScriptTag({ content: readFileSync(join(project, 'browser.js'), 'utf8') });
      expect(said.join()).to.include('otel-mcp-log: runs in Node.js, Bun and Deno only');
    } finally {
      await browser.close();
    }
  });
});
