import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const lib = fileURLToPath(new URL('../lib', import.meta.url));
const specs = fileURLToPath(new URL('.', import.meta.url));

/**
 * The way of the data, from left to right: nothing imports what stands to its left. Folders and files of the top level.
 */
const ORDER = [
  'index.ts',
  'register.mts',
  'register.cts',
  'browser.ts',
  'setup.ts',
  'withLogging.ts',
  'cli',
  'relay',
  'doctor',
  'environment',
  'decorators',
  'capture',
  'processor',
  'operations',
  'config.ts',
  'erasure',
  'identity.ts',
  'callers.ts',
  'origin.ts',
  'tools',
  'redaction',
  'pipeline',
  'sinks',
  'archive',
  'codecs',
  'integrity',
  'schema',
  'hook.mts',
  'hook.cts',
  'loader',
  'internal',
  'errors.ts',
  'options',
  'version.ts',
];

/** Folders that know neither I/O nor OpenTelemetry, so that the command line and the library share them. */
const PURE = ['schema', 'redaction', 'codecs'];
const FORBIDDEN_THERE =
  /^(@opentelemetry\/|(node:)?(fs|net|http|https|child_process|process|worker_threads)(\/|$))/;

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.[mc]?ts$/.test(file),
);

/** Imports and exports from other files, and what is loaded on demand. */
const ALL = /(?:from|import)\s*\(?\s*'([^']+)'/g;
/** Without what is loaded on demand. */
const STATIC = /from\s*'([^']+)'/g;

function importsOf(file: string, kinds = ALL): string[] {
  const source = readFileSync(join(lib, file), 'utf8');
  return [...source.matchAll(kinds)].map((match) => match[1]!);
}

/** The files of `lib/` that a file imports. */
function targetsOf(file: string, kinds = ALL): string[] {
  return importsOf(file, kinds)
    .filter((name) => name.startsWith('.'))
    .map((name) =>
      relative(lib, resolve(lib, dirname(file), name.replace(/\.js$/, '.ts').replace(/\.mjs$/, '.mts'))),
    );
}

/** What can be reached from itself. */
function circlesIn(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...graph.keys()].filter((start) => {
    const reached = new Set<string>();
    const open = [...(graph.get(start) ?? [])].filter((target) => target !== start);
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      open.push(...(graph.get(node) ?? []));
    }
    return reached.has(start);
  });
}

const layerOf = (file: string): string => file.split(sep)[0]!;

/**
 * What spec files import that only the folder which it stands in knows: a file in a folder of `lib/` that no other folder, and no
 * entry of the package, imports. The spec files of that folder may; those of other folders depend on its inside.
 */
function innerImports(): { spec: string; target: string }[] {
  const known = new Set(
    files.flatMap((file) => targetsOf(file).filter((target) => layerOf(target) !== layerOf(file))),
  );
  return readdirSync(specs, { recursive: true, encoding: 'utf8' })
    .filter((spec) => /\.(?:spec|heavy)\.ts$/.test(spec))
    .flatMap((spec) =>
      [...readFileSync(join(specs, spec), 'utf8').matchAll(ALL)]
        .map(([, name = '']) => relative(lib, resolve(specs, dirname(spec), name.replace(/\.js$/, '.ts'))))
        .filter((target) => target.includes(sep) && files.includes(target) && !known.has(target))
        .filter((target) => layerOf(target) !== layerOf(spec))
        .map((target) => ({ spec, target })),
    );
}

describe('the layers of lib/', () => {
  it('are all placed in the order', () => {
    expect([...new Set(files.map(layerOf))].filter((layer) => !ORDER.includes(layer))).to.deep.equal([]);
  });

  it('import only to the right', () => {
    const wrong: string[] = [];
    for (const file of files) {
      for (const target of targetsOf(file)) {
        if (ORDER.indexOf(layerOf(target)) < ORDER.indexOf(layerOf(file)))
          wrong.push(`${file} imports ${target}`);
      }
    }
    expect(wrong).to.deep.equal([]);
  });

  it('have no circle of files', () => {
    const graph = new Map(files.map((file) => [file, new Set(targetsOf(file, STATIC))]));
    expect(circlesIn(graph)).to.deep.equal([]);
  });

  it('have no circle of folders', () => {
    const graph = new Map<string, Set<string>>();
    for (const file of files.filter((each) => each.includes(sep))) {
      const targets = graph.get(dirname(file)) ?? new Set();
      for (const target of targetsOf(file, STATIC)) targets.add(dirname(target));
      graph.set(dirname(file), targets);
    }
    expect(circlesIn(graph)).to.deep.equal([]);
  });

  it('are tested by what users or neighbours see, or by a spec file whose first line is a comment that says why not', () => {
    const silent = innerImports()
      .filter(({ spec }) => !readFileSync(join(specs, spec), 'utf8').startsWith('// '))
      .map(({ spec, target }) => `${spec} imports ${target}`);
    expect(silent).to.deep.equal([]);
  });

  it('are pure where they say so', () => {
    const impure = files
      .filter((file) => PURE.includes(layerOf(file)))
      .flatMap((file) =>
        importsOf(file)
          .filter((name) => FORBIDDEN_THERE.test(name))
          .map((name) => `${file} imports ${name}`),
      );
    expect(impure).to.deep.equal([]);
  });

  it('keep their files short', () => {
    const lengths = files
      .filter((file) => !file.includes(`${sep}gen${sep}`) && !file.endsWith('tables.ts'))
      .map((file) => readFileSync(join(lib, file), 'utf8').split('\n').length - 1)
      .sort((a, b) => a - b);
    expect(lengths.at(-1)).to.be.at.most(350);
    expect(lengths[lengths.length >> 1]).to.be.at.most(250);
  });
});
