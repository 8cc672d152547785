// Builds lib/ twice, as ES modules and as CommonJS, each with its own types. tsc decides the module format of a file by
// the nearest package.json, so the CommonJS pass compiles a copy of lib/ that lies beside a package.json which says so.
// Entries of one module system alone (.mts, .cts) belong to its own pass.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const staging = join(root, 'dist', 'staging');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const commonjs = JSON.stringify({ type: 'commonjs' });

rmSync(dist, { recursive: true, force: true });
mkdirSync(staging, { recursive: true });

writeFileSync(join(staging, 'package.json'), commonjs);
cpSync(join(root, 'lib'), join(staging, 'lib'), { recursive: true });
writeFileSync(
  join(staging, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../tsconfig.build.json',
    compilerOptions: { rootDir: 'lib', outDir: '../cjs' },
    include: ['lib'],
    exclude: ['lib/**/*.mts'],
  }),
);

execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
execFileSync(process.execPath, [tsc, '-p', join(staging, 'tsconfig.json')], { stdio: 'inherit' });
writeFileSync(join(dist, 'cjs', 'package.json'), commonjs);
rmSync(staging, { recursive: true });

// The report's page is built for browsers, and type-checked as such.
execFileSync(process.execPath, [tsc, '-p', join(root, 'web')], { stdio: 'inherit' });
await import('./build-page.mjs');
