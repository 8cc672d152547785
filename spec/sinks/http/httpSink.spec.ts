// Decodes what arrives with the codec of the format: the sink has it loaded on demand, and shows it to no user.
import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { decodeLine } from '../../../lib/codecs/json.js';
import { decodeProtobuf, decodeProtobufBatch, decodeProtojson } from '../../../lib/codecs/protobuf.js';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { HttpSink, type HttpSinkOptions } from '../../../lib/sinks/http/httpSink.js';
import type { Rejection } from '../../../lib/sinks/sink.js';
import { expectFailure, sinkContract } from '../../contract/sinkContract.js';
import { hang, reset, startReceiver, type HttpReceiver } from '../../support/httpReceiver.js';
import { sampleRecord } from '../../support/sampleRecords.js';

type Decode = (body: Buffer) => AuditRecord[];
const lines: Decode = (body) =>
  body
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => decodeLine(line));

const cases: [name: string, options: Partial<HttpSinkOptions>, decode: Decode][] = [
  ['json', {}, lines],
  ['json, NDJSON', { batch: { maxRecords: 3 } }, lines],
  ['json, array', { batch: { framing: 'array' } }, (body) => JSON.parse(body.toString()) as AuditRecord[]],
  ['protobuf', { format: 'protobuf' }, (body) => [decodeProtobuf(body)]],
  ['protobuf, delimited', { format: 'protobuf', batch: {} }, (body) => decodeProtobufBatch(body)],
  ['protojson', { format: 'protojson' }, (body) => [decodeProtojson(body.toString())]],
];

for (const [name, options, decode] of cases) {
  sinkContract(`HttpSink (${name})`, async () => {
    const receiver = await startReceiver();
    return {
      sink: new HttpSink({ endpoint: receiver.url, retry: { maxAttempts: 1 }, ...options }),
      received: () => receiver.requests.flatMap(({ body }) => decode(body)),
      breakReceiver: () => receiver.close(),
      dispose: () => receiver.close(),
    };
  });
}

