import { join } from 'node:path';
import { ExitCode } from '../shared/command.js';
import { isPart, PART_FIELDS, RECORD_FIELDS, type FieldKind, type Part } from '../../schema/fields.js';
import { CliFailure } from '../shared/failure.js';

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
