import { toClickHouseRow } from '../../../lib/codecs/clickhouse.js';
import { expect } from 'chai';
import { encodeLine } from '../../../lib/codecs/json.js';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { HttpSink, type HttpSinkOptions } from '../../../lib/sinks/http/httpSink.js';
import {
  startReceiver,
  type Answer,
  type HttpReceiver,
  type ReceivedRequest,
} from '../../support/httpReceiver.js';
import { sampleRecord, sampleRecords } from '../../support/sampleRecords.js';
import { expectFailure } from '../../contract/sinkContract.js';

/** Answers as a product does, from what it documents, and refuses what it would refuse. */
type Product = (request: ReceivedRequest) => {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
};

/** "HTTP Event Collector", "Response codes": one JSON object after another, each with an `event`. */
const splunk: Product = ({ path, headers, body }) => {
  if (path !== '/services/collector/event') return { status: 404, body: { text: 'not found', code: 404 } };
  if (headers.authorization === undefined)
    return { status: 401, body: { text: 'Token is required', code: 2 } };
  if (headers.authorization !== 'Splunk token')
    return { status: 403, body: { text: 'Invalid token', code: 4 } };
  const events = body
    .toString()
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  const known = ['time', 'host', 'source', 'sourcetype', 'index', 'fields', 'event'];
  const bad = events.findIndex(
    (each) =>
      Object.keys(each).some((key) => !known.includes(key)) ||
      typeof each['time'] !== 'number' ||
      Object.values(each['fields'] ?? {}).some((value) => typeof value === 'object'),
  );
  if (bad >= 0)
    return { status: 400, body: { text: 'Invalid data format', code: 6, 'invalid-event-number': bad } };
  return { status: 200, body: { text: 'Success', code: 0 } };
};

/** "Bulk API": a status for each item; a document whose id is there is a conflict for `create`. */
function elastic(): Product {
  const index = new Map<string, unknown>();
  return ({ path, headers, body }) => {
    const text = body.toString();
    if (!/^\/[^/]+\/_bulk$/.test(path)) return { status: 405, body: { error: 'Incorrect HTTP method' } };
    if (headers['content-type'] !== 'application/x-ndjson')
      return { status: 406, body: { error: 'media type' } };
    if (!text.endsWith('\n')) return { status: 400, body: { error: { type: 'illegal_argument_exception' } } };
    const lines = text.trimEnd().split('\n');
    const items = lines.flatMap((line, place): { create: { status: number; error?: object } }[] => {
      if (place % 2 === 1) return [];
      const { create } = JSON.parse(line) as { create: { _id: string } };
      const document = JSON.parse(lines[place + 1] ?? '') as Record<string, unknown>;
      if (document['@timestamp'] === undefined)
        return [{ create: { status: 400, error: { type: 'document_parsing_exception' } } }];
      const there = index.has(create._id);
      index.set(create._id, document);
      return [{ create: { status: there ? 409 : 201 } }];
    });
    return { status: 200, body: { errors: items.some(({ create }) => create.status >= 400), items } };
  };
}

/** "Send logs" of API v2: an array of at most 1,000 objects and 5 MB. */
const datadog: Product = ({ path, headers, body }) => {
  if (path !== '/api/v2/logs') return { status: 404 };
  if (headers['dd-api-key'] !== 'key') return { status: 403, body: { errors: [{ status: '403' }] } };
  if (body.byteLength > 5_000_000) return { status: 413 };
  const logs = JSON.parse(body.toString()) as Record<string, unknown>[];
  if (!Array.isArray(logs) || logs.length > 1_000) return { status: 400 };
  if (logs.some((log) => Object.values(log).some((value) => typeof value !== 'string')))
    return { status: 400 };
  return { status: 202, body: {} };
};

/** "Ingest logs": strings of nanoseconds, lines, and metadata of strings alone. */
const loki: Product = ({ path, headers, body }) => {
  if (path !== '/loki/api/v1/push') return { status: 404 };
  if (headers['content-type'] !== 'application/json') return { status: 400 };
  const { streams } = JSON.parse(body.toString()) as {
    streams: { stream: Record<string, string>; values: [string, string, Record<string, unknown>][] }[];
  };
  const isText = (value: unknown): boolean => typeof value === 'string';
  const good = streams.every(
    ({ stream, values }) =>
      Object.keys(stream).length > 0 &&
      Object.keys(stream).every((label) => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) &&
      values.every(
        ([time, line, metadata]) =>
          /^\d{19}$/.test(time) && isText(line) && Object.values(metadata).every(isText),
      ),
  );
  return good ? { status: 204 } : { status: 400 };
};

