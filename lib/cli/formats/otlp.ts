import { toJsonLine } from '../../codecs/line.js';
import type { AuditRecord } from '../../schema/record.js';
import { SEVERITY_NUMBERS } from '../../sinks/otlpLogSink.js';

/** An OTLP AnyValue in its JSON form (opentelemetry-proto, common.proto). */
type AnyValue = Readonly<Record<string, unknown>>;

/** The fields that a log record has a field of its own for, or that belong to the resource. */
const APART = new Set([
  'time',
  'message',
  'trace_id',
  'span_id',
  'correlation_id',
  'component',
  'environment',
]);

/** One record as an OTLP log record. Every field is there: as a field of the log record, or as an attribute. */
function toLogRecord(record: AuditRecord): object {
  const time = `${Date.parse(record.time)}000000`;
  const attributes = Object.entries(record)
    .filter(([key]) => !APART.has(key))
    .flatMap(([key, value]) => keyValues(`audit.${key}`, value));
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber: SEVERITY_NUMBERS[record.severity] ?? 0,
    severityText: record.severity.replace('SEVERITY_', ''),
    eventName: record.event_type,
    body: { stringValue: record.message },
    attributes,
    traceId: record.trace_id,
    spanId: record.span_id,
  };
}

/** Makes each part of `mcp`, `error` and `metadata` an attribute. Deeper parts stay nested. */
function keyValues(key: string, value: unknown): { key: string; value: AnyValue }[] {
  const split = /^audit\.(?:mcp|error|metadata)$/.test(key) && typeof value === 'object' && value !== null;
  if (!split) return [{ key, value: anyValue(value) }];
  return Object.entries(value).map(([name, part]) => ({ key: `${key}.${name}`, value: anyValue(part) }));
}

function anyValue(value: unknown): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === 'object' && value !== null)
    return {
      kvlistValue: { values: Object.entries(value).map(([key, part]) => ({ key, value: anyValue(part) })) },
    };
  return {};
}

/** Names the origin of a record. Records of one origin can share a message. */
export function originOf({ component, environment }: AuditRecord): string {
  return JSON.stringify([component, environment]);
}

/** Records of one origin as a line of OTLP JSON: a LogsData message, which the collector's file receiver reads. */
export function toLogsData(records: readonly AuditRecord[]): string {
  const [first] = records;
  if (first === undefined) return '';
  const attributes = [
    { key: 'service.name', value: { stringValue: first.component } },
    { key: 'deployment.environment.name', value: { stringValue: first.environment } },
  ];
  const { product_name: name, product_version: version } = first.metadata;
  return toJsonLine({
    resourceLogs: [
      {
        resource: { attributes },
        scopeLogs: [{ scope: { name, version }, logRecords: records.map(toLogRecord) }],
      },
    ],
  });
}
