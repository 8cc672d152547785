import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { CommandIo } from '../shared/command.js';
import { usageFailure } from '../shared/failure.js';
import type { LogInput } from '../input/logs.js';
import { withScratchFolder } from '../term/temporaryFile.js';
import { Output } from '../term/output.js';
import { isTerminal } from '../term/terminal.js';
import { literal, openDuckDB, recordsSql } from './duckdb.js';
import { select, type Selection, type SelectOptions } from './select.js';

/**
 * Writes the records that a filter wants as a Parquet file, with the same columns as `--sql`.
 *
 * @returns The counts, and the number of rows that the file itself states.
 */
export async function selectToParquet(
  logs: readonly LogInput[],
  path: string | undefined,
  options: SelectOptions & { readonly io: CommandIo; readonly inputs: readonly string[] },
): Promise<Selection & { readonly rows: number }> {
  if (path === undefined && isTerminal(options.io.stdout))
    throw usageFailure('parquet is not for terminals', 'Add --output FILE.');
  const output = await Output.to(path, options.inputs, options.io);
  return withScratchFolder(async (folder) => {
    const { connection, close } = await openDuckDB(folder);
    try {
      const lines = join(folder, 'selected.jsonl');
      const spool = await Output.to(lines, [], options.io);
      const found = await select(logs, (_record, data, start, end) => spool.line(data, start, end), {
        ...options,
        pause: () => spool.settle(),
      });
      await spool.end();
      const made = join(folder, 'selected.parquet');
      await connection.run(
        `COPY (${recordsSql([lines])}) TO ${literal(made)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const counted = await connection.runAndReadAll(
        `SELECT count(*)::INTEGER FROM read_parquet(${literal(made)})`,
      );
      await copyOut(made, output);
      return { ...found, rows: Number(counted.getRowsJS()[0]?.[0]) };
    } finally {
      close();
    }
  });
}

/** Copies a file that DuckDB made to the output of the command. */
export async function copyOut(path: string, output: Output): Promise<void> {
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    output.bytes(piece);
    await output.settle();
  }
  await output.end();
}
