import { encodeLine } from '../codecs/json.js';
import type { Profile, EncodingProfileOptions } from '../codecs/profile.js';
import { ConfigError, SinkError } from '../errors.js';
import { requirePeer } from '../internal/runtime.js';
import { after } from '../internal/duration.js';
import { isLoopback } from '../internal/loopback.js';
import { checkOptions, reject } from '../internal/options.js';
import type { AuditRecord } from '../schema/record.js';
import { quietly, type Rejection, type SinkResult } from './sink.js';
import { retry, retryPolicy, type RetryOptions, type RetryPolicy, type TimeoutOptions } from './retry.js';
import { deliveredBut, encodeEach, SerialSink } from './serialSink.js';

/** The part of a `Pool` or a `Client` of `pg` that the sink uses. */
export interface PostgresPool {
  /** Runs one statement. */
  query(text: string, values: unknown[]): Promise<unknown>;
}

/**
 * Options of {@link PostgresSink}: exactly one of `connectionString` and `pool`.
 *
 * @see docs/destinations.md
 */
export interface PostgresSinkOptions extends TimeoutOptions, EncodingProfileOptions {
  /**
   * The database: `postgres://user@host/database?sslmode=verify-full`. TLS is required but on this machine. A password is better
   * kept in `PGPASSWORD` or a password file (`PGPASSFILE`), which `pg` reads.
   * @defaultValue one of two
   * @variable OTEL_MCP_LOG_POSTGRES_URL none; `postgres` requires it
   */
  readonly connectionString?: string;
  /** A pool of the application's own, which the sink does not end. @defaultValue one of two */
  readonly pool?: PostgresPool;
  /**
   * The table, with its schema where that is not on the search path.
   * @defaultValue `mcp_audit`
   * @variable OTEL_MCP_LOG_POSTGRES_TABLE
   */
  readonly table?: string;
  /** When to try again what may succeed later. @defaultValue the default of each of its options */
  readonly retry?: RetryOptions;
  /** The sink's name in errors and metrics. @defaultValue `postgres` */
  readonly name?: string;
}

/** The columns of the table (`dist/postgres.sql`), their types, and what goes into them. */
const COLUMNS: Readonly<Record<string, readonly [type: string, of: (record: AuditRecord) => unknown]>> = {
  record_id: ['uuid', ({ record_id: id }) => id],
  seq: ['bigint', ({ seq }) => seq],
  time: ['timestamptz', ({ time }) => time],
  duration_ms: ['double precision', ({ duration_ms: duration }) => duration],
  event_type: ['text', ({ event_type: type }) => type],
  outcome: ['text', ({ outcome }) => outcome],
  severity: ['text', ({ severity }) => severity],
  sensitivity: ['text', ({ sensitivity }) => sensitivity],
  actor_id: ['text', ({ actor_id: id }) => storable(id)],
  actor_type: ['text', ({ actor_type: type }) => type],
  component: ['text', ({ component }) => storable(component)],
  environment: ['text', ({ environment }) => storable(environment)],
  resource: ['text', ({ resource }) => storable(resource)],
  session_id: ['text', ({ session_id: id }) => storable(id)],
  trace_id: ['text', ({ trace_id: id }) => id],
  tenant_id: ['text', ({ tenant_id: id }) => storable(id)],
  server_id: ['text', ({ server_id: id }) => storable(id)],
};

/** PostgreSQL keeps no U+0000 in a text ("Character Types"); in `record` it stands as an escape. */
function storable(text: string | undefined): string | null {
  return text?.replaceAll('\0', '\ufffd') ?? null;
}

/** One row of values, in the order of {@link COLUMNS}, and the line after them. */
type Row = readonly unknown[];

/**
 * Classes of errors ("PostgreSQL Error Codes") that one record can cause: data exceptions, violated constraints, exceeded limits.
 * All others (connections, resources, rights, a missing table, a standby that takes no writes) pass, or somebody ends them.
 */
