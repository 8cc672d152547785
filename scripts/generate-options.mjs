// Writes the options' tables of docs/ from the interfaces and their docstrings, so that no table lags:
// between `<!-- options: FileSinkOptions, RotationOptions as rotate. -->` and `<!-- end of options -->`.
// `--check` only compares (`npm run check` runs it).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = ['index.ts', 'integrity/index.ts'].map((name) => `${root}lib/${name}`);
const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
const program = ts.createProgram(
  entries,
  ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options,
);
const checker = program.getTypeChecker();

/** Every interface that the package exports, by its name. */
const exported = new Map(
  entries.flatMap((entry) =>
    checker
      .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
      .map((symbol) => [symbol.name, symbol]),
  ),
);

/** `{@link X.y}` as code, in one line. */
const inWords = (parts = []) =>
  parts
    .map(({ kind, text }) => (kind === 'linkName' ? `\`${text}\`` : kind === 'link' ? '' : text))
    .join('')
    .replace(/\s+/g, ' ')
    .trim();

/** The words that an option takes, where those are few: more telling than the name of their type. */
function wordsOf(property) {
  const { types = [] } = checker.getNonNullableType(checker.getTypeOfSymbol(property));
  if (types.length === 0 || types.length > 5 || !types.every((type) => type.isStringLiteral()))
    return undefined;
  return types.map(({ value }) => `'${value}'`).join(' | ');
}

function row(property, prefix) {
  const [declaration] = property.declarations;
  const tags = property.getJsDocTags(checker);
  const fallback = inWords(tags.find(({ name }) => name === 'defaultValue')?.text);
  const meaning = inWords(property.getDocumentationComment(checker));
  const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
  if (meaning === '') throw new Error(`${property.name}: has no docstring`);
  if (optional && fallback === '') throw new Error(`${property.name}: its docstring has no @defaultValue`);
  const written = declaration.type.getText().replace(/\breadonly /g, '');
  const type = wordsOf(property) ?? written.replace(/\s+/g, ' ');
  const cells = [`\`${prefix}${property.name}\``, `\`${type}\``, optional ? fallback : 'required', meaning];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function rows(part) {
  const [, name, prefix = ''] = /^(\w+)(?: as (\S+))?$/.exec(part.trim()) ?? [];
  const symbol = exported.get(name);
  if (symbol === undefined) throw new Error(`${part}: no such export`);
  return checker
    .getDeclaredTypeOfSymbol(symbol)
    .getProperties()
    .filter(
      ({ declarations: [declaration] }) => !declaration.getSourceFile().fileName.includes('node_modules'),
    )
    .map((each) => row(each, prefix));
}

const table = (names) =>
  [
    '| option | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...names.split(',').flatMap(rows),
  ].join('\n');

const pages = readdirSync(`${root}docs`)
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const lagging = [];
for (const page of pages) {
  const before = readFileSync(root + page, 'utf8');
  const filled = before.replace(
    /(<!-- options: ([\w., ]+) -->)[^]*?(<!-- end of options -->)/g,
    (_, open, names, close) => `${open}\n\n${table(names)}\n\n${close}`,
  );
  if (filled === before) continue;
  const after = await prettier.format(filled, {
    ...(await prettier.resolveConfig(root + page)),
    parser: 'markdown',
  });
  if (after === before) continue;
  lagging.push(page);
  if (!process.argv.includes('--check')) writeFileSync(root + page, after);
}

if (process.argv.includes('--check') && lagging.length > 0) {
  console.error(
    `The options' tables of ${lagging.join(', ')} are not those of the types. Run: npm run generated`,
  );
  process.exit(1);
}
