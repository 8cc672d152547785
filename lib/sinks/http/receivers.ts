import { toClickHouseRow } from '../../codecs/clickhouse.js';
import { bytesOfLines, toJsonLine, type Codec } from '../../codecs/codec.js';
import { loadCodec, type Format } from '../../codecs/load.js';
import type { Profile } from '../../codecs/profile.js';
import type { AuditRecord } from '../../schema/record.js';
import type { ReceiverResponse, RecordVerdict, ResponseCheck } from './exchange.js';

/** A product whose API for logs {@link HttpSink} speaks. */
export type HttpReceiverName = 'splunk' | 'elastic' | 'datadog' | 'loki' | 'clickhouse';

/** How one product takes logs: where, in which form, and how it says what became of them. */
export interface HttpReceiver {
  /** Where requests go, from the address that the user gave. */
  readonly address: (given: URL) => URL;
  /** The format of records that the product shows best. */
  readonly format: Format;
  /** The media type of a request. */
  readonly type: string;
  /** The body of a request: `text` is a record in the chosen format. */
  readonly body: (records: readonly AuditRecord[], text: (record: AuditRecord) => string) => Uint8Array;
  /** How many records one request holds, unless the user says otherwise. */
  readonly perRequest: number;
  /** Reads an answer of 2xx that may report errors. */
  readonly check?: ResponseCheck;
}

const JSON_TYPE = 'application/json';
const NDJSON_TYPE = 'application/x-ndjson';

const RECEIVERS: Readonly<Record<HttpReceiverName, HttpReceiver>> = {
  // "Format events for HTTP Event Collector": objects one after the other, `time` in seconds since the epoch.
  splunk: {
    address: at('services/collector/event'),
    format: 'json',
    type: JSON_TYPE,
    perRequest: 100,
    body: (records, text) =>
      bytesOfLines(
        records.map((record) => {
          const { component, environment, event_type, outcome } = record;
          const fields = toJsonLine({ environment, event_type, outcome });
          const source = toJsonLine(`otel-mcp-log:${component}`);
          const time = (Date.parse(record.time) / 1000).toFixed(3);
          return `{"time":${time},"source":${source},"sourcetype":"_json","fields":${fields},"event":${text(record)}}`;
        }),
      ),
    check: splunkAnswer,
  },
  // "Bulk API": an action before each document. `create` with the record's id makes a repeated delivery a conflict, not a copy, and
  // is the one action that data streams take.
  elastic: {
    address: elasticAddress,
    format: 'ecs',
    type: NDJSON_TYPE,
    perRequest: 500,
    body: (records, text) =>
      bytesOfLines(
        records.flatMap((record) => [`{"create":{"_id":${toJsonLine(record.record_id)}}}`, text(record)]),
      ),
    check: elasticAnswer,
  },
  // "Send logs" (v2): an array of at most 1,000 logs.
  datadog: {
    address: at('api/v2/logs'),
    format: 'json',
    type: JSON_TYPE,
    perRequest: 100,
    body: (records, text) => arrayOf(records.map((record) => datadogLog(record, text(record)))),
  },
  // "Ingest logs": streams of few labels, each with [nanoseconds, line, structured metadata].
  loki: {
    address: at('loki/api/v1/push'),
    format: 'json',
    type: JSON_TYPE,
    perRequest: 500,
    body: lokiStreams,
  },
  // "HTTP interface": the statement in the address, its rows in the body. They are rows of the table in `dist/clickhouse.sql`.
  clickhouse: {
    address: clickHouseAddress,
    format: 'json',
    type: NDJSON_TYPE,
    perRequest: 1_000,
    body: (records, text) => bytesOfLines(records.map((record) => toClickHouseRow(record, text(record)))),
    check: clickHouseAnswer,
  },
};

/** How a product takes logs. */
export function receiverNamed(name: HttpReceiverName): HttpReceiver {
  return RECEIVERS[name];
}

/** The bodies that a product takes, with records in the given format of text. */
export async function receiverCodec(
  { type, body }: HttpReceiver,
  format: Format,
  profile: Profile | undefined,
): Promise<Codec> {
  const { name, encode } = await loadCodec(format, profile === undefined ? {} : { profile });
  const text = (record: AuditRecord): string => Buffer.from(encode(record)).toString();
  const encodeBatch = (records: readonly AuditRecord[]): Uint8Array => body(records, text);
  return {
    name,
    contentType: type,
    batchContentType: type,
    encode: (record) => encodeBatch([record]),
    encodeBatch,
  };
}

