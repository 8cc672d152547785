// The package's types: one file for each entry, without what no entry exports.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

/** Entries that have effects and no exports. */
const BARE = ['esm/hook.d.mts', 'esm/register.d.mts', 'cjs/hook.d.cts', 'cjs/register.d.cts'];

/**
 * Writes dist/types, and beside the code of each kind what refers to it: types read as CommonJS serve both kinds, types read
 * as an ES module could not be required.
 */
export async function buildTypes(dist, entries, tsc) {
  const staging = join(dist, 'staging');
  tsc('--emitDeclarationOnly', '--outDir', staging);
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, join(staging, `${entry}.d.ts`)])),
    external: (id) => !/^[./]/.test(id),
    plugins: [dts()],
  });
  const types = join(dist, 'types');
  await bundle.write({ dir: types, entryFileNames: '[name].d.ts', chunkFileNames: 'shared.d.ts' });
  await bundle.close();
  rmSync(staging, { recursive: true });
  writeFileSync(join(types, 'package.json'), JSON.stringify({ type: 'commonjs' }));
  for (const kind of ['esm', 'cjs'])
    for (const entry of entries) refer(join(dist, kind, `${entry}.d.ts`), join(types, `${entry}.js`));
  for (const name of BARE) writeFileSync(join(dist, name), 'export {};\n');
}

function refer(file, target) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `export * from '${relative(dirname(file), target)}';\n`);
}
