import { createRequire } from 'node:module';
import { startReceiver, type HttpReceiver } from './httpReceiver.js';

/** A log record as the OTLP definitions have it, ids as hex. */
interface ReceivedLog {
  timeUnixNano: string;
  observedTimeUnixNano: string;
  severityNumber: number;
  severityText: string;
  eventName: string;
  traceId: string;
  spanId: string;
  body: string;
  attributes: Record<string, string | number>;
  resource: Record<string, string | number>;
  scope: string;
}

interface AnyValue {
  stringValue?: string;
  intValue?: string | number;
}
interface KeyValue {
  key: string;
  value: AnyValue;
}
interface ExportLogsServiceRequest {
  resourceLogs: {
    resource: { attributes?: KeyValue[] };
    scopeLogs: {
      scope: { name: string; version: string };
      logRecords: (Omit<ReceivedLog, 'attributes' | 'body'> & { body: AnyValue; attributes: KeyValue[] })[];
    }[];
  }[];
}
interface MessageType {
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): ExportLogsServiceRequest;
}

/** The official definitions of OTLP, compiled; older releases of OpenTelemetry's own package still ship them. */
const { opentelemetry } = createRequire(import.meta.url)('otlp-proto/build/src/generated/root') as {
  opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: MessageType } } } } };
};
const Request = opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

/** An OTLP/HTTP receiver of logs on loopback. */
export interface OtlpLogReceiver extends HttpReceiver {
  logsUrl: string;
  logs(): ReceivedLog[];
}

/** Starts one; it takes both encodings. */
export async function startOtlpLogReceiver(): Promise<OtlpLogReceiver> {
  const receiver = await startReceiver();
  return Object.assign(receiver, {
    logsUrl: `${receiver.url}/v1/logs`,
    logs: () =>
      receiver.requests.flatMap(({ headers, body }) => flatten(decode(headers['content-type'], body))),
  });
}

function decode(type: string | undefined, body: Buffer): ExportLogsServiceRequest {
  if (type === 'application/json') return JSON.parse(body.toString()) as ExportLogsServiceRequest;
  return Request.toObject(Request.decode(body), { longs: String, bytes: Buffer });
}

function flatten({ resourceLogs }: ExportLogsServiceRequest): ReceivedLog[] {
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ scope, logRecords }) =>
      logRecords.map((log) => ({
        ...log,
        traceId: hex(log.traceId),
        spanId: hex(log.spanId),
        body: String(plain(log.body)),
        attributes: toObject(log.attributes),
        resource: toObject(resource.attributes ?? []),
        scope: `${scope.name}@${scope.version}`,
      })),
    ),
  );
}

const hex = (id: string | Buffer): string => (typeof id === 'string' ? id : id.toString('hex'));
const plain = ({ stringValue, intValue }: AnyValue): string | number => stringValue ?? Number(intValue);
const toObject = (pairs: KeyValue[]): Record<string, string | number> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]));
