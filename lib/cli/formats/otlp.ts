import { toJsonLine } from '../../codecs/line.js';
import type { AuditRecord } from '../../schema/record.js';
import { resourceAttributes, toLogFacts } from '../../sinks/otlpLogSink.js';

/** One record as an OTLP log record: the same one that `OtlpLogSink` sends. */
function toLogRecord(record: AuditRecord): object {
  const { body, attributes, ...facts } = toLogFacts(record);
  const time = `${Date.parse(record.time)}000000`;
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    ...facts,
    body: { stringValue: body },
    attributes: keyValues(attributes),
    traceId: record.trace_id,
    spanId: record.span_id,
  };
}

/** Attributes in the JSON form of OTLP (opentelemetry-proto, common.proto). */
function keyValues(attributes: Readonly<Record<string, string | number>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value },
  }));
}

/** Names the origin of a record. Records of one origin can share a message. */
export function originOf(record: AuditRecord): string {
  return JSON.stringify(resourceAttributes(record));
}

/** Records of one origin as a line of OTLP JSON: a LogsData message, which the collector's file receiver reads. */
export function toLogsData(records: readonly AuditRecord[]): string {
  const [first] = records;
  if (first === undefined) return '';
  const { product_name: name, product_version: version } = first.metadata;
  return toJsonLine({
    resourceLogs: [
      {
        resource: { attributes: keyValues(resourceAttributes(first)) },
        scopeLogs: [{ scope: { name, version }, logRecords: records.map(toLogRecord) }],
      },
    ],
  });
}
