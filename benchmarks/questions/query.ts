import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { builtBinary } from '../../spec/support/builtCli.js';
import type { Case, Question, Round } from '../harness/question.js';
import { logOf, run } from '../tools/command.js';
import { scratch } from '../tools/measure.js';

/** Of each filter: our options, what `grep` looks for, and what `jq` makes sure of. */
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
  'one tool, one outcome': [
    '--tool refund --outcome denied',
    `'"outcome":"OUTCOME_FAILURE_DENIED"'`,
    `'select(.mcp.tool_name == "refund" and .outcome == "OUTCOME_FAILURE_DENIED")'`,
  ],
};

/** What is answered from the bytes of lines, and what is the least that such an answer takes. */
const SCANS = {
  count: ['--count', 'wc -l <'],
  'a text in any field, counted': ['--contains invoice --count', 'rg -c -F invoice'],
  'a text in any field': ['--contains invoice --json', 'rg -N -F invoice'],
  'what is missing': ['--gaps --json', 'wc -l <'],
} as const;

const ids = (command: string): string =>
  execFileSync('bash', ['-c', `${command} | jq -r .record_id | sha256sum; exit 0`]).toString();

function casesOf(title: string, log: string): Case[] {
  const [options, needle, filter] = FILTERS[title]!;
  const commands = {
    query: `node ${builtBinary()} query ${options} --json ${log}`,
    'grep and jq': `grep -F ${needle} ${log} | jq -c ${filter}`,
    'rg and jq': `rg -N -F ${needle} ${log} | jq -c ${filter}`,
  };
  if (ids(commands.query) !== ids(commands['grep and jq'])) throw new Error(`${title}: not the same answer`);
  return Object.entries(commands).map(([name, command]) => caseOf(`${title}: ${name}`, command));
}

function scansOf(title: keyof typeof SCANS, log: string): Case[] {
  const [options, least] = SCANS[title];
  return [
    // It ends with exit code 1 where something is missing.
    caseOf(
      `${title}: query`,
      `{ node ${builtBinary()} query ${options} ${log} 2> /dev/null || [ $? = 1 ]; }`,
    ),
    caseOf(`${title}: ${least.split(' ')[0] ?? ''}`, `${least} ${log}`),
  ];
}

function caseOf(name: string, command: string): Case {
  return {
    name,
    measure: async () => {
      const { wall, cpu, peak } = await run(`${command} > /dev/null`);
      return { seconds: wall, 'CPU seconds': cpu, 'peak, MB': peak / 1e6 };
    },
  };
}

/** A made-up log (`spec/support/sampleLog.ts`): 1.2 kB a record, a third of them with arguments. Needs jq and ripgrep. */
export const query: Question = {
  name: 'query',
  asks: 'Is `query` faster than grep and jq at the same answer, in a log of 1 GB?',
  rounds: 3,
  quick: false,
  ratios: [
    ...Object.keys(FILTERS).map((title) => ({
      name: `${title}: query, to grep and jq`,
      of: (round: Round) => round.of(`${title}: query`) / round.of(`${title}: grep and jq`),
      atMost: 0.7,
    })),
    ...Object.keys(SCANS).map((title) => ({
      name: `${title}: seconds`,
      of: (round: Round) => round.of(`${title}: query`),
      atMost: 1,
    })),
  ],
  prepare: async ({ quick }) => {
    const folder = scratch();
    const log = join(folder.path, 'audit.jsonl');
    await logOf(log, quick ? 1e8 : 1e9);
    return {
      cases: [
        ...Object.keys(FILTERS).flatMap((title) => casesOf(title, log)),
        ...(Object.keys(SCANS) as (keyof typeof SCANS)[]).flatMap((title) => scansOf(title, log)),
      ],
      close: () => folder.remove(),
    };
  },
};
