// Is an aggregate by `query --sql` within twice the time of DuckDB's own reading of the log (aim)?
// Gigabytes as the argument, 1 unless told otherwise. DuckDB is installed into a project of its own for it.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installDuckDB } from '../spec/support/duckdb.js';
import { inFolder, logOf, measure, megabytes, printTable, seconds } from './desk/measure.js';

const AGGREGATE = `SELECT actor_id, outcome, count(*) AS n, avg(duration_ms) AS took FROM records GROUP BY ALL ORDER BY ALL`;

await inFolder(async (folder) => {
  const { binary } = await installDuckDB();
  const log = join(folder, 'audit.jsonl');
  const bytes = await logOf(log, Number(process.argv[2] ?? 1) * 1e9);
  // Beside the installed DuckDB, so that it is found.
  const alone = join(dirname(dirname(dirname(dirname(dirname(dirname(binary)))))), 'alone.cjs');
  const query = AGGREGATE.replace('records', `read_json_auto('${log}')`);
  writeFileSync(
    alone,
    `const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const rows = (await connection.runAndReadAll(${JSON.stringify(query)})).getRowsJson();
  for (const row of rows) console.log(JSON.stringify(row));
})();`,
  );
  console.log(`a log of ${megabytes(bytes)}: ${AGGREGATE}`);
  const rows: string[][] = [];
  for (let round = 0; round < 3; round++) {
    const ours = await measure(`node ${binary} query --sql "${AGGREGATE}" ${log} > /dev/null`);
    const duckdb = await measure(`node ${alone} > /dev/null`);
    rows.push([
      String(round + 1),
      seconds(ours.wall),
      seconds(ours.cpu),
      megabytes(ours.peak),
      seconds(duckdb.wall),
      seconds(duckdb.cpu),
      `${(ours.wall / duckdb.wall).toFixed(2)}x`,
    ]);
  }
  printTable(['round', '--sql s', 'cpu s', 'peak', 'DuckDB s', 'cpu s', 'ratio (aim: 2)'], rows);
});
