import { cpSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linkModules } from '../../support/linkedModules.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const children = fileURLToPath(new URL('children', import.meta.url));

/** A folder as a user has one, with the package among its `node_modules` and the lab's scripts beside them. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-lab-'));
  /** The package as it is installed here. */
  readonly package: string;

  /** @param how - `linked` to the repository's build, or a copy of that build, which may be spoilt. */
  constructor(how: 'linked' | 'copied' = 'linked') {
    if (statSync(join(root, 'dist', 'esm', 'index.js'), { throwIfNoEntry: false }) === undefined)
      throw new Error('there is no dist/: run npm run build');
    this.package = linkModules(this.folder);
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
