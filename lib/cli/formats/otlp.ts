import { asLine } from '../../codecs/codec.js';
import type { AuditRecord } from '../../schema/record.js';
import { resourceAttributes, toLogFacts } from '../../sinks/otlpLogSink.js';

/** Texts that JSON holds as they are. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  return text.length < 100 && PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * One record as an OTLP log record, the same one that `OtlpLogSink` sends, as JSON. The text is put together here: an object for each
 * attribute, only to be written, takes most of the time of an export.
 */
function toLogRecord(record: AuditRecord): string {
  const { eventName, severityNumber, severityText, body, attributes } = toLogFacts(record);
  const time = `${Date.parse(record.time)}000000`;
  const span = record.span_id === undefined ? '' : `,"spanId":${quoted(record.span_id)}`;
  const trace = record.trace_id === undefined ? '' : `,"traceId":${quoted(record.trace_id)}`;
  return `{"timeUnixNano":"${time}","observedTimeUnixNano":"${time}","eventName":${quoted(eventName)},"severityNumber":${severityNumber},"severityText":${quoted(severityText)},"body":{"stringValue":${JSON.stringify(body)}},"attributes":${keyValues(attributes)}${trace}${span}}`;
}

/** The beginning of each attribute: its key, quoted once. */
const keys = new Map<string, string>();
/** Keys of resources are the user's own, and may be many. */
const MOST_KEYS = 1000;

function keyOf(key: string): string {
  let text = keys.get(key);
  if (text !== undefined) return text;
  text = `{"key":${JSON.stringify(key)},"value":{`;
  if (keys.size < MOST_KEYS) keys.set(key, text);
  return text;
}

/** Attributes in the JSON form of OTLP (opentelemetry-proto, common.proto). */
function keyValues(attributes: Readonly<Record<string, string | number>>): string {
  let text = '';
  for (const key in attributes) {
    const value = attributes[key];
    const written =
      typeof value === 'number' ? `"intValue":"${value}"` : `"stringValue":${quoted(value as string)}`;
    text += `${text === '' ? '' : ','}${keyOf(key)}${written}}}`;
  }
  return `[${text}]`;
}

/** Names the origin of a record. Records of one origin can share a message. */
export function originOf(record: AuditRecord): string {
  return keyValues(resourceAttributes(record));
}

/**
 * Writes records of one origin as a line of OTLP JSON: a LogsData message, which the collector's file receiver reads. It is written
 * record by record: a text of the whole message would be copied several times.
 */
export function writeLogsData(records: readonly AuditRecord[], write: (text: string) => void): void {
  const [first] = records;
  if (first === undefined) return;
  const { product_name: name, product_version: version } = first.metadata;
  const scope = JSON.stringify({ name, version });
  write(
    asLine(
      `{"resourceLogs":[{"resource":{"attributes":${originOf(first)}},"scopeLogs":[{"scope":${scope},"logRecords":[`,
    ),
  );
  for (const [index, record] of records.entries()) {
    if (index > 0) write(',');
    write(asLine(toLogRecord(record)));
  }
  write(']}]}]}\n');
}
