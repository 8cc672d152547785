import { usageFailure } from '../shared/failure.js';
import { literal, type DuckDBConnection, type DuckDBStatement } from './duckdb.js';

/** `DUCKDB_STATEMENT_TYPE_SELECT` of DuckDB's C interface (duckdb.h), which the package passes on. */
const SELECT = 1;

/**
 * The table functions that a query may call: they make rows of values, or tell of DuckDB itself. DuckDB has others that change
 * its settings from within a SELECT (`enable_logging`), end the process, or run a text as a query, where nothing could be seen.
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
 * The one statement of a query, if it can do nothing but read. DuckDB has no read-only mode for files that a query may read:
 * a path that is allowed is allowed for COPY … TO as well. So it is the kind of the statement and the functions in it, as
 * DuckDB's own parser has them, that keep a query from writing, and the statement that was judged is the one that runs.
 *
 * @throws {CliFailure} with exit code 2 when it is several statements, one that is no SELECT, or one that calls what does more
 * than read.
 */
export async function readOnlyStatement(connection: DuckDBConnection, sql: string): Promise<DuckDBStatement> {
  const statements = await connection.extractStatements(sql).catch((error: unknown) => {
    // Where there is no statement, DuckDB has no words.
    const said = error instanceof Error && error.message.includes('Parser Error');
    throw said ? error : usageFailure('SQL: there is no statement in it');
  });
  if (statements.count !== 1)
    throw usageFailure(`SQL: one statement is wanted, these are ${statements.count}`);
  // Some functions act when a statement is prepared, before anybody has seen what kind of statement it is.
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

/** DuckDB gives the tree of a SELECT as JSON, and of no other statement. */
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
