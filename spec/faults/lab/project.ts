import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = 'otel-mcp-log';
const root = fileURLToPath(new URL('../../..', import.meta.url));
const children = fileURLToPath(new URL('children', import.meta.url));

/** A folder as a user has one, with the package among its `node_modules` and the lab's scripts beside them. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-lab-'));
  /** The package as it is installed here. */
  readonly package = join(this.folder, 'node_modules', PACKAGE);

  /** @param how - `linked` to the repository's build, or a copy of that build, which may be spoilt. */
  constructor(how: 'linked' | 'copied' = 'linked') {
    if (statSync(join(root, 'dist', 'esm', 'index.js'), { throwIfNoEntry: false }) === undefined)
      throw new Error('there is no dist/: run npm run build');
    const modules = join(this.folder, 'node_modules');
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules')))
      if (!name.startsWith('.') && name !== PACKAGE)
        symlinkSync(join(root, 'node_modules', name), join(modules, name));
    if (how === 'linked') symlinkSync(root, this.package);
    else
      for (const part of ['package.json', 'dist'])
        cpSync(join(root, part), join(this.package, part), { recursive: true });
    cpSync(children, join(this.folder, 'children'), { recursive: true });
  }

  /** A script of `children/`. */
  script(name: string): string {
    return join(this.folder, 'children', name);
  }

  /** The command line of the package. */
  get cli(): string {
    return join(this.package, 'dist', 'esm', 'cli', 'main.js');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
