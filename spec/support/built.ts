import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The first and the last file that a build writes. */
const [FIRST, LAST] = ['dist/esm/cli/main.js', 'dist/cjs/register.d.cts'];
let found = false;

/** Whether `dist/` was built whole since the sources changed. Once it was found so, a process does not look again: hundreds of
 * tests ask. */
export function isBuilt(): boolean {
  return (found ||= builtAt() >= Math.max(newest('lib'), newest('web')));
}

/** When the build began to write, where it has come to its end; else 0. */
function builtAt(): number {
  const [first = 0, last = 0] = [FIRST, LAST].map(
    (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs,
  );
  return last < first ? 0 : first;
}

function newest(folder: string): number {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((file) => statSync(join(root, folder, file)).mtimeMs));
}
