import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Gives a folder a `node_modules` with whatever this repository has installed, so that programs there import it as a user's do.
 * The package itself is not among it.
 *
 * @returns where the package belongs.
 */
export function linkModules(folder: string): string {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  return join(modules, 'otel-mcp-log');
}
