// npm run frameworks: the smallest program of each framework, from npm at its newest, without this package and with it, and what the
// doctor says of it; writes the table in docs/frameworks.md. `npm run frameworks -- --only langchain,mastra` runs those alone, and writes their rows.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatted } from '../../scripts/formatted.mjs';
import { installNodes, pack } from '../matrix/projects.js';
import { faultOf, faultOfDoctor } from './check.js';
import { FRAMEWORKS, type Framework } from './frameworks.js';
import { Project } from './project.js';
import { clientsIn, frameworksTable, type Row } from './table.js';

const PAGE = new URL('../../docs/frameworks.md', import.meta.url);
/** What the newest of them ask for. */
const NODE = '24';

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
const wanted = only?.split(',') ?? Object.keys(FRAMEWORKS);
const unknown = wanted.filter((name) => FRAMEWORKS[name] === undefined);
if (unknown.length > 0) throw new Error(`no such framework: ${unknown.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-frameworks-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const node = installNodes(join(folder, 'nodes'), [NODE]).get(NODE)!;
const tarball = pack();
const server = new Project(join(folder, 'server'), node);
server.install('@modelcontextprotocol/server-everything');

const rows: Row[] = [];
for (const name of wanted) {
  const row = await tryOut(name, FRAMEWORKS[name]!);
  rows.push(row);
  say(`${row.faults.length === 0 ? '✔' : '✖'} ${row.name} ${row.version}`);
  for (const fault of row.faults) say(`  ${fault}`);
}
const failures = rows.filter(({ faults }) => faults.length > 0).length;
say(`\n${frameworksTable(rows)}`);
if (failures === 0) await writeTable();
say(`${rows.length - failures} passed, ${failures} failed`);
// `.ci/run` sums up what all suites leave there.
const counts = process.env['MOCHA_COUNTS'];
if (counts !== undefined)
  appendFileSync(counts, `${JSON.stringify({ passes: rows.length - failures, failures, pending: 0 })}\n`);
process.exitCode = failures === 0 ? 0 : 1;

async function tryOut(name: string, framework: Framework): Promise<Row> {
  const project = new Project(join(folder, name), node, framework);
  project.install(...framework.install, tarball);
  const faults: (string | undefined)[] = [];
  let records = 0;
  for (const process of framework.processes) {
    const bare = await project.run(process.args, false);
    const audited = await project.run(process.args, true);
    records += audited.records.length;
    faults.push(faultOf(framework, process, [bare, audited]));
  }
  const diagnosis = await project.diagnose();
  faults.push(faultOfDoctor(framework, diagnosis));
  const main = (framework.install[0] ?? name).replace(/(?<=.)@.*/, '');
  const found = faults.filter((fault) => fault !== undefined);
  const version = project.version(main);
  rmSync(project.folder, { recursive: true, force: true });
  const clients = clientsIn(diagnosis.text);
  return { name: main, version, clients, records, faults: found };
}

async function writeTable(): Promise<void> {
  const text = readFileSync(PAGE, 'utf8');
  const [before = ''] = /<!-- frameworks -->[^]*<!-- end of frameworks -->/.exec(text) ?? [];
  if (before === '') throw new Error('docs/frameworks.md has no place for the table');
  const name = '@modelcontextprotocol/server-everything';
  const when = `Found on ${new Date().toISOString().slice(0, 10)} with Node.js ${NODE} and \`${name} ${server.version(name)}\`:`;
  const table = `<!-- frameworks -->\n\n${when}\n\n${frameworksTable(rows, before)}\n\n<!-- end of frameworks -->`;
  const written = text.replace(before, () => table);
  writeFileSync(PAGE, await formatted('frameworks.md', written));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
