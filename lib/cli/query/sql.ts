import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { toJsonLine } from '../../codecs/codec.js';
import { printable } from '../../internal/text.js';
import {
  ExitCode,
  CliFailure,
  inputFailure,
  usageFailure,
  type Reading,
  type CommandIo,
} from '../shared/command.js';
import { keyFiles } from '../integrity/judgement.js';
import { csvRow } from '../formats/csv.js';
import { openLogs, spoolLogs, type LogInput } from '../input/logs.js';
import { readRecords } from '../input/records.js';
import { withKeys, type KeyOptions } from '../input/unlocked.js';
import { Problems } from '../input/problems.js';
import { withScratchFolder } from '../term/temporaryFile.js';
import { Output } from '../term/output.js';
import { palette, terminalWidth } from '../term/terminal.js';
import { fit } from '../formats/table.js';
import {
  confine,
  literal,
  openDuckDB,
  recordsSql,
  copyOut,
  type DuckDBConnection,
  type DuckDBStatement,
} from './duckdb.js';

type Format = 'table' | 'jsonl' | 'csv' | 'parquet';

/** A row of a result: plain values, in the order of the columns. */
type Row = readonly unknown[];

/** `query --sql`: runs a query over the table `records`. */
export async function runSql(
  sql: string,
  operands: readonly string[],
  format: Format,
  options: KeyOptions & {
    json?: boolean;
    output?: string;
    vkey?: readonly string[];
    'csv-exact'?: boolean;
  },
  io: CommandIo,
  reading: Reading,
): Promise<number> {
  if (format === 'parquet' && options.output === undefined)
    throw usageFailure('parquet of a query needs a file to go to', 'Add --output FILE.');
  const problems = new Problems(io, options.json);
  return withScratchFolder(async (folder) => {
    const { connection, close } = await openDuckDB(folder);
    try {
      const logs = withKeys(await openLogs(operands, io, problems), options, problems);
      const isElsewhere = ({ files, evidence, isDecrypted }: LogInput) =>
        files.length === 0 || evidence !== undefined || isDecrypted === true;
      const streamed = logs.filter(isElsewhere);
      const here = logs.filter((log) => !isElsewhere(log));
      const paths = here.flatMap(({ files }) => files.map(({ path }) => resolve(path)));
      if (streamed.length > 0) paths.push(await spoolLogs(streamed, folder));
      if (paths.length === 0) return problems.exitCode(ExitCode.input);
      const output = await Output.to(options.output, [...operands, ...keyFiles(options.vkey)], io);
      await connection.run(`CREATE VIEW records AS ${recordsSql(paths)}`);
      const made = join(folder, 'result.parquet');
      const real = await Promise.all(paths.map((path) => realpath(path)));
      await confine(connection, [...paths, ...real, ...(format === 'parquet' ? [made] : [])]);
      const run =
        format === 'parquet'
          ? toParquet(connection, sql, made, output)
          : toRows(connection, sql, format, { ...options, io, output, reading });
      await run.catch(async (error: unknown) => {
        throw await explained(error, logs, problems);
      });
      return problems.exitCode();
    } finally {
      close();
    }
  });
}

/** DuckDB writes Parquet to a temporary file, which is then copied to the output. */
async function toParquet(
  connection: DuckDBConnection,
  sql: string,
  made: string,
  output: Output,
): Promise<void> {
  (await readOnlyStatement(connection, sql)).destroySync();
  // The line end ends a comment at the end of the query.
  const statement = sql.trim().replace(/;\s*$/, '');
  await connection.run(`COPY (${statement}\n) TO ${literal(made)} (FORMAT parquet)`);
  await copyOut(made, output);
}

/** Where the rows of a result go. */
interface RowsTarget {
  readonly io: CommandIo;
  readonly output: Output;
  readonly reading: Reading;
  readonly 'csv-exact'?: boolean;
}

async function toRows(
  connection: DuckDBConnection,
  sql: string,
  format: Format,
  { io, output, reading, ...options }: RowsTarget,
): Promise<void> {
  const result = await (await readOnlyStatement(connection, sql)).stream();
  const names = result.columnNames();
  const write = rowWriter(format, names, output, io, options['csv-exact'] ?? false);
  let count = 0;
  for await (const rows of result.yieldRowsJs()) {
    reading.showed((count += rows.length));
    write(rows.map((row) => row.map(plain)));
    await output.settle();
  }
  write([], true);
  await output.end();
}

/** DuckDB's messages about a line that is no record. They may quote the line, so they are not shown. */
const UNREADABLE =
  /^(?:Invalid Input Error: (?:Malformed JSON|JSON transform error|.*not an audit record)|Conversion Error|IO Error: .*gzip)/is;

/** Where DuckDB cannot read a line, reads the logs again to report which line it is, and why. */
async function explained(error: unknown, logs: readonly LogInput[], problems: Problems): Promise<unknown> {
  if (error instanceof CliFailure || !(error instanceof Error)) return error;
  if (!UNREADABLE.test(error.message)) return usageFailure(`SQL: ${error.message.split('\n')[0] ?? ''}`);
  const before = problems.total;
  await readRecords(logs, () => undefined, { problems });
  problems.conclude();
  if (problems.total === before && /json/i.test(error.message))
    return inputFailure(
      'DuckDB cannot read a record, which holds half a character, bytes that are no UTF-8 or a number beyond its range; a result without it would be wrong, so there is none',
      error,
    );
  if (problems.total === before) return usageFailure(`SQL: ${error.message.split(/[\n"]/)[0] ?? ''}`);
  return inputFailure(
    'not every line is an audit record; a result without them would be wrong, so there is none',
    error,
  );
}

