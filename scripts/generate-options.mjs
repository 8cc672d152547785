// Writes what follows from the declarations of options (scripts/options/declarations.mjs says what those are), so that nothing
// lags: lib/options/tables.ts, which validation and the environment's variables go by; the options' tables of README.md and docs/,
// between `<!-- options: FileSinkOptions, RotationOptions as rotate. -->` and `<!-- end of options -->`; and the table of
// variables, between `<!-- variables -->` and `<!-- end of variables -->`. `--check` only compares (`npm run check` runs it).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { formatted } from './formatted.mjs';
import { readDeclarations } from './options/declarations.mjs';
import { optionsTable, variablesTable } from './options/pages.mjs';
import { tableSource } from './options/table.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
const entries = ['index.ts', 'integrity/index.ts', 'setup.ts'].map((name) => `${root}lib/${name}`);
const program = ts.createProgram(
  entries,
  ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options,
);
const sets = readDeclarations(program, root);

const TABLE = 'lib/options/tables.ts';
const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'));
const wanted = new Map([[TABLE, tableSource(sets)]]);
for (const page of ['README.md', ...docs.map((name) => `docs/${name}`)])
  wanted.set(
    page,
    readFileSync(root + page, 'utf8')
      .replace(
        /(<!-- options: ([\w., ]+) -->)[^]*?(<!-- end of options -->)/g,
        (_, open, names, close) => `${open}\n\n${optionsTable(sets, names)}\n\n${close}`,
      )
      .replace(
        /(<!-- variables -->)[^]*?(<!-- end of variables -->)/g,
        (_, open, close) => `${open}\n\n${variablesTable(sets)}\n\n${close}`,
      ),
  );

const lagging = [];
for (const [file, text] of wanted) {
  const before = ts.sys.readFile(root + file);
  if (text === before) continue;
  const after = await formatted(file, text);
  if (after === before) continue;
  lagging.push(file);
  if (!process.argv.includes('--check')) writeFileSync(root + file, after);
}

if (process.argv.includes('--check') && lagging.length > 0) {
  console.error(`${lagging.join(', ')}: not what the declarations of options say. Run: npm run generated`);
  process.exit(1);
}
