// The collector's part: an OTLP/HTTP receiver of logs that keeps to the specification (opentelemetry.io/docs/specs/otlp), with a
// queue on disk, and a topic whose partitions are the counters of the records.
import { createServer } from 'node:http';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { gunzipSync } from 'node:zlib';

/** The definitions of OTLP, compiled: a dependency of this repository's tests. */
const { opentelemetry } = createRequire(import.meta.url)('otlp-proto/build/src/generated/root');
const { ExportLogsServiceRequest, ExportLogsServiceResponse } = opentelemetry.proto.collector.logs.v1;

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/**
 * Starts it. `trouble(records, request)` may say what goes wrong with a request: `{ status, retryAfter }` before anything is kept,
 * `{ reject: (record) => true }` for a partial success, `{ status, kept: true }` for an answer that is lost.
 */
export async function startCollector(queueFile, trouble = () => undefined) {
  const queue = openSync(queueFile, 'a', 0o600);
  /** By the key of the partition. A record stays here until a consumer has taken it. */
  const topic = new Map();
  const counts = { requests: 0, aborted: 0, records: 0, refused: 0, rejected: 0, bytes: 0, byType: {} };

  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // The sender was killed: it has no answer, and its spool sends the batch again.
      counts.aborted++;
      return;
    }
    counts.requests++;
    const [status, headers, body] = answer(request, Buffer.concat(chunks));
    response.writeHead(status, headers).end(body);
  });

  function answer({ method, url, headers }, body) {
    const type = headers['content-type']?.split(';')[0];
    const encoding = headers['content-encoding'] ?? 'identity';
    const say = (status, message) => [status, { 'content-type': JSON_TYPE }, JSON.stringify({ message })];
    if (url !== '/v1/logs') return say(404, 'no such path');
    if (method !== 'POST') return say(405, 'POST only');
    if (![PROTOBUF, JSON_TYPE].includes(type)) return say(415, 'protobuf or JSON');
    if (!['gzip', 'identity'].includes(encoding)) return say(415, 'gzip or nothing');
    let records;
    try {
      const plain = encoding === 'gzip' ? gunzipSync(body) : body;
      counts.bytes += body.length;
      counts.byType[`${type} ${encoding}`] = (counts.byType[`${type} ${encoding}`] ?? 0) + 1;
      records = recordsOf(type, plain);
    } catch {
      // Not retryable: the sender must drop it.
      return say(400, 'not an ExportLogsServiceRequest');
    }
    const wrong = trouble(records, counts.requests) ?? {};
    if (wrong.status !== undefined && wrong.kept !== true) {
      counts.refused++;
      const [status, plainHeaders, text] = say(wrong.status, 'later');
      return [
        status,
        { ...plainHeaders, ...(wrong.retryAfter && { 'retry-after': wrong.retryAfter }) },
        text,
      ];
    }
    const kept = records.filter((record) => wrong.reject?.(record) !== true);
    keep(kept);
    if (wrong.kept === true) return say(wrong.status, 'kept, and the answer is lost');
    const rejected = records.length - kept.length;
    counts.rejected += rejected;
    const partialSuccess = { rejectedLogRecords: rejected, errorMessage: 'a record was refused' };
    const result = rejected > 0 ? { partialSuccess } : {};
    return type === PROTOBUF
      ? [200, { 'content-type': PROTOBUF }, ExportLogsServiceResponse.encode(result).finish()]
      : [200, { 'content-type': JSON_TYPE }, JSON.stringify(result)];
  }

  /** On the disk before the answer, as `file_storage` with `fsync` does. */
  function keep(records) {
    counts.records += records.length;
    writeSync(queue, records.map(({ body }) => `${body}\n`).join(''));
    fdatasyncSync(queue);
    for (const record of records) {
      const key = partitionOf(record);
      topic.set(key, [...(topic.get(key) ?? []), record]);
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/v1/logs`,
    counts,
    partitions: () => [...topic.keys()],
    /** Everything that has arrived and was not taken yet. */
    take() {
      const taken = [...topic.values()].flat();
      for (const key of topic.keys()) topic.set(key, []);
      return taken;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      closeSync(queue);
    },
  };
}

/** One partition for each counter keeps the order of its records: who counts is in the record, and so are its host and process. */
function partitionOf({ attributes }) {
  return `${attributes['audit.log_id']} ${attributes['audit.log_epoch']}`;
}

function recordsOf(type, bytes) {
  const message =
    type === JSON_TYPE
      ? JSON.parse(bytes)
      : ExportLogsServiceRequest.toObject(ExportLogsServiceRequest.decode(bytes), { longs: String });
  return message.resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => ({
        body: valueOf(record.body),
        attributes: objectOf(record.attributes),
        resource: objectOf(resource?.attributes),
      })),
    ),
  );
}

const valueOf = ({ stringValue, intValue }) => stringValue ?? Number(intValue);
const objectOf = (pairs = []) => Object.fromEntries(pairs.map(({ key, value }) => [key, valueOf(value)]));
