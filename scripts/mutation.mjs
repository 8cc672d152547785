// Changes lib in many small ways, and tells which changes no test notices: npm run mutation -- --folder pipeline
// [--file lib/pipeline/queue.ts]... [--sample 8] [--concurrency 2]. Figures go to spec/mutation/, survivors to the standard
// output. A sample is every so many lines of the folder: where all changes would take many hours, as in redaction.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { folders, linesOf, specsOf } from './mutation/folders.mjs';
import { digest, record } from './mutation/report.mjs';
import { inWorkshop } from './mutation/workshop.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    file: { type: 'string', multiple: true },
    sample: { type: 'string' },
    concurrency: { type: 'string', default: '2' },
  },
});
if (!folders.includes(values.folder)) throw new Error(`--folder is one of ${folders.join(', ')}`);
if (values.sample !== undefined && !(Number(values.sample) >= 1))
  throw new Error('--sample is a number of lines, from 1');

process.chdir(root);
const { figures, lived } = digest(inWorkshop(root, mutate));
record(figures, 'spec/mutation/scores.json', 'spec/mutation/README.md');
spawnSync('npx', ['oxfmt', 'spec/mutation'], { stdio: 'inherit' });
for (const line of lived) console.log(line);

function mutate(project, tools) {
  const config = 'stryker.config.json';
  writeFileSync(join(project, config), JSON.stringify(configOf(tools)));
  const { status } = spawnSync(
    process.execPath,
    [join(tools, '@stryker-mutator/core/bin/stryker.js'), 'run', config],
    {
      cwd: project,
      stdio: 'inherit',
    },
  );
  if (status !== 0) throw new Error(`Stryker ended with ${status}`);
  return JSON.parse(readFileSync(join(project, 'report.json'), 'utf8'));
}

function configOf(tools) {
  return {
    testRunner: 'mocha',
    plugins: [
      join(tools, '@stryker-mutator/mocha-runner/dist/src/index.js'),
      join(root, 'scripts/mutation/ignore.mjs'),
    ],
    ignorers: ['messages'],
    testRunnerNodeArgs: ['--import=tsx'],
    mochaOptions: {
      ...specsOf(values.folder),
      require: ['spec/support/propertySeed.cjs', 'spec/support/mutationLimit.cjs'],
      'no-config': true,
    },
    mutate:
      values.file ??
      (values.sample === undefined
        ? [`lib/${values.folder}/**/*.ts`, '!lib/codecs/gen/**']
        : linesOf(`lib/${values.folder}`, Number(values.sample))),
    tsconfigFile: 'none', // else Stryker wants TypeScript beside itself
    coverageAnalysis: 'perTest',
    concurrency: Number(values.concurrency),
    timeoutMS: 3000,
    timeoutFactor: 2,
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: 'report.json' },
    allowEmpty: true,
    cleanTempDir: 'always',
    allowConsoleColors: false,
  };
}
