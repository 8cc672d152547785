// npm run imports: loads packages that many applications load, without this package and with it, compares what an application sees of
// them, and writes the table in docs/runtimes.md. `npm run imports -- zod got` loads those alone and prints the table.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { formatted } from '../../scripts/formatted.mjs';
import { installNodes, pack } from '../matrix/projects.js';
import { compare, installPackages, type Comparison, type Seen } from './compare.js';
import { POPULAR, type Popular } from './packages.js';

const PAGE = new URL('../../docs/runtimes.md', import.meta.url);
const RUNS = Number(process.env['IMPORTS_RUNS'] ?? 3);

/** The first is the one whose cost is listed. */
const NODES = (process.env['IMPORTS_NODES'] ?? '20,22,24,26').split(',');

const wanted = process.argv.slice(2);
const chosen = Object.entries(POPULAR).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-imports-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
installPackages(folder, {
  tarball: pack(),
  packages: chosen.map(([, each]) => each),
});

const nodes = installNodes(join(folder, 'nodes'), NODES);

const rows: string[] = [];
let failures = 0;
for (const [name, each] of chosen) {
  const byNode: (readonly Comparison[])[] = [];
  for (const [version, node] of nodes) byNode.push(await compareOn(version, node, name, each));
  if (byNode.flat().some(isDiffering)) failures++;
  rows.push(rowOf(name, byNode));
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

async function compareOn(
  version: string,
  node: string,
  name: string,
  each: Popular,
): Promise<readonly Comparison[]> {
  const comparisons = await compare(folder, each, { runs: RUNS, node });
  for (const { how, bare, audited } of comparisons.filter(isDiffering))
    say(
      `✖ ${name}, ${how}, Node ${version}: bare ${JSON.stringify(bare)}, audited ${JSON.stringify(audited)}`,
    );
  return comparisons;
}

function isDiffering({ bare, audited }: Comparison): boolean {
  return !isDeepStrictEqual(bare, audited);
}

/** Counts and costs are those on the first Node; on the others, whether all was the same. */
function rowOf(name: string, [comparisons = [], ...others]: readonly (readonly Comparison[])[]): string {
  const cells = comparisons.flatMap(({ bare, audited, cpuMs }) => [
    isDeepStrictEqual(bare, audited) ? seenIn(bare) : 'DIFFERS',
    String(Math.round(cpuMs.bare)),
    String(Math.round(cpuMs.audited)),
  ]);
  const same = others.map((each) => (each.some(isDiffering) ? 'DIFFERS' : 'same'));
  return `| ${name} | ${[...cells, ...same].join(' | ')} |`;
}

/** How many names the package's main module exports, or how loading it ends. */
function seenIn({ modules = [], code }: Seen): string {
  const main = modules.at(-2);
  if (main === undefined) return `exit code ${code}`;
  return main.error === undefined ? `${main.names?.length}` : (main.error[1] ?? 'error');
}

async function writeTable(): Promise<void> {
  const head = [
    `| package | \`import\`: names | CPU ms bare | audited | \`require\`: names | CPU ms bare | audited |${NODES.slice(
      1,
    )
      .map((version) => ` Node ${version} |`)
      .join('')}`,
    `| ------- | ---: | ---: | ---: | ---: | ---: | ---: |${' --- |'.repeat(NODES.length - 1)}`,
  ];
  const text = readFileSync(PAGE, 'utf8');
  const table = `<!-- imports -->\n\n${[...head, ...rows].join('\n')}\n\n<!-- end of imports -->`;
  const written = text.replace(/<!-- imports -->[^]*<!-- end of imports -->/, () => table);
  if (written === text) throw new Error('docs/runtimes.md has no place for the table');
  writeFileSync(PAGE, await formatted('runtimes.md', written));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
