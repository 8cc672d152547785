// A plugin of Rollup: the sources of lib/, without their types. What is not ours stays outside.
import { transform } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pageAssets } from './page.mjs';

export function sources(lib) {
  const assets = join(lib, 'cli', 'report', 'assets.ts');
  return {
    name: 'sources',
    resolveId(source, importer) {
      if (importer === undefined) return source;
      if (!source.startsWith('.')) return { id: source, external: true };
      return resolve(dirname(importer), source).replace(/\.([cm]?)js$/, '.$1ts');
    },
    async load(id) {
      if (id === assets) return pageAssets();
      const text = await readFile(id, 'utf8');
      // Shorter syntax, and names and lines as they are: the package stays small, and a stack trace readable.
      const options = { loader: 'ts', target: 'node20.6', minifySyntax: true };
      const { code } = await transform(text, { ...options, sourcefile: id });
      return code;
    },
  };
}
