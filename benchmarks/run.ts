// `npm run bench`: asks every question about speed, size and memory, each in a process of its own; a table for people, JSON for
// machines. Options: see `--help`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Answer } from './harness/answer.js';
import { moved, tellMoves } from './harness/check.js';
import { writePlots } from './harness/plots.js';
import type { Question } from './harness/question.js';
import { where, writeReadme } from './harness/readme.js';
import { environment, mergeResults, readResults, type Dated } from './harness/results.js';
import { tablesOf } from './harness/tables.js';
import { questions } from './questions/index.js';

const HELP = `npm run bench -- [options]
  --quick          a first impression of the questions that can give one in seconds
  --only NAME      one question; may be given again
  --node PATH      another Node for what runs in processes of its own
  --json FILE      the answers as JSON
  --check          compares ratios with benchmarks/results.json, and ends with 1 where one has moved
  --write          writes the answers to benchmarks/results.json, its tables to README.md, and the plots
  --list           the questions

`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    node: { type: 'string' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else if (values.list) for (const { name, asks } of questions) console.log(`${name.padEnd(20)} ${asks}`);
else process.exitCode = await run(chosen());

function chosen(): readonly Question[] {
  for (const name of values.only ?? []) {
    if (!questions.some((question) => question.name === name))
      throw new Error(`--only: no question is called '${name}'; --list names them`);
  }
  if (values.only !== undefined) return questions.filter(({ name }) => values.only?.includes(name));
  return values.quick ? questions.filter(({ quick }) => quick) : questions;
}

async function run(asked: readonly Question[]): Promise<number> {
  const before = readResults();
  const now: Record<string, Dated> = {};
  const here = environment();
  console.log(`${where(here)}\n`);
  for (const question of asked) {
    const answer = await answerOf(question);
    now[question.name] = { environment: here, ...answer };
    console.log(`## ${question.name}: ${question.asks}\n\n${tablesOf(answer)}\n`);
    // At once, so that hours of measuring are not lost with the last question.
    if (values.write) mergeResults({ [question.name]: now[question.name]! });
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(now, undefined, 1)}\n`);
  if (values.write) {
    writeReadme(readResults());
    writePlots(questions, readResults());
  }
  if (!values.check) return 0;
  const moves = moved(before, now);
  console.log(tellMoves(moves));
  return moves.length === 0 ? 0 : 1;
}

async function answerOf({ name }: Question): Promise<Answer> {
  const child = fork(
    fileURLToPath(new URL('harness/one.ts', import.meta.url)),
    [name, values.quick ? 'quick' : 'full'],
    {
      execArgv: ['--import', 'tsx', '--expose-gc'],
      env: {
        ...process.env,
        OTEL_MCP_LOG_QUIET: '1',
        ...(values.node !== undefined && { BENCH_NODE: values.node }),
      },
    },
  );
  const ended = once(child, 'exit');
  const answer = await Promise.race([once(child, 'message'), ended.then(() => undefined)]);
  const [code] = (await ended) as [number | null];
  if (answer === undefined) throw new Error(`${name}: the process that asked it ended with ${code}`);
  return (answer as [Answer])[0];
}