/** Turns DuckDB's values into plain ones: safe integers into numbers, times into RFC 3339 texts. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
      ? Number(value)
      : value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
  return value;
}

type RowSink = (rows: readonly Row[], last?: boolean) => void;

function rowWriter(
  format: Format,
  names: readonly string[],
  output: Output,
  io: CommandIo,
  exact: boolean,
): RowSink {
  if (format === 'jsonl')
    return (rows) => {
      for (const row of rows)
        output.text(`${toJsonLine(Object.fromEntries(names.map((name, index) => [name, row[index]])))}\n`);
    };
  if (format === 'csv') {
    output.text(csvRow(names));
    return (rows) => {
      for (const row of rows) output.text(csvRow(row, { exact }));
    };
  }
  return tableSink(names, output, io);
}

/** Writes a table whose columns are as wide as the first rows need. */
function tableSink(names: readonly string[], output: Output, io: CommandIo): RowSink {
  const { bold } = palette(io.stdout, io.env);
  const most = Math.max(12, Math.floor(terminalWidth(io) / Math.max(1, Math.min(3, names.length))));
  let widths: number[] | undefined;
  const cell = (value: unknown) =>
    value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  const line = (cells: readonly unknown[]) =>
    cells
      .map((value, index) => {
        const text = fit(cell(value), widths?.[index] ?? most);
        return typeof value === 'number' ? text.trimEnd().padStart(widths?.[index] ?? 0) : text;
      })
      .join('  ')
      .trimEnd();
  return (rows, last = false) => {
    if (widths === undefined && (rows.length > 0 || last)) {
      const columns = names.map((name, index) => [
        name,
        ...rows.slice(0, 500).map((row) => cell(row[index])),
      ]);
      widths = columns.map((texts) =>
        Math.min(most, Math.max(...texts.map((text) => printable(text).length))),
      );
      output.text(`${bold(line(names))}\n`);
    }
    for (const row of rows) output.text(`${line(row)}\n`);
  };
}

/** `DUCKDB_STATEMENT_TYPE_SELECT` of DuckDB's C interface (duckdb.h); the package uses the same numbers. */
const SELECT = 1;

/**
 * The table functions that a query may call. They make rows of values, or describe DuckDB itself. Others change settings from
 * within a SELECT (`enable_logging`), end the process, or run a text as a query that cannot be checked.
 */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  ...['generate_series', 'range', 'repeat', 'repeat_row', 'unnest', 'json_each', 'json_tree', 'query_table'],
  ...['histogram', 'histogram_values', 'summary', 'pg_timezone_names', 'icu_calendar_names'],
  ...[
    'duckdb_columns',
    'duckdb_functions',
    'duckdb_keywords',
    'duckdb_tables',
    'duckdb_types',
    'duckdb_views',
  ],
  ...['pragma_table_info', 'pragma_version'],
]);

/**
 * Returns the one statement of a query, if it can only read. DuckDB cannot allow a path for reading only: an allowed path is
 * allowed for COPY … TO as well. What keeps a query from writing is therefore the kind of the statement and the functions in it,
 * as DuckDB's own parser reports them. The statement that was checked is the one that runs.
 *
 * @throws {CliFailure} with exit code 2 when it is several statements, one that is no SELECT, or one that calls what does more
 * than read.
 */
async function readOnlyStatement(connection: DuckDBConnection, sql: string): Promise<DuckDBStatement> {
  const statements = await connection.extractStatements(sql).catch((error: unknown) => {
    // For an empty query, DuckDB's error has no message.
    const said = error instanceof Error && error.message.includes('Parser Error');
    throw said ? error : usageFailure('SQL: there is no statement in it');
  });
  if (statements.count !== 1)
    throw usageFailure(`SQL: one statement is wanted, these are ${statements.count}`);
  // Some functions act as soon as a statement is prepared, before its kind is known.
  await requireKnownFunctions(connection, sql);
  const statement = await statements.prepare(0);
  if (statement.statementType !== SELECT) {
    statement.destroySync();
    throw notReading();
  }
  return statement;
}

function notReading(): Error {
  return usageFailure('SQL: a query can only read: SELECT, FROM, VALUES or WITH … SELECT');
}

/** Checks the functions of a SELECT. DuckDB gives the syntax tree as JSON only for a SELECT. */
async function requireKnownFunctions(connection: DuckDBConnection, sql: string): Promise<void> {
  const answer = await connection.runAndReadAll(`SELECT json_serialize_sql(${literal(sql)})`);
  const tree: unknown = JSON.parse(String(answer.getRowsJS()[0]?.[0]));
  if (tree === null || typeof tree !== 'object' || Reflect.get(tree, 'error') !== false) throw notReading();
  for (const name of tableFunctions(tree))
    if (!TABLE_FUNCTIONS.has(name))
      throw usageFailure(`SQL: ${name} cannot be called: a query reads the table 'records' and nothing else`);
}

function* tableFunctions(node: unknown): Generator<string, void, undefined> {
  if (node === null || typeof node !== 'object') return;
  if (Reflect.get(node, 'type') === 'TABLE_FUNCTION') yield nameOf(Reflect.get(node, 'function'));
  for (const part of Object.values(node)) yield* tableFunctions(part);
}

function nameOf(call: unknown): string {
  const name: unknown =
    call !== null && typeof call === 'object' ? Reflect.get(call, 'function_name') : undefined;
  return typeof name === 'string' ? name.toLowerCase() : 'a table function';
}
