// Builds lib/ twice, as ES modules and as CommonJS, with types for each. A kind is a handful of files named after the
// folders of lib/, not one for each source: Node takes about half a millisecond to find, read and link a module, so three
// hundred of them cost more than all that they do. What is loaded on demand (`await import`) keeps a file of its own.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import { onWay } from './build/layers.mjs';
import { sources } from './build/sources.mjs';
import { buildTypes } from './build/types.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'lib');
const dist = join(root, 'dist');
// TypeScript 7 is native and takes an eighth of the time; 6 stays for the tools that are built on its programming interface.
const tsc = (...args) =>
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript-7', 'bin', 'tsc'), ...args], {
    stdio: 'inherit',
  });

rmSync(dist, { recursive: true, force: true });
// The report's page is built for browsers, and type-checked as such.
tsc('-p', join(root, 'web'));
const shared = ['index.ts', 'integrity/index.ts'];
await build('esm', [...shared, 'hook.mts', 'register.mts', 'loader/thread.mts', 'cli/main.ts']);
await build('cjs', [...shared, 'hook.cts', 'register.cts', 'browser.ts']);
for (const name of ['clickhouse.sql', 'postgres.sql'])
  copyFileSync(join(lib, 'sinks', name), join(dist, name));
// For those who decode what is sent as protobuf.
cpSync(join(lib, 'codecs', 'proto'), join(dist, 'proto'), { recursive: true });
writeFileSync(join(dist, 'cjs', 'package.json'), JSON.stringify({ type: 'commonjs' }));
await buildTypes(
  dist,
  shared.map((entry) => entry.replace(/\.ts$/, '')),
  (...options) => tsc('-p', join(root, 'tsconfig.build.json'), ...options),
);

async function build(kind, entries) {
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry.replace(/\.[cm]?ts$/, ''), join(lib, entry)])),
    plugins: [sources(lib)],
    onwarn: (warning) => {
      throw new Error(warning.message);
    },
  });
  await bundle.write({
    dir: join(dist, kind),
    format: kind,
    entryFileNames: ({ name, facadeModuleId }) =>
      `${name}.${facadeModuleId.replace(/.*\.([cm]?)ts$/, '$1js')}`,
    chunkFileNames: ({ name }) => `parts/${name}.js`,
    manualChunks: onWay(lib, shared[0]),
    hoistTransitiveImports: false,
    minifyInternalExports: false,
    interop: 'auto',
    generatedCode: 'es2015',
  });
  await bundle.close();
}
