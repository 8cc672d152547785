// Is `query` with filters faster than grep and jq are at the same answer, and does its memory stay flat?
// Gigabytes as the argument, 1 unless told otherwise. Needs jq.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { builtBinary } from '../spec/support/builtCli.js';
import { inFolder, logOf, measure, megabytes, printTable, seconds } from './desk/measure.js';

const ROUNDS = 3;
const QUESTIONS: readonly [title: string, ours: string, grep: string, jq: string][] = [
  [
    'failures',
    '--outcome failure',
    `'"outcome":"OUTCOME_FAILURE'`,
    `'select(.outcome | startswith("OUTCOME_FAILURE"))'`,
  ],
  [
    'one actor, one tool',
    '--actor mallory@example.com --tool write_file',
    `'"actor_id":"mallory@example.com"'`,
    `'select(.actor_id == "mallory@example.com" and .mcp.tool_name == "write_file")'`,
  ],
  ['one server', '--server billing', `'"server_id":"billing"'`, `'select(.server_id == "billing")'`],
];

const ids = (command: string): string =>
  execFileSync('bash', ['-c', `${command} | jq -r .record_id | sha256sum; exit 0`]).toString();

async function compare(log: string, [title, options, needle, filter]: (typeof QUESTIONS)[number]) {
  const ours = `node ${builtBinary()} query ${options} --json ${log}`;
  const theirs = `grep -F ${needle} ${log} | jq -c ${filter}`;
  if (ids(ours) !== ids(theirs)) throw new Error(`${title}: not the same answer`);
  const rows: string[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = [await measure(`${ours} > /dev/null`), await measure(`${theirs} > /dev/null`)];
    rows.push([
      title,
      seconds(a.wall),
      seconds(a.cpu),
      megabytes(a.peak),
      seconds(b.wall),
      seconds(b.cpu),
      `${(b.wall / a.wall).toFixed(1)}x`,
    ]);
  }
  return rows;
}

await inFolder(async (folder) => {
  const log = join(folder, 'audit.jsonl');
  const bytes = await logOf(log, Number(process.argv[2] ?? 1) * 1e9);
  console.log(`a log of ${megabytes(bytes)}`);
  const rows: string[][] = [];
  for (const question of QUESTIONS) rows.push(...(await compare(log, question)));
  const tenth = join(folder, 'tenth.jsonl');
  await logOf(tenth, bytes / 10);
  const small = await measure(`node ${builtBinary()} query --outcome failure --json ${tenth} > /dev/null`);
  printTable(['query', 'ours s', 'cpu s', 'peak', 'grep+jq s', 'cpu s', 'faster'], rows);
  console.log(`peak with a tenth of the log: ${megabytes(small.peak)}`);
});
