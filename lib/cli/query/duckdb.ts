import { join } from 'node:path';
import { ExitCode } from '../shared/command.js';
import type { McpDetail } from '../../schema/record.js';
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

/** The parts of the column `mcp`. A field of a record that is missing here does not compile. */
const MCP_COLUMNS: Readonly<Record<keyof McpDetail, 'VARCHAR' | 'INTEGER' | 'JSON'>> = {
  method: 'VARCHAR',
  protocol_version: 'VARCHAR',
  request_id: 'VARCHAR',
  connection_id: 'VARCHAR',
  requested_by: 'VARCHAR',
  tool_name: 'VARCHAR',
  tool_arguments: 'JSON',
  tool_result: 'JSON',
  resource_uri: 'VARCHAR',
  prompt_name: 'VARCHAR',
  prompt_arguments: 'JSON',
  session_id: 'VARCHAR',
  server_address: 'VARCHAR',
  transport: 'VARCHAR',
  client_capabilities: 'JSON',
  server_capabilities: 'JSON',
  extensions: 'JSON',
  server_identity: 'VARCHAR',
  discovered_server_id: 'VARCHAR',
  discovered_server_version: 'VARCHAR',
  served_from: 'VARCHAR',
  answer: 'VARCHAR',
  answer_refused: 'VARCHAR',
  caller_saw: 'VARCHAR',
  http_status: 'INTEGER',
  oauth: 'JSON',
  task_id: 'VARCHAR',
  task_status: 'VARCHAR',
  requests: 'JSON',
  legs: 'JSON',
  tool_fingerprint: 'VARCHAR',
  tool_annotations: 'JSON',
  meta: 'JSON',
  decision: 'VARCHAR',
  ended_by: 'VARCHAR',
  apm_system: 'VARCHAR',
  apm_trace_id: 'VARCHAR',
  apm_span_id: 'VARCHAR',
};

/** The columns of the table `records`, with DuckDB's types. Fields of free form are JSON. */
const COLUMNS = {
  record_id: 'VARCHAR',
  seq: 'BIGINT',
  time: 'TIMESTAMP',
  duration_ms: 'DOUBLE',
  event_type: 'VARCHAR',
  outcome: 'VARCHAR',
  severity: 'VARCHAR',
  sensitivity: 'VARCHAR',
  actor_id: 'VARCHAR',
  actor_type: 'VARCHAR',
  component: 'VARCHAR',
  environment: 'VARCHAR',
  resource: 'VARCHAR',
  message: 'VARCHAR',
  correlation_id: 'VARCHAR',
  trace_id: 'VARCHAR',
  span_id: 'VARCHAR',
  parent_span_id: 'VARCHAR',
  session_id: 'VARCHAR',
  tenant_id: 'VARCHAR',
  client_id: 'VARCHAR',
  client_version: 'VARCHAR',
  server_id: 'VARCHAR',
  server_version: 'VARCHAR',
  policy_tags: 'VARCHAR[]',
  ocsf_class_uid: 'INTEGER',
  ocsf_activity_id: 'INTEGER',
  otel_operation_name: 'VARCHAR',
  mcp: `STRUCT(${Object.entries(MCP_COLUMNS)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')})`,
  error: 'STRUCT(type VARCHAR, code VARCHAR, message VARCHAR)',
  data: 'JSON',
  stage: 'VARCHAR',
  operation_id: 'VARCHAR',
  truncated: 'JSON',
  metadata:
    'STRUCT(schema_version VARCHAR, product_name VARCHAR, product_version VARCHAR, vendor_name VARCHAR)',
} as const;

/** An SQL query for all records of log files. It fails at a line that is JSON and not a record. */
export function recordsSql(paths: readonly string[]): string {
  const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: ${literal(type)}`);
  const source = `read_json([${paths.map(literal).join(', ')}], format='newline_delimited', maximum_object_size=16777216, columns={${columns.join(', ')}})`;
  return `SELECT * FROM ${source} WHERE CASE WHEN record_id IS NULL THEN error('not an audit record')::BOOLEAN ELSE true END`;
}