const RECORD_AT_FAULT = ['22', '23', '54'];

const DELIVERED = { status: 'delivered', ack: 'delivered' } as const;

/**
 * Inserts records into a table of PostgreSQL, one statement for a batch. A record that is there already is left as it is, so that a
 * batch may be given again. The table and the rights that make it append-only are in `dist/postgres.sql`. It needs the package `pg`.
 *
 * @throws ConfigError for an unknown option, a value of the wrong kind, an address without TLS, or where `pg` is not installed.
 *
 * @example
 * ```ts
 * const sink = new PostgresSink({ connectionString: 'postgres://agent@db.example.com/audit?sslmode=verify-full' });
 * ```
 */
export class PostgresSink extends SerialSink {
  /** The server and the database, where the sink itself connects. */
  readonly destination?: string;
  /** The profile whose names it writes, where it was told one. */
  readonly profile: Profile | undefined;
  readonly #pool: PostgresPool;
  readonly #end: () => Promise<void>;
  readonly #insert: string;
  readonly #retry: RetryPolicy;
  readonly #timeoutMs: number;

  constructor(given: PostgresSinkOptions) {
    const { connectionString, pool, table, name, timeoutMs, profile, ...options } = checkOptions(
      'PostgresSinkOptions',
      'PostgresSink',
      given,
    );
    super(name);
    if ((connectionString === undefined) === (pool === undefined))
      throw new ConfigError('PostgresSink', 'expected exactly one of connectionString and pool');
    if (pool !== undefined && typeof pool.query !== 'function')
      reject('PostgresSink.pool', pool, 'a pool of pg');
    this.#insert = insertInto(table);
    this.#retry = retryPolicy('PostgresSink.retry', options.retry);
    this.#timeoutMs = timeoutMs;
    this.profile = profile;
    if (pool !== undefined) {
      this.#pool = pool;
      this.#end = async () => undefined;
      return;
    }
    const address = requireDatabase(connectionString);
    this.destination = `postgres://${address.host}${address.pathname}`;
    const own = ownPool(address.href, timeoutMs);
    this.#pool = own;
    this.#end = () => own.end();
  }

