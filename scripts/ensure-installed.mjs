// `npm test` on a fresh clone: install what the lockfile names, unless that has been done.
import { execSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const installed = at('node_modules/.package-lock.json');

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(at('package-lock.json')).mtimeMs) {
  execSync('npm ci', { cwd: at('.'), stdio: 'inherit' });
}
