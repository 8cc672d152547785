// npm run suites -- PATH...: the MCP SDK's own tests, without this package and with it, in checkouts of its repository:
//
//   git clone https://github.com/modelcontextprotocol/typescript-sdk v2
//   git clone --branch v1.29.0 https://github.com/modelcontextprotocol/typescript-sdk v1
//   npm run build && npm run suites -- v1 v2
//
// SUITES_PATHS does the same as the arguments. Which suite a checkout has is seen by its folders. A test that ends otherwise with us than
// without fails the run.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { Conformance, differingScenarios, isBuilt, type Scenarios } from './conformance.js';
import { differing, fileOf, outcomeOf, SUITES, type Outcome, type Suite } from './suites.js';

const given = process.argv.slice(2);
const paths = given.length > 0 ? given : (process.env['SUITES_PATHS']?.split(delimiter) ?? []);
if (paths.length === 0) {
  process.stderr.write(
    [
      'npm run suites -- PATH...: paths of checkouts of the MCP SDK, which this project does not contain. Make them with',
      '  git clone --branch v1.29.0 https://github.com/modelcontextprotocol/typescript-sdk v1',
      '  git clone https://github.com/modelcontextprotocol/typescript-sdk v2',
      'and give them as arguments, or in SUITES_PATHS.\n',
    ].join('\n'),
  );
  process.exit(64);
}

if (!isBuilt()) throw new Error('npm run build comes first');

/** The tests start processes and wait five seconds for them, which on a busy machine is not enough. */
const TIMEOUT_MS = 60_000;
const CONFIG = 'vitest.audited.config.ts';

let failed = false;
for (const path of paths.map((each) => resolve(each))) {
  const isV2 = existsSync(join(path, SUITES.v2[0]!.folder));
  for (const suite of SUITES[isV2 ? 'v2' : 'v1']) if (!compareSuite(path, suite)) failed = true;
  if (!isV2 && !conforms(path)) failed = true;
}
process.exitCode = failed ? 1 : 0;

/** Runs a suite of a checkout; whether each test ends with us as it does without. */
function compareSuite(path: string, suite: Suite): boolean {
  if (!Object.keys(suite.classes).every((file) => existsSync(join(path, suite.folder, file))))
    throw new Error(`${path} is no checkout of the MCP SDK`);
  const [command = '', ...args] = suite.install;
  if (!existsSync(join(path, 'node_modules')))
    execFileSync(command, args, { cwd: path, stdio: ['ignore', 'ignore', 'inherit'] });
  const bare = run(path, suite, false);
  const audited = run(path, suite, true);
  const git = ['-C', path, 'describe', '--tags', '--always'];
  const commit = execFileSync('git', git, { encoding: 'utf8' }).trim();
  say(`SDK at ${commit}, ${suite.folder}: ${sums(bare, audited)}, ${audited.records} records`);
  if (audited.records === 0) say('✖ nothing was on record, so that nothing was compared');
  const differences = differing(bare, audited);
  for (const each of differences) say(`? ${each}`);
  // All files run at once, and some tests wait for 50 milliseconds: what differs is asked again, file by file.
  const remaining = [...new Set(differences.map(fileOf))].flatMap((file) => {
    const alone = [run(path, suite, false, file), run(path, suite, true, file)] as const;
    say(`${file} by itself: ${sums(...alone)}`);
    return differing(...alone);
  });
  for (const each of remaining) say(`✖ ${each}`);
  return remaining.length === 0 && audited.records > 0;
}

function sums(bare: Outcome, audited: Outcome): string {
  const sum = ({ passed, total }: Outcome) => `${passed} of ${total}`;
  return `${sum(bare)} without us, ${sum(audited)} with us`;
}

type Run = Outcome & { readonly records: number };

/** Runs a suite, or one of its files. */
function run(path: string, suite: Suite, audited: boolean, file = ''): Run {
  const cwd = join(path, suite.folder);
  const folder = temporaryFolder();
  const [report, records] = [join(folder.path, 'report.json'), join(folder.path, 'records')];
  writeFileSync(records, '');
  if (audited) writeConfig(cwd, suite.classes);
  try {
    const config = audited ? `--config ${CONFIG}` : '';
    const vitest = `vitest run ${file.replace(`${suite.folder}/`, '')} ${config} --testTimeout=${TIMEOUT_MS} --reporter=json --outputFile=${report}`;
    const env = {
      ...process.env,
      OTEL_MCP_LOG_QUIET: '1',
      SUITES_PROPAGATE: String(suite.propagate),
      SUITES_RECORDS: records,
    };
    spawnSync('npx', ['-y', ...suite.tools, '-c', vitest], {
      cwd,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const lines = readFileSync(records, 'utf8').split('\n');
    return {
      ...outcomeOf(JSON.parse(readFileSync(report, 'utf8')), path),
      records: lines.reduce((sum, line) => sum + Number(line), 0),
    };
  } finally {
    rmSync(join(cwd, CONFIG), { force: true });
    folder.remove();
  }
}

/** Runs the protocol's conformance suite over the test client of the SDK; whether it ends with us as it does without. */
function conforms(path: string): boolean {
  const folder = temporaryFolder();
  try {
    const suite = new Conformance(folder.path, path);
    const bare = suite.run(false);
    const audited = suite.run(true);
    const sum = (scenarios: Scenarios) =>
      [...scenarios.values()].reduce((total, result) => total + Number.parseInt(result, 10), 0);
    say(
      `conformance ${suite.version}: ${bare.size} scenarios, ${sum(bare)} checks passed without us, ${sum(audited)} with us, ${suite.records()} records`,
    );
    // All run at once, and some measure times: what differs is asked again, by itself.
    const differences = differingScenarios(bare, audited).filter(
      (name) => differingScenarios(suite.run(false, name), suite.run(true, name)).length > 0,
    );
    for (const name of differences)
      say(`✖ ${name}: ${bare.get(name)} without us, ${audited.get(name)} with us`);
    return bare.size > 0 && suite.records() > 0 && differences.length === 0;
  } finally {
    folder.remove();
  }
}

/**
 * A configuration beside the suite's own: it adds one file that runs before each file of tests, and has the sources of clients and servers
 * hand their classes over, as the loader hook does where Node loads them.
 */
function writeConfig(cwd: string, classes: Suite['classes']): void {
  const own = ['vitest.config.ts', 'vitest.config.js', 'vitest.config.mjs'].find((file) =>
    existsSync(join(cwd, file)),
  );
  if (own === undefined) throw new Error(`${cwd} has no configuration of vitest`);
  const byFile = Object.fromEntries(Object.entries(classes).map(([file, name]) => [join(cwd, file), name]));
  const setup = fileURLToPath(new URL('audited.mjs', import.meta.url));
  writeFileSync(
    join(cwd, CONFIG),
    `import { mergeConfig } from 'vitest/config';
import own from './${own}';
const classes = ${JSON.stringify(byFile)};
const handOver = {
  name: 'hand-over',
  enforce: 'post',
  transform: (code, id) =>
    Object.hasOwn(classes, id)
      ? { code: code + "\\nglobalThis[Symbol.for('suites/class')]?.(" + classes[id] + ");\\n", map: null }
      : undefined,
};
export default mergeConfig(own, { plugins: [handOver], test: { setupFiles: [${JSON.stringify(setup)}] } });
`,
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
