import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { builtBinary } from '../../spec/support/builtCli.js';
import type { Case, Question } from '../harness/question.js';
import { logOf, run } from '../tools/command.js';
import { scratch } from '../tools/measure.js';

const FILTERS: Readonly<Record<string, readonly [ours: string, grep: string, jq: string]>> = {
  failures: [
    '--outcome failure',
    `'"outcome":"OUTCOME_FAILURE'`,
    `'select(.outcome | startswith("OUTCOME_FAILURE"))'`,
  ],
  'one actor, one tool': [
    '--actor mallory@example.com --tool write_file',
    `'"actor_id":"mallory@example.com"'`,
    `'select(.actor_id == "mallory@example.com" and .mcp.tool_name == "write_file")'`,
  ],
  'one server (a quarter)': [
    '--server billing',
    `'"server_id":"billing"'`,
    `'select(.server_id == "billing")'`,
  ],
};

const ids = (command: string): string =>
  execFileSync('bash', ['-c', `${command} | jq -r .record_id | sha256sum; exit 0`]).toString();

function casesOf(title: string, log: string): Case[] {
  const [options, needle, filter] = FILTERS[title]!;
  const commands = {
    query: `node ${builtBinary()} query ${options} --json ${log}`,
    'grep and jq': `grep -F ${needle} ${log} | jq -c ${filter}`,
  };
  if (ids(commands.query) !== ids(commands['grep and jq'])) throw new Error(`${title}: not the same answer`);
  return Object.entries(commands).map(([name, command]) => ({
    name: `${title}: ${name}`,
    measure: async () => {
      const { wall, cpu, peak } = await run(`${command} > /dev/null`);
      return { seconds: wall, 'CPU seconds': cpu, 'peak, MB': peak / 1e6 };
    },
  }));
}

/** A made-up log (`spec/support/sampleLog.ts`): 1.2 kB a record, a third of them with arguments. Needs jq. */
export const query: Question = {
  name: 'query',
  asks: 'Is `query` faster than grep and jq at the same answer, in a log of 1 GB?',
  rounds: 3,
  quick: false,
  ratios: Object.keys(FILTERS).map((title) => ({
    name: `${title}: grep and jq, to query`,
    of: (round) => round.of(`${title}: grep and jq`) / round.of(`${title}: query`),
    atLeast: 1,
  })),
  prepare: async ({ quick }) => {
    const folder = scratch();
    const log = join(folder.path, 'audit.jsonl');
    await logOf(log, quick ? 1e8 : 1e9);
    return {
      cases: Object.keys(FILTERS).flatMap((title) => casesOf(title, log)),
      close: () => folder.remove(),
    };
  },
};