/** An address with a path of the product's, where the user gave none. */
function at(path: string): (given: URL) => URL {
  return (given) => (given.pathname === '/' ? new URL(`/${path}${given.search}`, given) : given);
}

/** The data stream of an address without a path: `logs-*-*` has Elastic's own template for logs. */
const DATA_STREAM = 'logs-mcp.audit-default';

/** `_bulk` of the index or data stream that the path names. */
function elasticAddress(given: URL): URL {
  const path = given.pathname.replace(/\/$/, '');
  if (path.endsWith('/_bulk')) return given;
  return new URL(`${path === '' ? `/${DATA_STREAM}` : path}/_bulk${given.search}`, given);
}

const INSERT = 'INSERT INTO mcp_audit FORMAT JSONEachRow';

/**
 * The settings of an insert: fields without a column are left out, times are read as RFC 3339 has them, and the answer waits for
 * the end, so that its status holds for every row. What the user's address says goes before them.
 */
const CLICKHOUSE_SETTINGS = {
  query: INSERT,
  input_format_skip_unknown_fields: '1',
  date_time_input_format: 'best_effort',
  wait_end_of_query: '1',
};

function clickHouseAddress(given: URL): URL {
  const url = new URL(given);
  for (const [name, value] of Object.entries(CLICKHOUSE_SETTINGS))
    if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  return url;
}

function arrayOf(items: readonly string[]): Uint8Array {
  return Buffer.from(`[${items.join(',')}]`);
}

/** The most bytes of one log that Datadog keeps: of a longer one it cuts off the end, and says that all is well. */
const DATADOG_LOG_BYTES = 1_000_000;

/** @throws RangeError for a record that Datadog would cut. */
function datadogLog({ component, environment, record_id: id }: AuditRecord, message: string): string {
  const tags = `env:${environment},record_id:${id}`;
  const log = toJsonLine({ ddsource: 'otel-mcp-log', ddtags: tags, service: component, message });
  if (Buffer.byteLength(log) > DATADOG_LOG_BYTES) throw new RangeError('longer than Datadog keeps whole');
  return log;
}

/**
 * One stream for each service and environment: Loki wants labels with few values. The rest is structured metadata, which can be
 * searched as well.
 */
function lokiStreams(records: readonly AuditRecord[], text: (record: AuditRecord) => string): Uint8Array {
  const streams = new Map<string, string[]>();
  for (const record of records) {
    const { component: service_name, environment: deployment_environment_name } = record;
    const labels = toJsonLine({ service_name, deployment_environment_name });
    const { record_id, event_type, outcome, severity, trace_id } = record;
    const level = severity.replace('SEVERITY_', '').toLowerCase();
    const metadata = toJsonLine({ record_id, event_type, outcome, detected_level: level, trace_id });
    const value = `["${Date.parse(record.time)}000000",${toJsonLine(text(record))},${metadata}]`;
    streams.set(labels, [...(streams.get(labels) ?? []), value]);
  }
  const each = [...streams].map(([labels, values]) => `{"stream":${labels},"values":[${values.join(',')}]}`);
  return Buffer.from(`{"streams":[${each.join(',')}]}`);
}

/** Splunk's answer: `code` 0 is success, whatever else the status says. */
function splunkAnswer({ body }: ReceiverResponse): RecordVerdict {
  const { code } = JSON.parse(body) as { code?: unknown };
  return code === 0 ? 'delivered' : { status: 'retryable', reason: `code ${Number(code)}` };
}

/** What is used of the answer of the bulk API. */
interface BulkAnswer {
  readonly items: readonly Readonly<Record<string, { status: number; error?: { type?: string } }>>[];
}

/** Elasticsearch answers 200 and a status for each document. */
function elasticAnswer({ body }: ReceiverResponse): RecordVerdict[] {
  const { items } = JSON.parse(body) as BulkAnswer;
  return items.map((item): RecordVerdict => {
    const { status, error } = Object.values(item)[0] ?? { status: 0 };
    // 409: a document with this record's id is there, from a delivery whose answer was lost.
    if ((status >= 200 && status < 300) || status === 409) return 'delivered';
    const reason = `status ${status}, ${error?.type ?? 'without a type'}`;
    return { status: status === 429 || status >= 500 ? 'retryable' : 'permanent', reason };
  });
}

/** ClickHouse reports an error that comes after the status has gone out in a header field. */
function clickHouseAnswer({ headers }: ReceiverResponse): RecordVerdict {
  const code = headers['x-clickhouse-exception-code'];
  return code === undefined ? 'delivered' : { status: 'retryable', reason: `code ${Number(code)}` };
}
