// Reads the table of commands: it says which commands a page may name, and which options.
import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { COMMANDS } from '../../lib/cli/run.js';
import { codeBlocks, type CodeBlock } from '../support/codeBlocks.js';
import { linkModules } from '../support/linkedModules.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = join(root, 'node_modules', 'typescript-7', 'bin', 'tsc');
const given = fileURLToPath(new URL('fixtures/given.d.mts', import.meta.url));
const blocks = codeBlocks();
/** Pages whose named blocks `spec/readme.spec.ts` and `spec/docs/guides.spec.ts` run. */
const RUN = ['README.md', 'docs/decorators.md', 'docs/getting-started.md', 'docs/migrating-from-python.md'];
const of = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language));

describe('the code blocks of README, docs and examples', function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  before(() => symlinkSync(root, linkModules(folder.path)));
  after(() => folder.remove());

  it('say which language they are in', () => {
    const known = ['js', 'ts', 'json', 'yaml', 'console', 'sh', 'sql', 'diff', 'python', 'text', ''];
    expect(blocks.filter(({ language }) => !known.includes(language))).to.deep.equal([]);
    expect(blocks.length).to.be.greaterThan(50);
  });

  it('in TypeScript and JavaScript type-check against the built package', () => {
    const code = of('js', 'ts').filter((block) => !isRun(block));
    expect(code.length).to.be.greaterThan(15);
    expect(typeErrors(code)).to.deep.equal([]);
  });

  it('in JSON are JSON', () => {
    for (const { place, text } of of('json')) expect(() => JSON.parse(text), place).not.to.throw();
  });

  it('for a shell use commands and options that there are', async () => {
    const wrong: string[] = [];
    let seen = 0;
    for (const { place, text } of of('console', 'sh', ''))
      for (const [line, name = ''] of text.matchAll(/otel-mcp-log (?!\[)([a-z][a-z-]*)[^|;&#\n]*/g)) {
        if (/^\d/.test(name) || line.includes('auditing MCP')) continue;
        seen++;
        const load = COMMANDS[name];
        const help = load === undefined ? '' : (await load()).command.help;
        const unknown = [...line.matchAll(/ (--?[a-z][\w-]*)/g)].filter(
          ([, option]) => !knows(help, option!),
        );
        if (help === '' || unknown.length > 0) wrong.push(`${place}: ${line}`);
      }
    expect(wrong).to.deep.equal([]);
    expect(seen).to.be.greaterThan(40);
  });

  /** Whether another test runs it: a file by its name, of a page whose examples are run. */
  function isRun({ place, text }: CodeBlock): boolean {
    return RUN.includes(place.split(':')[0]!) && /^\/\/ \S+\.mjs/.test(text);
  }

  const knows = (help: string, option: string) =>
    new RegExp(`^ *(?:-\\w, )? *${option}\\b|^ *${option}, `, 'm').test(help);

  /** Each block as a file of its own in a project that has installed the package; blocks that name their file are imported by it. */
  function typeErrors(code: readonly CodeBlock[]): string[] {
    const places = new Map<string, string>();
    code.forEach(({ place, language, text }, index) => {
      const named = /^\/\/ ([\w.-]+\.m?[jt]s)/.exec(text)?.[1];
      const path = join(folder.path, named ?? `block${index}.m${language}`);
      // A fragment is a module too.
      writeFileSync(path, `${text}\nexport {};\n`);
      places.set(path, place);
    });
    const options = {
      target: 'es2022',
      module: 'nodenext',
      lib: ['es2022', 'esnext.decorators', 'esnext.disposable'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
      allowJs: true,
      checkJs: true,
      noEmit: true,
      skipLibCheck: true,
      strict: true,
      noImplicitAny: false,
    };
    const config = { compilerOptions: options, files: [given, ...places.keys()] };
    writeFileSync(join(folder.path, 'tsconfig.json'), JSON.stringify(config));
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder.path, '--pretty', 'false'], {
      cwd: folder.path,
      encoding: 'utf8',
    });
    const said = [...stdout.matchAll(/^(\S+?)\((\d+),\d+\): (error .*)$/gm)];
    // Nothing was checked where the compiler refuses its own options.
    if (status !== 0 && said.length === 0) return [stdout];
    return said.flatMap(([, file = '', line, error]) => {
      const place = places.get(join(folder.path, file));
      return place === undefined ? [] : [`${place} line ${line}: ${error}`];
    });
  }
});
