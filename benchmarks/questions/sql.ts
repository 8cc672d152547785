import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installDuckDB } from '../../spec/support/duckdb.js';
import type { Question } from '../harness/question.js';
import { logOf, run } from '../tools/command.js';
import { scratch } from '../tools/measure.js';

const AGGREGATE = `SELECT actor_id, outcome, count(*) AS n, avg(duration_ms) AS took FROM records GROUP BY ALL ORDER BY ALL`;

/** A script that asks DuckDB alone the same of the same file. */
const alone = (log: string): string => `const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const query = ${JSON.stringify(AGGREGATE.replace('records', `read_json_auto('${log}')`))};
  const rows = (await connection.runAndReadAll(query)).getRowsJson();
  for (const row of rows) console.log(JSON.stringify(row));
})();`;

/** DuckDB is installed into a project of its own for it. */
export const sql: Question = {
  name: 'sql',
  asks: "Is an aggregate by `query --sql` within twice the time of DuckDB's own reading of a log of 1 GB?",
  rounds: 3,
  quick: false,
  ratios: [
    {
      name: '--sql, to DuckDB alone',
      of: (round) => round.of('query --sql') / round.of('DuckDB alone'),
      atMost: 2,
    },
  ],
  prepare: async ({ quick }) => {
    const { binary } = await installDuckDB();
    const folder = scratch();
    const log = join(folder.path, 'audit.jsonl');
    await logOf(log, quick ? 1e8 : 1e9);
    // Beside the installed DuckDB, so that it is found.
    const script = join(dirname(dirname(dirname(dirname(dirname(dirname(binary)))))), 'alone.cjs');
    writeFileSync(script, alone(log));
    const commands = {
      'query --sql': `node ${binary} query --sql "${AGGREGATE}" ${log}`,
      'DuckDB alone': `node ${script}`,
    };
    return {
      cases: Object.entries(commands).map(([name, command]) => ({
        name,
        measure: async () => {
          const { wall, cpu, peak } = await run(`${command} > /dev/null`);
          return { seconds: wall, 'CPU seconds': cpu, 'peak, MB': peak / 1e6 };
        },
      })),
      close: () => folder.remove(),
    };
  },
};
