import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Below `node_modules`, from where a program finds the packages that the sources find. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/spec-programs', import.meta.url));
const bundles = new Map<string, string>();

/**
 * A program of `spec/`, with the sources that it imports, as one file that Node runs by itself: a process that translates its
 * sources as it loads them takes three times as long to begin. Each process of mocha makes it once.
 */
export function bundled(program: string | URL): string {
  const source = program instanceof URL ? fileURLToPath(program) : program;
  const made = bundles.get(source);
  if (made !== undefined) return made;
  const { outputFiles } = buildSync({
    entryPoints: [source],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'inline',
    write: false,
  });
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, basename(source).replace(/\.ts$/, '.mjs'));
  // Another process may be about to run the same program: it finds the whole file.
  const part = `${file}.${process.pid}`;
  writeFileSync(part, outputFiles[0]!.contents);
  renameSync(part, file);
  bundles.set(source, file);
  return file;
}
