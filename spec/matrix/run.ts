// npm run matrix: every way of loading either SDK, on every Node and both lines of OpenTelemetry, from the packed package.
// `npm run matrix -- tsx` runs the rows whose name contains the word.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASES, COLUMNS, SDKS, type Case, type SdkVersion } from './cases.js';
import { fault, type CaseOutput } from './check.js';
import { installNodes, installProject, pack } from './projects.js';
import { matrixTable } from './table.js';

interface Row {
  readonly title: string;
  readonly sdk: SdkVersion;
  readonly case: Case;
}

/** More processes at once only slow one another down. */
const AT_ONCE = Math.min(4, availableParallelism());

const rows = (Object.keys(SDKS) as SdkVersion[])
  .flatMap((sdk): Row[] =>
    CASES.map((each) => ({ title: `${sdk} ${each.modules}, ${each.name}`, sdk, case: each })),
  )
  .filter(({ title }) => process.argv.slice(2).every((word) => title.includes(word)));

const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-matrix-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const project = (sdk: SdkVersion, otel: string): string => join(folder, `${sdk}-otel${otel}`);

const nodes = prepare();
const faults = await runAll();
printTable();
const failed = [...faults.values()].filter((each) => each !== undefined).length;
say(`\n${faults.size - failed} passed, ${failed} failed`);
// `.ci/run` sums up what all suites leave there.
const counts = process.env['MOCHA_COUNTS'];
if (counts !== undefined) {
  const sums = { passes: faults.size - failed, failures: failed, pending: 0 };
  appendFileSync(counts, `${JSON.stringify(sums)}\n`);
}
process.exitCode = failed === 0 ? 0 : 1;

function prepare(): Map<string, string> {
  const tarball = pack();
  for (const sdk of new Set(rows.map((row) => row.sdk))) {
    for (const otel of ['2', '3'] as const) installProject(project(sdk, otel), { tarball, sdk, otel });
  }
  return installNodes(join(folder, 'nodes'), [...new Set(COLUMNS.map(({ node }) => node))]);
}

async function runAll(): Promise<Map<string, string | undefined>> {
  const jobs = rows.flatMap((row) => COLUMNS.map((column) => ({ row, column })));
  const results = new Map<string, string | undefined>();
  const work = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const { row, column } = job;
      results.set(cellKey(row, column), fault(await runCase(row, column), row.case.clients ?? 1));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

function runCase({ sdk, case: { args, env } }: Row, { node, otel }: (typeof COLUMNS)[number]) {
  return new Promise<CaseOutput>((resolve) => {
    const options = {
      cwd: project(sdk, otel),
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], MATRIX_OTEL: otel, ...env },
      timeout: 60_000,
    };
    execFile(nodes.get(node) as string, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

function printTable(): void {
  const table = matrixTable(({ sdk, case: each, column }) => {
    const row = rows.find((candidate) => candidate.sdk === sdk && candidate.case === each);
    return row && faults.get(cellKey(row, column)) === undefined;
  });
  say(table);
  for (const [cell, reason] of faults) if (reason !== undefined) say(`✖ ${cell}: ${reason}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function cellKey({ title }: Row, { node, otel }: (typeof COLUMNS)[number]): string {
  return `${title}, Node ${node}, OTel ${otel}.x`;
}
