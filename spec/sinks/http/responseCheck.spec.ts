import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { AuditRecord } from '../../../lib/schema/record.js';
import { HttpSink, type HttpSinkOptions } from '../../../lib/sinks/http/httpSink.js';
import type { ReceiverResponse, RecordVerdict } from '../../../lib/sinks/http/exchange.js';
import { expectFailure } from '../../contract/sinkContract.js';
import { startReceiver, type HttpReceiver } from '../../support/httpReceiver.js';
import { sampleRecord } from '../../support/sampleRecords.js';

/** What Elasticsearch's bulk API answers: 200, and in the body a status for each item. */
const bulk = ({ body }: ReceiverResponse): RecordVerdict[] => {
  const { items } = JSON.parse(body) as { items: { create: { status: number; error?: { type: string } } }[] };
  return items.map(({ create: { status, error } }) => {
    if (status < 300 || status === 409) return 'delivered';
    return { status: status === 429 ? 'retryable' : 'permanent', reason: error?.type ?? 'unknown' };
  });
};

describe('checkResponse', () => {
  let receiver: HttpReceiver;
  /** The statuses of items in the answers to come; then 201. */
  let statuses: number[];
  beforeEach(async () => {
    receiver = await startReceiver();
    statuses = [];
    receiver.answer = (response, { body }) => {
      const items = body
        .toString()
        .split('\n')
        .filter(Boolean)
        .map(() => statuses.shift() ?? 201)
        .map((status) => ({
          create: { status, ...(status >= 400 && { error: { type: `type_${status}` } }) },
        }));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items }));
    };
  });
  afterEach(() => receiver.close());

  const records = Array.from({ length: 5 }, (_, seq) => sampleRecord(seq));
  const make = (options: Partial<HttpSinkOptions> = {}) =>
    new HttpSink({
      endpoint: receiver.url,
      batch: { maxRecords: 5 },
      retry: { maxAttempts: 4, initialDelayMs: 1, maxDelayMs: 1 },
      checkResponse: bulk,
      ...options,
    });
  const sent = () =>
    receiver.requests.map(({ body }) =>
      body
        .toString()
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as AuditRecord).seq),
    );

  it('calls all delivered where the receiver took all', async () => {
    expect(await make().emit(records)).to.deep.equal({ status: 'delivered', ack: 'delivered' });
    expect(sent()).to.deep.equal([[0, 1, 2, 3, 4]]);
  });

  it('sends retryable items again, alone, and puts permanent ones aside', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-'));
    const deadLetterFile = join(folder, 'dead.jsonl');
    const told: [string, number[]][] = [];
    try {
      statuses = [201, 429, 400, 201, 429, 201, 429];
      const onError = ({ message }: Error, those: readonly AuditRecord[]) =>
        void told.push([message, those.map(({ seq }) => seq)]);
      const result = await make({ deadLetterFile, onError }).emit(records);
      expect(sent()).to.deep.equal([[0, 1, 2, 3, 4], [1, 4], [4]]);
      if (!('rejected' in result)) return expect.fail('nothing was rejected');
      expect(result.status).to.equal('delivered');
      expect(result.rejected?.map(({ index }) => index)).to.deep.equal([2]);
      expect(told).to.deep.equal([["the receiver's answer was no delivery: type_400", [2]]]);
      expect(readFileSync(deadLetterFile, 'utf8').trim().split('\n')).to.have.length(1);
      const keys = receiver.requests.map(({ headers }) => headers['idempotency-key']);
      expect(new Set(keys), 'another body has another key').to.have.property('size', 3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('does not send again what was taken, when the sink is asked again for the rest', async () => {
    const sink = make({ retry: { maxAttempts: 1 } });
    statuses = [201, 429, 201, 400, 201];
    const first = await sink.emit(records);
    expect(first).to.include({ status: 'retryable', settled: 1 });
    expect(first).not.to.have.property('rejected');
    const second = await sink.emit(records.slice(1));
    expect(sent()).to.deep.equal([[0, 1, 2, 3, 4], [1]]);
    if (!('rejected' in second)) return expect.fail('nothing was rejected');
    expect(
      second.rejected?.map(({ index }) => index),
      'counted from where the rest begins',
    ).to.deep.equal([2]);
    expect(sink.stats).to.deep.include({ requests: 2, rejected: 1 });
  });

  it('may judge a request as a whole', async () => {
    const answers: (RecordVerdict | undefined)[] = [{ status: 'retryable', retryAfterMs: 1 }, 'permanent'];
    const sink = make({ checkResponse: async () => answers.shift() });
    const error = expectFailure(await sink.emit(records), 'permanent');
    expect(error.message).to.equal("the receiver's answer was no delivery: checkResponse");
    expect(sent()).to.have.length(2);
  });

  it('is not asked about other statuses than 2xx', async () => {
    receiver.script = [503];
    const seen: number[] = [];
    await make({ checkResponse: ({ status }) => void seen.push(status) }).emit(records);
    expect(seen).to.deep.equal([200]);
  });

  for (const [what, check] of Object.entries({
    throws: () => {
      throw new Error('secret-canary');
    },
    rejects: () => Promise.reject(new TypeError('secret-canary')),
    'gives a verdict too few': () => ['delivered'],
    'gives no verdict': () => 'perhaps',
    'gives nonsense for an item': () => [1, 2, 3, 4, 5],
  } as unknown as Record<string, never>))
    it(`waits and sends again when it ${what}`, async () => {
      const error = expectFailure(await make({ checkResponse: check }).emit(records), 'retryable');
      expect(error.message).to.match(/^the receiver's answer was no delivery: checkResponse failed: \w+$/);
      expect(receiver.requests).to.have.length(4);
    });

  it('delivers each record once or tells of it, whatever the items come to', async () => {
    const status = fc.constantFrom(201, 201, 429, 400);
    await fc.assert(
      fc.asyncProperty(
        fc.array(status, { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        async (given, size) => {
          statuses = [...given];
          receiver.requests.length = 0;
          const answered: { seq: number; status: number }[] = [];
          const sink = make({
            batch: { maxRecords: size },
            retry: { maxAttempts: 2, initialDelayMs: 0, maxDelayMs: 0 },
            checkResponse: (response, those) => {
              const { items } = JSON.parse(response.body) as { items: { create: { status: number } }[] };
              those.forEach(({ seq }, at) => answered.push({ seq, status: items[at]!.create.status }));
              return bulk(response);
            },
          });
          const rejected: number[] = [];
          let left = records;
          for (let round = 0; left.length > 0 && round < 40; round++) {
            const result = await sink.emit(left);
            if (result.status === 'permanent') rejected.push(...left.map(({ seq }) => seq));
            else for (const { index } of result.rejected ?? []) rejected.push(left[index]!.seq);
            left = result.status === 'retryable' ? left.slice(result.settled) : [];
          }
          const by = (wanted: number) =>
            answered.filter((each) => each.status === wanted).map(({ seq }) => seq);
          expect(left).to.deep.equal([]);
          expect(rejected.sort()).to.deep.equal(by(400).sort());
          expect([...by(201), ...by(400)].sort(), 'each has one final answer').to.deep.equal([0, 1, 2, 3, 4]);
          await sink.close();
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('headers that a function gives', () => {
  let receiver: HttpReceiver;
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());
  const retry = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1 };

  it('are asked for before each request, a promise too', async () => {
    let nth = 0;
    const sink = new HttpSink({
      endpoint: receiver.url,
      headers: async () => ({ Authorization: `Bearer ${++nth}` }),
    });
    await sink.emit([sampleRecord(0), sampleRecord(1)]);
    const used = receiver.requests.map(({ headers }) => headers.authorization);
    expect(used).to.deep.equal(['Bearer 1', 'Bearer 2']);
  });

  it('are asked for once more after a 401, which is said', async () => {
    receiver.script = [200, 401, 200];
    const asked: boolean[] = [];
    const headers = ({ refused }: { refused: boolean }) => (asked.push(refused), {});
    const sink = new HttpSink({ endpoint: receiver.url, headers, retry: { maxAttempts: 1 } });
    await sink.emit([sampleRecord(0)]);
    expect(await sink.emit([sampleRecord(1)])).to.include({ status: 'delivered' });
    expect(asked).to.deep.equal([false, false, true]);
  });

  for (const [what, headers] of Object.entries({
    throws: () => {
      throw new Error('secret-canary');
    },
    rejects: () => Promise.reject(new Error('secret-canary')),
    'gives what HTTP does not allow': () => ({ authorization: 'secret-canary\r\nx: y' }),
    'gives what the sink sets itself': () => ({ 'content-length': '1' }),
    'gives nothing': () => undefined,
  } as unknown as Record<string, never>))
    it(`keeps the record for later when it ${what}, and tells no secret`, async () => {
      const sink = new HttpSink({ endpoint: receiver.url, headers, retry });
      const error = expectFailure(await sink.emit([sampleRecord()]), 'retryable');
      expect(error.message)
        .to.match(/^headers\(\) failed: /)
        .and.not.to.contain('secret-canary');
      expect(receiver.requests).to.deep.equal([]);
    });

  it('are not waited for without end', async () => {
    const headers = () => new Promise<never>(() => undefined);
    const sink = new HttpSink({ endpoint: receiver.url, headers, retry, timeoutMs: 30 });
    expect(expectFailure(await sink.emit([sampleRecord()]), 'retryable').message).to.contain('TimeoutError');
  });
});
