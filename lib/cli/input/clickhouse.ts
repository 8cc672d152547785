import type { LogChunk } from '../../integrity/storage/segments.js';
import { inputFailure, usageFailure, type CommandIo } from '../shared/command.js';
import type { AnyOf } from './prefilter.js';

/** What names a table of ClickHouse among the logs of a command line. */
const SCHEME = /^clickhouse\+(https?):\/\//i;

/** Whether an operand names a table instead of a file. */
export function isTable(operand: string): boolean {
  return SCHEME.test(operand);
}

/** What a reader wants of a log, as far as bytes of lines tell it. */
export interface Wanted {
  /** The bounds of time, in the form that records have. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** A line must hold one text of each group. */
  readonly needles: readonly AnyOf[];
  /** Whether the records of each log are to come in the order of their numbers, and not by time. */
  readonly inOrder?: boolean;
}

/** A table as a log, which is in no file. */
interface TableLog {
  readonly name: string;
  readonly files: readonly never[];
  read(): AsyncIterable<LogChunk>;
  narrowed(wanted: Wanted): TableLog;
}

/** How much ClickHouse sorts in memory before it goes on on disk, in bytes. */
const SORTED_IN_MEMORY = 1_000_000_000;

/**
 * The records of a table (`dist/clickhouse.sql`) as a log: `clickhouse+https://host:8443/database/table`. ClickHouse gives the lines as
 * they were logged. It leaves out those that a filter cannot want by their bytes, and the filter decides on the others as it does for
 * files, so that both answer alike.
 *
 * @throws {CliFailure} with exit code 2 where the address is none.
 */
export function tableLog(operand: string, { env }: CommandIo): TableLog {
  const { url, table } = parse(operand);
  const headers = {
    ...(env['CLICKHOUSE_USER'] !== undefined && { 'x-clickhouse-user': env['CLICKHOUSE_USER'] }),
    ...(env['CLICKHOUSE_PASSWORD'] !== undefined && { 'x-clickhouse-key': env['CLICKHOUSE_PASSWORD'] }),
  };
  const ask = (wanted: Wanted): TableLog => ({
    name: operand,
    files: [],
    read: () => linesOf(operand, { url, headers, sql: sqlOf(table, wanted) }),
    narrowed: ask,
  });
  return ask({ needles: [], inOrder: true });
}

function parse(operand: string): { url: string; table: string } {
  let url: URL;
  try {
    // Not a special scheme: the parser would leave host and path as they are.
    url = new URL(operand.replace(SCHEME, '$1://'));
  } catch {
    throw usageFailure(`${operand}: no address of a table`, FORM);
  }
  if (url.username !== '' || url.password !== '')
    throw usageFailure(
      'a name and a password in an address are seen by other users of this machine',
      'Set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD instead.',
    );
  const parts = url.pathname.split('/').filter((part) => part !== '');
  const [database = 'default', table = 'mcp_audit'] = parts;
  if (parts.length > 2 || ![database, table].every((name) => /^\w+$/.test(name)))
    throw usageFailure(`${operand}: no address of a table`, FORM);
  return { url: `${url.origin}/`, table: `${database}.${table}` };
}

const FORM = 'Write clickhouse+https://HOST:PORT, or clickhouse+https://HOST:PORT/DATABASE/TABLE.';

/** In the order of each log where what is missing is looked for, else by time. */
function sqlOf(table: string, { since, until, needles, inOrder }: Wanted): string {
  const conditions = [
    "line != ''",
    ...(since === undefined ? [] : [`time >= ${literal(since)}`]),
    ...(until === undefined ? [] : [`time < ${literal(until)}`]),
    ...needles.map(
      (group) => `(${group.map((text) => `position(line, ${literal(text)}) > 0`).join(' OR ')})`,
    ),
  ];
  const order = inOrder === true ? 'log_id, log_epoch, seq' : 'time, log_id, seq';
  return `SELECT line FROM ${table} FINAL WHERE ${conditions.join(' AND ')} ORDER BY ${order} SETTINGS max_bytes_before_external_sort = ${SORTED_IN_MEMORY} FORMAT TabSeparatedRaw`;
}

function literal(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** So much of an error is shown: the rest of it quotes the query. */
const MOST_SAID = 300;

interface Question {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sql: string;
}

async function* linesOf(name: string, question: Question): AsyncGenerator<LogChunk, void, undefined> {
  let offset = 0;
  try {
    const { body } = await answered(question);
    for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
      const data = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
      if (data.length > 0) yield { data, segment: name, offset };
      offset += data.length;
    }
  } catch (error) {
    // Node's fetch says no more than that it failed; its cause knows why.
    if (!(error instanceof TypeError)) throw error;
    const code: unknown = (error.cause as { code?: unknown } | undefined)?.code;
    const what = offset === 0 ? 'ClickHouse cannot be reached' : 'the connection to ClickHouse broke off';
    throw inputFailure(`${what}${typeof code === 'string' ? ` (${code})` : ''}`, error);
  }
}

async function answered({ url, headers, sql }: Question): Promise<Response> {
  const response = await fetch(url, { method: 'POST', headers, body: sql, redirect: 'error' });
  if (response.ok) return response;
  const said = (await response.text()).split('\n')[0]?.slice(0, MOST_SAID) ?? '';
  throw inputFailure(`ClickHouse answered ${response.status}: ${said}`);
}