  protected async deliver(records: readonly AuditRecord[]): Promise<SinkResult> {
    const { encoded, rejected } = encodeEach(this.name, records, (record) => this.#row(record));
    const failed = new Set(rejected.map(({ index }) => index));
    const places = records.map((_, index) => index).filter((index) => !failed.has(index));
    const refused: Rejection[] = [...rejected];
    const result = await retry<SinkResult>(
      (remainingMs) => this.#insertRows(encoded, places, refused, performance.now() + remainingMs),
      this.#retry,
      this.#timeoutMs,
    );
    if (result.status !== 'delivered') return result;
    return deliveredBut(
      refused.sort((one, other) => one.index - other.index),
      records.length,
      DELIVERED,
    );
  }

  protected override async release(): Promise<void> {
    await quietly(this.#end);
  }

  #row(record: AuditRecord): Row {
    return [...Object.values(COLUMNS).map(([, of]) => of(record)), encodeLine(record, this.profile)];
  }

  /** Inserts rows; where one of several is at fault, each half by itself. Those at fault are added to `refused`. */
  async #insertRows(
    rows: readonly Row[],
    places: readonly number[],
    refused: Rejection[],
    deadline: number,
  ): Promise<SinkResult> {
    if (rows.length === 0) return DELIVERED;
    const columns = [...Object.keys(COLUMNS), 'record'].map((_, column) => rows.map((row) => row[column]));
    const code = await faultOf(
      quietly(() => this.#pool.query(this.#insert, columns)),
      deadline,
    );
    if (code === undefined) return DELIVERED;
    const error = new SinkError(this.name, `the insert failed: ${code}`);
    if (!RECORD_AT_FAULT.includes(code.slice(0, 2)) || code.length !== 5)
      return { status: 'retryable', error };
    if (rows.length === 1) {
      const index = places[0] ?? 0;
      if (!refused.some((each) => each.index === index)) refused.push({ index, error });
      return DELIVERED;
    }
    const half = rows.length >> 1;
    const first = await this.#insertRows(rows.slice(0, half), places.slice(0, half), refused, deadline);
    if (first.status !== 'delivered') return first;
    return this.#insertRows(rows.slice(half), places.slice(half), refused, deadline);
  }
}

/** A statement that takes an array for each column. Without a target, ON CONFLICT needs no right to read the table. */
function insertInto(table: string): string {
  if (!/^(?:[a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$/.test(table))
    throw new ConfigError('PostgresSink.table', 'expected a name, or a schema and a name, in lower case');
  const types = [...Object.values(COLUMNS).map(([type]) => type), 'json'];
  const names = [...Object.keys(COLUMNS), 'record'].join(', ');
  const arrays = types.map((type, index) => `$${index + 1}::${type}[]`).join(', ');
  return `INSERT INTO ${table} (${names}) SELECT * FROM unnest(${arrays}) ON CONFLICT DO NOTHING`;
}

/**
 * The code of a statement's fault: PostgreSQL's (SQLSTATE), else that of the connection. The fault's own text may quote a record,
 * so it is not used. A statement that is still running at the deadline may succeed later; its rows are then there already.
 */
async function faultOf(statement: Promise<unknown>, deadline: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = after(deadline - performance.now(), () => resolve('ETIMEDOUT'));
  });
  const ended = statement.then(
    () => undefined,
    (fault: { code?: unknown; name?: unknown }) => {
      const code = String(fault?.code ?? fault?.name ?? 'unknown');
      return /^[A-Za-z0-9_]{1,40}$/.test(code) ? code : 'unknown';
    },
  );
  try {
    return await Promise.race([ended, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Values of `sslmode` that check whom the connection leads to, in every version of `pg`. */
const TLS_MODES = ['verify-ca', 'verify-full'];

/** @throws ConfigError for what is no address of PostgreSQL, or one that records would go to in the clear. It does not quote it. */
function requireDatabase(text: unknown): URL {
  const option = 'PostgresSink.connectionString';
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(?:ql)?:$/.test(url.protocol))
    throw new ConfigError(option, 'expected a URL that begins with postgres://');
  // A `host` in the query goes before the host of the URL, in `pg` as in libpq.
  const host = url.searchParams.get('host') ?? url.hostname;
  const isLocal = host === '' || host.startsWith('/') || isLoopback(host);
  if (!isLocal && !TLS_MODES.includes(url.searchParams.get('sslmode') ?? ''))
    throw new ConfigError(option, 'needs sslmode=verify-full: records must not cross a network in the clear');
  return url;
}

interface PgClient {
  on(event: 'error', listener: () => void): void;
}

/** The part of `pg` that the sink uses. */
interface PgModule {
  Pool: new (options: object) => PostgresPool & {
    on(event: 'error' | 'connect', listener: (client?: PgClient) => void): void;
    end(): Promise<void>;
  };
}

function ignore(): void {
  // Whoever waits for a statement hears of it there.
}

/** One batch is sent at a time. */
const ONE_CONNECTION = 1;

/** A pool that does not keep the process alive. */
function ownPool(connectionString: string, timeoutMs: number) {
  let pg: PgModule;
  try {
    pg = requirePeer('pg') as PgModule;
  } catch {
    throw new ConfigError('PostgresSink', 'needs the package pg: npm install pg');
  }
  const pool = new pg.Pool({
    connectionString,
    max: ONE_CONNECTION,
    allowExitOnIdle: true,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    application_name: 'otel-mcp-log',
  });
  // A connection that breaks while nothing is sent, or while it is being closed, would end the process as an unhandled `error` event.
  // The next batch opens another one.
  pool.on('error', ignore);
  pool.on('connect', (client) => client?.on('error', ignore));
  return pool;
}
