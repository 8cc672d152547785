import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { toJsonLine } from '../../codecs/codec.js';
import type { CommandIo } from '../shared/command.js';
import { usageFailure } from '../shared/failure.js';
import { logOfFile, type LogInput } from '../input/logs.js';
import { readRecords } from '../input/records.js';
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
        // DuckDB decodes them in any case, and refuses what is not a whole record.
        takeLine: (data, start, end) => spool.line(data, start, end),
        pause: () => spool.settle(),
      });
      await spool.end();
      const made = join(folder, 'selected.parquet');
      const copy = (from: string) =>
        connection.run(`COPY (${recordsSql([from])}) TO ${literal(made)} (FORMAT parquet, COMPRESSION zstd)`);
      await copy(lines).catch(async () => copy(await writtenAnew(lines, folder, options)));
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

/** Writes records anew that hold what DuckDB refuses: half a character, bytes that are no UTF-8, a number beyond its range. */
async function writtenAnew(
  path: string,
  folder: string,
  { io, problems }: Pick<SelectOptions, 'io' | 'problems'>,
): Promise<string> {
  const anew = join(folder, 'anew.jsonl');
  const output = await Output.to(anew, [], io);
  await readRecords([logOfFile(path)], (record) => output.text(`${toJsonLine(record)}\n`), {
    problems,
    pause: () => output.settle(),
  });
  await output.end();
  return anew;
}

/** Copies a file that DuckDB made to the output of the command. */
export async function copyOut(path: string, output: Output): Promise<void> {
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    output.bytes(piece);
    await output.settle();
  }
  await output.end();
}
