import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One installed copy of a package. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly path: string;
}

/** No tree of packages is nested deeper; a link that leads back to itself is seen by its real path. */
const MAX_DEPTH = 12;

/** Every copy of the named packages in the `node_modules` of a folder and of those above it, nested copies included. */
export function installedCopies(cwd: string, names: ReadonlySet<string>): InstalledPackage[] {
  const found = new Map<string, InstalledPackage>();
  const seen = new Set<string>();
  for (let folder = cwd; ; folder = dirname(folder)) {
    visit(join(folder, 'node_modules'), 0);
    if (dirname(folder) === folder) break;
  }
  return [...found.values()];

  function visit(modules: string, depth: number): void {
    if (depth > MAX_DEPTH || !existsSync(modules)) return;
    const real = realpathSync(modules);
    if (seen.has(real)) return;
    seen.add(real);
    for (const name of packageNames(modules)) {
      const path = join(modules, name);
      if (names.has(name)) add(name, path);
      visit(join(path, 'node_modules'), depth + 1);
    }
    // Where pnpm keeps what it links to.
    visitStore(join(modules, '.pnpm'), depth);
  }

  function visitStore(store: string, depth: number): void {
    for (const entry of list(store)) visit(join(store, entry, 'node_modules'), depth + 1);
  }

  function add(name: string, path: string): void {
    const version = readManifest(path)['version'];
    if (typeof version === 'string')
      found.set(realpathSync(path), { name, version, path: realpathSync(path) });
  }
}

/** A package's `package.json`; empty where there is none that can be read. */
export function readManifest(folder: string): Record<string, unknown> {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? { ...manifest } : {};
  } catch {
    return {};
  }
}

function packageNames(modules: string): string[] {
  return list(modules)
    .filter((entry) => !entry.startsWith('.'))
    .flatMap((entry) =>
      entry.startsWith('@') ? list(join(modules, entry)).map((name) => `${entry}/${name}`) : [entry],
    );
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
