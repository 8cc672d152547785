import { join } from 'node:path';
import { createReadStream } from 'node:fs';
import { ExitCode, CliFailure, usageFailure, type CommandIo } from '../shared/command.js';
import { isPart, PART_FIELDS, RECORD_FIELDS, type FieldKind, type Part } from '../../schema/fields.js';
import { toJsonLine } from '../../codecs/codec.js';
import { logOfFile, type LogInput } from '../input/logs.js';
import { readRecords } from '../input/records.js';
import { withScratchFolder } from '../term/temporaryFile.js';
import { Output } from '../term/output.js';
import { isTerminal } from '../term/terminal.js';
import { select, type Selection, type SelectOptions } from './select.js';

/** The package that brings DuckDB. It is optional, so the import does not name it literally. */
const PACKAGE: string = '@duckdb/node-api';

/** The part of DuckDB's results that is used. */
interface DuckDBResult {
  columnNames(): string[];
  yieldRowsJs(): AsyncIterable<unknown[][]>;
}

/** The part of a prepared statement that is used. */
export interface DuckDBStatement {
  readonly statementType: number;
  stream(): Promise<DuckDBResult>;
  destroySync(): void;
}

/** The part of DuckDB's connections that is used. The type is structural, so that this package compiles without DuckDB. */
export interface DuckDBConnection {
  run(sql: string): Promise<unknown>;
  extractStatements(sql: string): Promise<{
    readonly count: number;
    prepare(index: number): Promise<DuckDBStatement>;
  }>;
  runAndReadAll(sql: string): Promise<{ getRowsJS(): unknown[][] }>;
  closeSync(): void;
}

/** The part of the package that is used. */
export interface DuckDB {
  readonly DuckDBInstance: {
    create(
      path: string,
      options: Record<string, string>,
    ): Promise<{
      connect(): Promise<DuckDBConnection>;
      closeSync(): void;
    }>;
  };
}

/**
 * Connects to a new DuckDB in memory, which loads no extensions.
 *
 * @param folder A temporary folder, for what does not fit into memory.
 * @throws {CliFailure} with exit code 4 when DuckDB is not installed.
 */
export async function openDuckDB(folder: string): Promise<{ connection: DuckDBConnection; close(): void }> {
  const { DuckDBInstance } = await (import(PACKAGE) as Promise<DuckDB>).catch((cause: unknown) => {
    throw new CliFailure(ExitCode.missing, `this needs DuckDB, and ${PACKAGE} is not installed`, {
      hint: `Install it beside otel-mcp-log: npm install ${PACKAGE}`,
      cause,
    });
  });
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    temp_directory: join(folder, 'duckdb-temporary'),
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  const connection = await instance.connect();
  return {
    connection,
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** From here on, a query can reach the named files and nothing else. */
export async function confine(connection: DuckDBConnection, paths: readonly string[]): Promise<void> {
  await connection.run(`SET allowed_paths=[${paths.map(literal).join(', ')}]`);
  await connection.run('SET enable_external_access=false');
  await connection.run('SET lock_configuration=true');
}

/** DuckDB's types for the kinds of fields. Values of any form are JSON. */
const TYPES: Readonly<Record<Exclude<FieldKind, Part>, string>> = {
  text: 'VARCHAR',
  enum: 'VARCHAR',
  time: 'TIMESTAMP',
  number: 'DOUBLE',
  count: 'BIGINT',
  int32: 'INTEGER',
  texts: 'VARCHAR[]',
  json: 'JSON',
};

/** The columns of the table `records`, with DuckDB's types: each field is one. */
const COLUMNS = columnsOf(RECORD_FIELDS);

function columnsOf(
  fields: Readonly<Record<string, `${FieldKind}${'?' | ''}`>>,
): [name: string, type: string][] {
  return Object.entries(fields).map(([name, spec]) => {
    const kind = spec.replace('?', '') as FieldKind;
    return [name, isPart(kind) ? structOf(PART_FIELDS[kind]) : TYPES[kind]];
  });
}

function structOf(fields: Parameters<typeof columnsOf>[0]): string {
  return `STRUCT(${columnsOf(fields)
    .map(([name, type]) => `"${name}" ${type}`)
    .join(', ')})`;
}

/** The columns in which every record has a value. */
const REQUIRED = Object.entries(RECORD_FIELDS)
  .filter(([, spec]) => !spec.endsWith('?'))
  .map(([name]) => name);

/** An SQL query for all records of log files. It fails at a line that is JSON and not a whole record. */
export function recordsSql(paths: readonly string[]): string {
  const columns = COLUMNS.map(([name, type]) => `${name}: ${literal(type)}`);
  const source = `read_json([${paths.map(literal).join(', ')}], format='newline_delimited', maximum_object_size=16777216, columns={${columns.join(', ')}})`;
  const lacks = REQUIRED.map((name) => `${name} IS NULL`).join(' OR ');
  return `SELECT * FROM ${source} WHERE CASE WHEN ${lacks} THEN error('not an audit record')::BOOLEAN ELSE true END`;
}

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
