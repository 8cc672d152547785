// Makes the script and the style of the report's page. The build puts them in where `lib/cli/report/assets.js` is imported:
// nothing of this is committed, and at run time nothing is read from node_modules.
import { buildSync } from 'esbuild';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../../web/report', import.meta.url));

/** One self-contained file for browsers of 2023 and later (which have DecompressionStream). */
function bundle(entry) {
  const { outputFiles } = buildSync({
    entryPoints: [join(page, entry)],
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

/** The module that holds the page's script and style. */
export function pageAssets() {
  return [
    `export const PAGE_SCRIPT = ${JSON.stringify(bundle('main.ts'))};`,
    `export const PAGE_STYLE = ${JSON.stringify(bundle('report.css'))};`,
  ].join('\n');
}
