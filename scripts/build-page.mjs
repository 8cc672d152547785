// Makes the script and the style of the report's page, and puts them into dist/ as a module of each kind. Called by
// scripts/build.mjs: nothing of this is committed, and at run time nothing is read from node_modules.
import { buildSync } from 'esbuild';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** One self-contained file for browsers of 2023 and later (which have DecompressionStream). */
function bundle(entry) {
  const { outputFiles } = buildSync({
    entryPoints: [join(root, 'web', 'report', entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    charset: 'ascii',
    legalComments: 'inline',
    target: ['chrome110', 'firefox115', 'safari16.4'],
  });
  const [file] = outputFiles;
  // Inside a <script> or <style>, only these could end the element early.
  if (/<\/(?:script|style)|<!--/i.test(file.text)) throw new Error(`${entry} cannot be inlined into HTML`);
  return file.text.trim();
}

const constants = { PAGE_SCRIPT: bundle('main.ts'), PAGE_STYLE: bundle('report.css') };

for (const [kind, declare] of [
  ['esm', (name) => `export const ${name}`],
  ['cjs', (name) => `exports.${name}`],
]) {
  const lines = Object.entries(constants).map(
    ([name, text]) => `${declare(name)} = ${JSON.stringify(text)};\n`,
  );
  writeFileSync(join(root, 'dist', kind, 'cli', 'report', 'assets.js'), lines.join(''));
}
