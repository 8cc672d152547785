// `npm run demo` on a fresh clone: install and build where that has not been done, then show it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function step(why, command, args) {
  process.stdout.write(`${why}…\n`);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}\n${why} failed.\n`);
  process.exit(1);
}

if (!existsSync(at('../../node_modules'))) step('Installing', 'npm', ['ci']);
if (!existsSync(at('../../dist/esm/index.js'))) step('Building', process.execPath, ['scripts/build.mjs']);

const { status } = spawnSync(process.execPath, ['--import', at('instrumentation.mjs'), at('main.mjs')], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