const as =
  (product: Product): Answer =>
  (response, request) => {
    const { status, headers, body } = product(request);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };

describe('receivers of HttpSink', () => {
  let receiver: HttpReceiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());

  const records = sampleRecords();
  const delivered = { status: 'delivered', ack: 'delivered' };
  const make = (options: Partial<HttpSinkOptions>) =>
    new HttpSink({
      endpoint: receiver.url,
      retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 1 },
      ...options,
    });
  const bodies = () => receiver.requests.map(({ body }) => body.toString());
  /** The lines that arrived, as a file would hold them. */
  const linesOf = (those: readonly AuditRecord[]) => those.map((record) => encodeLine(record));

  it('splunk: each record is an event with its time, and the body of the event is the record', async () => {
    receiver.answer = as(splunk);
    const sink = make({ receiver: 'splunk', headers: { authorization: 'Splunk token' } });
    expect(await sink.emit(records)).to.deep.equal(delivered);
    const events = bodies()
      .join('')
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as { time: number; event: AuditRecord });
    expect(events.map(({ event }) => event)).to.deep.equal(
      linesOf(records).map((line) => JSON.parse(line) as unknown),
    );
    expect(events.map(({ time }) => time)).to.deep.equal(records.map(({ time }) => Date.parse(time) / 1000));
    expect(sink.name).to.equal('splunk');
  });

  it('splunk: an answer of 200 with another code than 0 is no delivery', async () => {
    receiver.answer = as(() => ({ status: 200, body: { text: 'Server is busy', code: 9 } }));
    const result = await make({ receiver: 'splunk' }).emit([sampleRecord()]);
    expect(expectFailure(result, 'retryable').message).to.include('code 9');
  });

  it('splunk: a refused event does not take the others with it', async () => {
    receiver.answer = as((request) => {
      const at = request.body
        .toString()
        .trimEnd()
        .split('\n')
        .findIndex((line) => line.includes('"seq":1,'));
      return at < 0
        ? { status: 200, body: { text: 'Success', code: 0 } }
        : { status: 400, body: { text: 'Invalid data format', code: 6, 'invalid-event-number': at } };
    });
    const result = await make({ receiver: 'splunk' }).emit([0, 1, 2].map((seq) => sampleRecord(seq)));
    if (!('rejected' in result)) return expect.fail('nothing was rejected');
    expect(result.rejected?.map(({ index }) => index)).to.deep.equal([1]);
  });

  it('elastic: documents of ECS under the id of their record, into a data stream; a repeat is no second document', async () => {
    receiver.answer = as(elastic());
    const sink = make({ receiver: 'elastic' });
    expect(await sink.emit(records)).to.deep.equal(delivered);
    expect(await sink.emit(records)).to.deep.equal(delivered);
    expect(receiver.requests[0]?.path).to.equal('/logs-mcp.audit-default/_bulk');
    const [action] = bodies()[0]?.split('\n') ?? [];
    expect(JSON.parse(action ?? '')).to.deep.equal({ create: { _id: records[0]?.record_id } });
    await make({ receiver: 'elastic', endpoint: `${receiver.url}/audit/` }).emit([sampleRecord()]);
    expect(receiver.requests.at(-1)?.path).to.equal('/audit/_bulk');
  });

  it('elastic: each item has its own result', async () => {
    const statuses = [201, 429, 400];
    receiver.script = [
      as(() => ({
        status: 200,
        body: {
          errors: true,
          items: statuses.map((status) => ({ create: { status, error: { type: `t${status}` } } })),
        },
      })),
    ];
    receiver.answer = as(elastic());
    const result = await make({ receiver: 'elastic' }).emit([0, 1, 2].map((seq) => sampleRecord(seq)));
    if (!('rejected' in result)) return expect.fail('nothing was rejected');
    expect(result.rejected?.map(({ index, error }) => [index, error.message])).to.deep.equal([
      [2, "the receiver's answer was no delivery: status 400, t400"],
    ]);
    expect(bodies()[1]?.trimEnd().split('\n')).to.have.length(2);
  });

  it('datadog: an array of logs whose message is the line of a file', async () => {
    receiver.answer = as(datadog);
    const sink = make({ receiver: 'datadog', headers: { 'DD-API-KEY': 'key' } });
    expect(await sink.emit(records)).to.deep.equal(delivered);
    const logs = JSON.parse(bodies()[0] ?? '') as { message: string; service: string }[];
    expect(logs.map(({ message }) => message)).to.deep.equal(linesOf(records));
    expect(logs[0]?.service).to.equal('mcp-client');
  });

  it('datadog: what it would cut off is refused, and told', async () => {
    receiver.answer = as(datadog);
    const sink = make({ receiver: 'datadog', headers: { 'DD-API-KEY': 'key' } });
    const long = sampleRecord(1, { message: 'x'.repeat(1_000_000) });
    const result = await sink.emit([sampleRecord(0), long, sampleRecord(2)]);
    if (!('rejected' in result)) return expect.fail('nothing was rejected');
    expect(result.rejected?.map(({ index }) => index)).to.deep.equal([1]);
    expect(receiver.requests.flatMap(({ body }) => JSON.parse(body.toString()) as unknown[])).to.have.length(
      2,
    );
  });

  it('loki: one stream for a service and an environment, with the lines of a file', async () => {
    receiver.answer = as(loki);
    const others = records.map((record) => ({ ...record, environment: 'other' }));
    expect(await make({ receiver: 'loki' }).emit([...records, ...others])).to.deep.equal(delivered);
    const { streams } = JSON.parse(bodies()[0] ?? '') as {
      streams: { stream: Record<string, string>; values: [string, string][] }[];
    };
    expect(streams.map(({ stream }) => stream['deployment_environment_name'])).to.deep.equal([
      'test',
      'other',
    ]);
    expect(streams[0]?.values.map(([, line]) => line)).to.deep.equal(linesOf(records));
    expect(streams[0]?.values[0]?.[0]).to.equal('1768469400125000000');
  });

  it('clickhouse: rows of JSON for a statement that the address holds', async () => {
    const sink = make({ receiver: 'clickhouse' });
    expect(await sink.emit(records)).to.deep.equal(delivered);
    const { searchParams } = new URL(receiver.requests[0]?.path ?? '', receiver.url);
    expect(Object.fromEntries(searchParams)).to.include({
      query: 'INSERT INTO mcp_audit FORMAT JSONEachRow',
      wait_end_of_query: '1',
    });
    const rows = linesOf(records).map((line, index) => toClickHouseRow(records[index]!, line));
    expect(bodies()[0]).to.equal(rows.map((row) => `${row}\n`).join(''));
    const own = encodeURIComponent('INSERT INTO mine FORMAT JSONEachRow');
    await make({ receiver: 'clickhouse', endpoint: `${receiver.url}/?query=${own}` }).emit([sampleRecord()]);
    expect(receiver.requests.at(-1)?.path).to.include(own.replaceAll('%20', '+'));
  });

  it('clickhouse: an exception after the status is no delivery', async () => {
    receiver.answer = as(() => ({ status: 200, headers: { 'X-ClickHouse-Exception-Code': '241' } }));
    const result = await make({ receiver: 'clickhouse' }).emit([sampleRecord()]);
    expect(expectFailure(result, 'retryable').message).to.include('code 241');
  });

  it('an error of the product itself (500) may pass; a wrong token does not', async () => {
    receiver.script = [500];
    receiver.answer = as(datadog);
    expect(
      await make({ receiver: 'datadog', headers: { 'dd-api-key': 'key' } }).emit([sampleRecord()]),
    ).to.deep.equal(delivered);
    expectFailure(await make({ receiver: 'datadog' }).emit([sampleRecord()]), 'permanent');
  });

  it("the user's own check of answers goes before the receiver's", async () => {
    receiver.answer = as(() => ({ status: 200, body: { text: 'odd', code: 9 } }));
    const sink = make({ receiver: 'splunk', checkResponse: () => 'delivered' });
    expect(await sink.emit([sampleRecord()])).to.deep.equal(delivered);
  });

  it('refuses what a receiver decides itself', () => {
    expect(() => make({ receiver: 'loki', format: 'protobuf' })).to.throw('HttpSink.format: is protobuf');
    expect(() => make({ receiver: 'loki', batch: { framing: 'array' } })).to.throw('HttpSink.batch.framing');
    expect(() => make({ receiver: 'kafka' as 'loki' })).to.throw('HttpSink.receiver');
  });
});