for (const [way, transport] of [
  ['by itself', {}],
  ['with a fetch', { fetch: globalThis.fetch }],
] as const)
  describe(`HttpSink ${way}`, () => {
    let receiver: HttpReceiver;
    beforeEach(async () => {
      receiver = await startReceiver();
    });
    afterEach(() => receiver.close());

    const quick = { retry: { initialDelayMs: 1, maxDelayMs: 1 } };
    const make = (options: Partial<HttpSinkOptions> = {}): HttpSink =>
      new HttpSink({ endpoint: `${receiver.url}/in`, ...quick, ...transport, ...options });
    const scratch = (): string => mkdtempSync(join(tmpdir(), 'otel-mcp-log-http-'));

    it('posts one record with its own headers, media type and the record id as idempotency key', async () => {
      await make({ headers: { 'X-Api-Key': 'k' } }).emit([sampleRecord()]);
      const [{ method, path, headers }] = receiver.requests as [HttpReceiver['requests'][number]];
      expect([method, path]).to.deep.equal(['POST', '/in']);
      expect(headers).to.include({
        'x-api-key': 'k',
        'content-type': 'application/json',
        'idempotency-key': sampleRecord().record_id,
      });
      expect(headers).not.to.have.any.keys('x-signature', 'webhook-id');
    });

    it('cuts batches to size, each with an id that is the same for the same records', async () => {
      const records = [0, 1, 2, 3, 4].map((index) => sampleRecord(index));
      const sink = make({ batch: { maxRecords: 2 } });
      await sink.emit(records);
      await sink.emit(records.slice(0, 2));
      expect(receiver.requests.map(({ body }) => lines(body).map(({ seq }) => seq))).to.deep.equal([
        [0, 1],
        [2, 3],
        [4],
        [0, 1],
      ]);
      const ids = receiver.requests.map(({ headers }) => headers['idempotency-key']);
      expect(ids[3]).to.equal(ids[0]);
      expect(new Set(ids)).to.have.property('size', 3);
    });

    for (const status of [429, 502, 503, 504]) {
      it(`tries again after ${status}`, async () => {
        receiver.script = [status, status];
        const sink = make();
        expect(await sink.emit([sampleRecord()])).to.deep.equal({ status: 'delivered', ack: 'delivered' });
        expect(sink.stats).to.deep.equal({ requests: 3, retries: 2, rejected: 0 });
      });
    }

    it('tries again after a reset, with the same idempotency key', async () => {
      receiver.script = [reset];
      await make().emit([sampleRecord()]);
      const keys = receiver.requests.map(({ headers }) => headers['idempotency-key']);
      expect(keys).to.deep.equal([sampleRecord().record_id, sampleRecord().record_id]);
    });

    it('gives up after the attempts allowed, says that it may be tried again, and how far it came', async () => {
      receiver.script = [200, 503, 503];
      const sink = make({ retry: { maxAttempts: 2, initialDelayMs: 1 } });
      const result = await sink.emit([0, 1, 2].map((index) => sampleRecord(index)));
      expectFailure(result, 'retryable');
      expect(result).to.include({ settled: 1 });
      expect(receiver.requests).to.have.length(3);
    });

    it('keeps to Retry-After in seconds, and hands a pause beyond its deadline to the caller', async () => {
      receiver.script = [(response) => response.writeHead(503, { 'retry-after': '120' }).end()];
      const result = await make().emit([sampleRecord()]);
      expect(result).to.include({ status: 'retryable', retryAfterMs: 120_000 });
      expect(receiver.requests).to.have.length(1);
    });

    it('keeps to Retry-After as a date', async () => {
      const date = new Date(Date.now() + 100_000).toUTCString();
      receiver.script = [(response) => response.writeHead(429, { 'retry-after': date }).end()];
      const result = await make().emit([sampleRecord()]);
      if (!('retryAfterMs' in result)) return expect.fail('no retryAfterMs');
      expect(result.retryAfterMs).to.be.within(90_000, 100_000);
    });

    for (const status of [400, 401, 403, 404, 409, 413, 500]) {
      it(`does not repeat after ${status}: a dead letter and an alarm`, async () => {
        receiver.script = [status];
        const deadLetterFile = join(scratch(), 'dead.jsonl');
        const alarms: unknown[] = [];
        const sink = make({
          deadLetterFile,
          onError: (error, records) => alarms.push([error.message, records]),
        });
        const records = [sampleRecord(0), sampleRecord(1)];
        const result = await sink.emit(records);
        if (result.status !== 'delivered') return expect.fail(result.status);
        const [{ index, error }] = result.rejected as [Rejection];
        expect(index).to.equal(0);
        expect(receiver.requests, 'the next record goes out all the same').to.have.length(2);
        expect(alarms).to.deep.equal([[error.message, [records[0]]]]);
        const letter = JSON.parse(readFileSync(deadLetterFile, 'utf8')) as Record<string, unknown>;
        expect(letter['record']).to.deep.equal(records[0]);
        expect(letter['dead_letter']).to.include({ sink: 'http', reason: error.message });
        expect(statSync(deadLetterFile).mode & 0o777).to.equal(0o600);
        expect(sink.stats.rejected).to.equal(1);
      });
    }

    for (const status of [400, 413, 422]) {
      it(`finds the one record of a batch that a receiver answers ${status}`, async () => {
        const deadLetterFile = join(scratch(), 'dead.jsonl');
        receiver.answer = (response, { body }) =>
          response.writeHead(lines(body).some(({ seq }) => seq === 5) ? status : 200).end();
        const sink = make({ batch: { maxRecords: 8 }, deadLetterFile });
        const result = await sink.emit(Array.from({ length: 8 }, (_, index) => sampleRecord(index)));
        expect(result).to.have.nested.property('rejected[0].index', 5);
        expect(result).to.have.property('rejected').with.length(1);
        const letters = readFileSync(deadLetterFile, 'utf8').trimEnd().split('\n');
        expect(letters).to.have.length(1);
        expect(letters[0]).to.contain(sampleRecord(5).record_id);
        expect(receiver.requests, '8, 4+4, 2+2, 1+1').to.have.length(7);
      });
    }

    it('says which of the settled records were refused, when it must stop at a later one', async () => {
      receiver.script = [403, 200];
      receiver.answer = 503;
      const sink = make({ retry: { maxAttempts: 1 } });
      const result = await sink.emit([0, 1, 2].map((index) => sampleRecord(index)));
      expect(result).to.include({ status: 'retryable', settled: 2 });
      expect(result).to.have.nested.property('rejected[0].index', 0);
    });

    it('refuses for good only a batch of which nothing could be taken', async () => {
      receiver.answer = 403;
      expectFailure(await make({ batch: {} }).emit([sampleRecord(0), sampleRecord(1)]), 'permanent');
      expect(receiver.requests).to.have.length(1);
    });

    it('narrows a dead-letter file that others may read, and refuses one that is a symlink', async () => {
      receiver.answer = 400;
      const directory = scratch();
      const wide = join(directory, 'wide.jsonl');
      writeFileSync(wide, '', { mode: 0o644 });
      await make({ deadLetterFile: wide }).emit([sampleRecord()]);
      expect(statSync(wide).mode & 0o777).to.equal(0o600);
      symlinkSync(wide, join(directory, 'link.jsonl'));
      const size = statSync(wide).size;
      const error = expectFailure(
        await make({ deadLetterFile: join(directory, 'link.jsonl') }).emit([sampleRecord()]),
      );
      expect(error.message).to.contain('the dead-letter file failed: ELOOP');
      expect(statSync(wide).size).to.equal(size);
    });

    it('survives an onError that throws', async () => {
      receiver.answer = 400;
      const sink = make({
        onError: () => {
          throw new Error('of the user');
        },
      });
      expectFailure(await sink.emit([sampleRecord()]), 'permanent');
    });

    for (const status of [301, 302, 303, 307, 308]) {
      it(`takes ${status} for a failure; the second host sees nothing`, async () => {
        const second = await startReceiver();
        receiver.answer = (response) => response.writeHead(status, { location: second.url }).end();
        const error = expectFailure(
          await make({ headers: { authorization: 'Bearer s' } }).emit([sampleRecord()]),
        );
        expect(error.message).to.contain(`status ${status}`);
        expect(second.requests).to.deep.equal([]);
        await second.close();
      });
    }

    it('holds its deadline against a receiver that hangs', async () => {
      receiver.answer = hang;
      const error = expectFailure(await make({ timeoutMs: 100 }).emit([sampleRecord()]), 'retryable');
      expect(error.message).to.contain('TIMEOUT');
    });

    it('holds its deadline against a fetch that does not heed the signal', async () => {
      const fetch = (): Promise<Response> => new Promise(() => undefined);
      expectFailure(await make({ timeoutMs: 50, fetch }).emit([sampleRecord()]), 'retryable');
    });

    it('reads no more of an endless response than the cap', async () => {
      let sent = 0;
      let gone: (() => void) | undefined;
      const closed = new Promise<void>((resolve) => (gone = resolve));
      receiver.answer = (response) => {
        const chunk = Buffer.alloc(65_536);
        const more = (): void => {
          while (response.write(chunk)) sent += chunk.length;
        };
        response
          .writeHead(200)
          .on('drain', more)
          .on('close', () => gone?.());
        more();
      };
      expect(await make({ maxResponseBytes: 1000 }).emit([sampleRecord()])).to.include({
        status: 'delivered',
      });
      await closed;
      expect(sent).to.be.below(64 * 2 ** 20);
    });

    it('unpacks no more of a compressed response than the cap', async () => {
      const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
      receiver.answer = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
      const before = process.memoryUsage().arrayBuffers;
      expect(await make({ maxResponseBytes: 1000 }).emit([sampleRecord()])).to.include({
        status: 'delivered',
      });
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(16 * 2 ** 20);
      expect(receiver.requests[0]?.headers['accept-encoding']).to.equal('identity');
    });

    it('signs the exact bytes, so that tools that we did not write verify them', async () => {
      for (const hmacKey of [
        'a shared key',
        `whsec_${Buffer.from('a shared key').toString('base64')}`,
        Buffer.from('a shared key'),
      ]) {
        await make({ hmacKey, format: 'protobuf' }).emit([sampleRecord()]);
      }
      for (const { headers, body } of receiver.requests) {
        expect(headers['x-signature']).to.equal(
          createHmac('sha256', 'a shared key').update(body).digest('hex'),
        );
        const text = {
          'webhook-id': String(headers['webhook-id']),
          'webhook-timestamp': String(headers['webhook-timestamp']),
        };
        expect(text['webhook-id']).to.equal(sampleRecord().record_id);
        const signature = createHmac('sha256', 'a shared key')
          .update(`${text['webhook-id']}.${text['webhook-timestamp']}.`)
          .update(body)
          .digest('base64');
        expect(headers['webhook-signature']).to.equal(`v1,${signature}`);
      }
    });

    it('passes the official Standard Webhooks verifier, and fails it once anything is changed', async () => {
      const secret = `whsec_${Buffer.from('a shared key of some length').toString('base64')}`;
      await make({ hmacKey: secret }).emit([sampleRecord()]);
      const [{ headers, body }] = receiver.requests as [HttpReceiver['requests'][number]];
      const verifier = new Webhook(secret);
      const sent = headers as Record<string, string>;
      expect(verifier.verify(body.toString(), sent)).to.have.property('record_id', sampleRecord().record_id);
      expect(() => verifier.verify(`${body.toString()} `, sent)).to.throw();
      expect(() => verifier.verify(body.toString(), { ...sent, 'webhook-id': 'another' })).to.throw();
      const old = String(Number(sent['webhook-timestamp']) - 3600);
      expect(() => verifier.verify(body.toString(), { ...sent, 'webhook-timestamp': old })).to.throw();
    });
  });
