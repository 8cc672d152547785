// npm run imports: loads packages that many applications load, without this package and with it, compares what an application sees of
// them, and writes the table in docs/runtimes.md. `npm run imports -- zod got` loads those alone and prints the table.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { pack } from '../matrix/projects.js';
import { compare, installPackages, type Comparison, type Seen } from './compare.js';
import { POPULAR } from './packages.js';

const PAGE = new URL('../../docs/runtimes.md', import.meta.url);
const RUNS = Number(process.env['IMPORTS_RUNS'] ?? 3);

const wanted = process.argv.slice(2);
const chosen = Object.entries(POPULAR).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-imports-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
installPackages(folder, { tarball: pack(), packages: chosen.map(([, each]) => each) });

const rows: string[] = [];
let failures = 0;
for (const [name, each] of chosen) {
  const comparisons = await compare(folder, each, RUNS);
  const differing = comparisons.filter(({ bare, audited }) => !isDeepStrictEqual(bare, audited));
  for (const { how, bare, audited } of differing)
    say(`✖ ${name}, ${how}: bare ${JSON.stringify(bare)}, audited ${JSON.stringify(audited)}`);
  if (differing.length > 0) failures++;
  rows.push(rowOf(name, comparisons));
  say(rows.at(-1)!);
}
if (wanted.length === 0 && failures === 0) await writeTable();
say(`${chosen.length - failures} passed, ${failures} failed`);
// `.ci/run` sums up what all suites leave there.
const counts = process.env['MOCHA_COUNTS'];
if (counts !== undefined) {
  const sums = { passes: chosen.length - failures, failures, pending: 0 };
  appendFileSync(counts, `${JSON.stringify(sums)}\n`);
}
process.exitCode = failures === 0 ? 0 : 1;

function rowOf(name: string, comparisons: readonly Comparison[]): string {
  const cells = comparisons.flatMap(({ bare, audited, cpuMs }) => [
    isDeepStrictEqual(bare, audited) ? seenIn(bare) : 'DIFFERS',
    String(Math.round(cpuMs.bare)),
    String(Math.round(cpuMs.audited)),
  ]);
  return `| ${name} | ${cells.join(' | ')} |`;
}

/** How many names the package's main module exports, or how loading it ends. */
function seenIn({ modules = [], code }: Seen): string {
  const main = modules.at(-2);
  if (main === undefined) return `exit code ${code}`;
  return main.error === undefined ? `${main.names?.length}` : (main.error[1] ?? 'error');
}

async function writeTable(): Promise<void> {
  const head = [
    '| package | `import`: names | CPU ms bare | audited | `require`: names | CPU ms bare | audited |',
    '| ------- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  const text = readFileSync(PAGE, 'utf8');
  const table = `<!-- imports -->\n\n${[...head, ...rows].join('\n')}\n\n<!-- end of imports -->`;
  const written = text.replace(/<!-- imports -->[^]*<!-- end of imports -->/, () => table);
  if (written === text) throw new Error('docs/runtimes.md has no place for the table');
  const options = await resolveConfig(PAGE);
  writeFileSync(PAGE, await format(written, { ...options, parser: 'markdown' }));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
