import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { pack } from '../matrix/projects.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

/**
 * What a download may weigh (the command line, the library twice, and types, with room for a tenth more), and how many packages
 * an installation may add, ours and OpenTelemetry's API included.
 */
const MAX_BYTES = 1_000_000;
const MAX_PACKAGES = 17;

const bin = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/.bin/${name}`, import.meta.url));

describe('the packed package', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const project = join(folder.path, 'project');
  let tarball: string;
  const run = (command: string, args: readonly string[]): string =>
    execFileSync(command, args, { cwd: project, encoding: 'utf8' });

  before(() => {
    tarball = pack();
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }));
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', tarball, '@opentelemetry/api']);
  });
  after(() => folder.remove());

  it('has nothing that publint finds wrong', () => {
    expect(run(bin('publint'), [tarball, '--strict'])).to.include('All good');
  });

  it('has types that are right for every way of importing them', () => {
    // The hook is for `--import`, and an ES module alone: there is nothing to require.
    const args = [tarball, '--profile', 'node16', '--exclude-entrypoints', 'hook', '--no-emoji'];
    // Whatever is wrong makes it exit with 1, which throws here.
    expect(run(bin('attw'), args)).to.include('"otel-mcp-log/integrity"');
  });

  it('is small, and brings few packages', () => {
    expect(statSync(tarball).size).to.be.below(MAX_BYTES);
    const added = installed();
    expect(added).to.include.members([
      'otel-mcp-log',
      '@opentelemetry/api',
      '@opentelemetry/instrumentation',
    ]);
    expect(added.length).to.be.at.most(MAX_PACKAGES);
  });

  it('runs no script when it is installed, and neither does what it needs', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'];
    for (const name of installed()) {
      const manifest = JSON.parse(
        readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'),
      ) as {
        scripts?: Record<string, string>;
      };
      // npm runs `prepare` for what comes from git alone, not for what comes from the registry.
      const own = name === 'otel-mcp-log' ? hooks : hooks.slice(0, 3);
      expect(
        Object.keys(manifest.scripts ?? {}).filter((script) => own.includes(script)),
        name,
      ).to.deep.equal([]);
    }
  });

  function installed(): string[] {
    const modules = join(project, 'node_modules');
    return readdirSync(modules).flatMap((name) => {
      if (name.startsWith('.')) return [];
      return name.startsWith('@')
        ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`)
        : [name];
    });
  }
});
