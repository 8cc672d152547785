import { expect } from 'chai';
import { compactDecrypt } from 'jose';
import type { AuditOptions } from '../../lib/config.js';
import { CachedSubjectKeys, type SubjectKeyCacheOptions } from '../../lib/erasure/cachedKeys.js';
import type { SubjectKeyStore } from '../../lib/erasure/subjectKeys.js';
import { AuditUnavailableError, ConfigError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { KmsKeyStore, KmsServer } from '../support/kms.js';
import { MemorySink } from '../support/memorySink.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const secret = 'a canary in the arguments';

describe('keys of persons behind a network', () => {
  let kms: KmsServer;
  let store: KmsKeyStore;
  beforeEach(async () => {
    kms = await KmsServer.start();
    store = new KmsKeyStore(kms.url);
  });
  afterEach(() => kms.stop());

  async function audited(options: Partial<AuditOptions> = {}, cache: SubjectKeyCacheOptions = {}) {
    const sink = new MemorySink();
    const errors: Error[] = [];
    const keys = new CachedSubjectKeys(store, cache);
    const made = pair();
    withLogging(made.client, {
      ...{ sink, environment: 'test' },
      onError: (error) => void errors.push(error),
      ...options,
      erasure: {
        keys,
        fields: ['mcp.tool_arguments'],
        // Nobody is concerned by what is no call of a tool, so the first call is the first that needs a key.
        subject: ({ arguments: given }) =>
          (given as { message?: string } | undefined)?.message?.split(' ')[0] ?? null,
      },
    });
    await made.connect();
    const call = (person: string) =>
      made.client.callTool({ name: 'echo', arguments: { message: `${person} ${secret}` } });
    const log = auditLogOf(made.client)!;
    return { ...made, sink, errors, keys, call, log };
  }

  /** What a record hides, by jose and the key that the service gives. */
  async function opened({ personal, record_id }: AuditRecord): Promise<string> {
    const { key_id, jwe } = personal![0]!;
    const [subject] = [...store.rows].find(([, row]) => row !== 'erased' && row.id === key_id) ?? [];
    const key = await store.get(subject ?? '');
    if (typeof key !== 'object') throw new Error('there is no such key');
    const { plaintext, protectedHeader } = await compactDecrypt(jwe!, key.key);
    expect(protectedHeader['record_id']).to.equal(record_id);
    const values = JSON.parse(Buffer.from(plaintext).toString()) as {
      mcp: { tool_arguments: { message: string } };
    };
    return values.mcp.tool_arguments.message;
  }

  const withheld = (record: AuditRecord | undefined) => record?.personal?.map((entry) => entry.withheld);

  it('encrypts by a key of the service, which is asked once for all records of a person', async () => {
    const { call, sink, log } = await audited();
    for (const person of ['ann', 'ann', 'bob', 'ann']) await call(person);
    const records = sink.of('tools/call');
    expect(JSON.stringify(sink.records)).not.to.include(secret).and.not.include('ann').and.not.include('bob');
    expect(kms.requests).to.deep.equal(['GenerateDataKey', 'GenerateDataKey']);
    const texts = await Promise.all(records.map(opened));
    expect(texts).to.deep.equal(['ann', 'ann', 'bob', 'ann'].map((person) => `${person} ${secret}`));
    await log.shutdown();
  });

  it('keeps records in the order in which they came, while one waits for its key', async () => {
    const { call, sink, log } = await audited();
    await call('bob');
    kms.trouble = () => 'hang';
    const calls = [call('ann'), call('bob'), call('carl')];
    await asked(3);
    expect(sink.of('tools/call')).to.have.length(1);
    kms.resume();
    await Promise.all(calls);
    const records = sink.of('tools/call');
    const texts = await Promise.all(records.map(opened));
    expect(texts.map((text) => text.split(' ')[0])).to.deep.equal(['bob', 'ann', 'bob', 'carl']);
    expect(records.map(({ seq }) => seq - records[0]!.seq)).to.deep.equal([0, 1, 2, 3]);
    await log.shutdown();
  });

  it('in batch lets the caller go on, and a flush waits for the key', async () => {
    const { call, sink, log } = await audited({ mode: 'batch' });
    kms.trouble = () => 'hang';
    await call('ann');
    await asked(1);
    const flushed = log.forceFlush();
    kms.resume();
    await flushed;
    expect(await opened(sink.only('tools/call'))).to.equal(`ann ${secret}`);
    await log.shutdown();
  });

  it('that is shut down delivers first what waits for a key, and then its last record', async () => {
    const { call, sink, log } = await audited({ mode: 'batch', startRecord: true });
    kms.trouble = () => 'hang';
    await call('ann');
    await asked(1);
    const closed = log.shutdown();
    kms.resume();
    await closed;
    expect(await opened(sink.only('tools/call'))).to.equal(`ann ${secret}`);
    expect(sink.records.at(-1)?.resource).to.equal('audit/stop');
  });

  it('asks again where the service throttles', async () => {
    kms.trouble = (number) => (number < 2 ? 'throttle' : undefined);
    const { call, sink, errors, log } = await audited();
    await call('ann');
    expect(kms.requests).to.have.length(3);
    expect(await opened(sink.only('tools/call'))).to.equal(`ann ${secret}`);
    expect(errors).to.deep.equal([]);
    await log.shutdown();
  });

  for (const trouble of ['error', 'hang'] as const)
    it(`withholds values, tells and counts, where the service answers with ${trouble === 'hang' ? 'nothing' : 'an error'}`, async () => {
      kms.trouble = () => 'hang';
      // At once, so that no slow machine makes it a question of time.
      if (trouble === 'error') store.get = () => Promise.reject(new Error('KMSInternalException'));
      const { call, sink, errors, log } = await audited({}, { timeoutMillis: 60 });
      await call('ann');
      expect(withheld(sink.only('tools/call'))).to.deep.equal(['no_key']);
      expect(JSON.stringify(sink.records)).not.to.include(secret);
      expect(errors[0]?.message).to.include(trouble === 'hang' ? 'took too long' : 'KMSInternalException');
      expect(log.stats().withheld).to.equal(1);
      kms.resume();
      await log.shutdown();
    });

  it('keeps no caller longer than half of its time', async () => {
    kms.trouble = () => 'hang';
    const { call, sink, log } = await audited({ exportTimeoutMillis: 100 }, { timeoutMillis: 60_000 });
    await call('ann');
    expect(withheld(sink.only('tools/call'))).to.deep.equal(['no_key']);
    kms.resume();
    await log.shutdown();
  });

  it('lets records go on without their values where too many wait', async () => {
    kms.trouble = () => 'hang';
    const { call, sink, log } = await audited({ mode: 'batch', maxQueueSize: 4 });
    for (const person of ['ann', 'bob']) await call(person);
    await asked(2);
    expect(sink.of('tools/call')).to.have.length(0);
    await call('carl');
    kms.trouble = () => undefined;
    await log.forceFlush();
    expect(sink.of('tools/call').map(withheld)).to.deep.equal([['no_key'], ['no_key'], ['no_key']]);
    kms.resume();
    await log.shutdown();
  });

  it('in blocking-strict sends nothing where there is no key for what would be on record', async () => {
    const folder = temporaryFolder();
    try {
      const sink = new FileSink(`${folder.path}/audit.jsonl`);
      const { call, received, log } = await audited({ sink, mode: 'blocking-strict' }, { timeoutMillis: 1 });
      store.get = () => Promise.reject(new Error('down'));
      const before = received.length;
      const error = await call('ann').then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(AuditUnavailableError).with.property('message').that.includes('no key');
      expect(received).to.have.length(before);
      expect(log.stats().unavailable).to.equal(1);
      store.get = () => Promise.resolve({ id: 'k', key: new Uint8Array(32) });
      // A store that failed is left alone for a moment.
      while (received.length === before) await call('ann').catch(() => undefined);
      await log.shutdown();
    } finally {
      folder.remove();
    }
  });

  it('leaves a store alone that has failed again and again, and comes back to it', async () => {
    const { call, sink, log } = await audited({}, { timeoutMillis: 1 });
    let asked = 0;
    let works = false;
    store.get = () => {
      asked++;
      return works
        ? Promise.resolve({ id: 'k', key: new Uint8Array(32) })
        : Promise.reject(new Error('down'));
    };
    for (let i = 0; i < 20; i++) await call(`p${i}`);
    expect(sink.of('tools/call').map(withheld)).to.deep.equal(Array(20).fill(['no_key']));
    expect(asked).to.be.within(3, 10);
    works = true;
    while (withheld(sink.of('tools/call').at(-1))?.[0] === 'no_key') await call('ann');
    await log.shutdown();
  });

  describe('an erasure', () => {
    it('destroys the key in the store, and every log of the process forgets it', async () => {
      const { call, sink, keys, log } = await audited();
      await call('ann');
      await keys.erase('ann');
      expect(store.rows.get('ann')).to.equal('erased');
      await call('ann');
      await call('bob');
      expect(sink.of('tools/call').map(withheld)).to.deep.equal([[undefined], ['erased'], [undefined]]);
      await log.shutdown();
    });

    it('of another process is noticed when the key is of age', async () => {
      const { call, sink, log } = await audited({}, { maxAgeMillis: 1 });
      await call('ann');
      await store.destroy('ann');
      await new Promise((resolve) => setTimeout(resolve, 5));
      await call('ann');
      expect(withheld(sink.of('tools/call')[1])).to.deep.equal(['erased']);
      await log.shutdown();
    });

    it('is not undone by an answer that was on its way', async () => {
      const { call, sink, keys, log } = await audited();
      let answer: (() => void) | undefined;
      const get = store.get.bind(store);
      store.rows.set('ann', { id: 'k-1', encrypted: 'none' });
      store.get = async (subject) => {
        const row = store.rows.get(subject);
        if (row === undefined || row === 'erased') return get(subject);
        await new Promise<void>((resolve) => (answer = resolve));
        return { id: row.id, key: new Uint8Array(32) };
      };
      const called = call('ann');
      while (answer === undefined) await new Promise(setImmediate);
      await keys.erase('ann');
      answer();
      await called;
      expect(withheld(sink.only('tools/call'))).to.deep.equal(['erased']);
      await log.shutdown();
    });

    it('that the store refuses is an error, and can be repeated', async () => {
      const destroy = store.destroy.bind(store);
      store.destroy = () => Promise.reject(new Error('no'));
      const keys = new CachedSubjectKeys(store);
      const failed = await keys.erase('ann').catch((error: unknown) => error);
      expect(failed).to.have.property('code', 'MCP_LOG_ERR_ERASURE');
      store.destroy = destroy;
      await keys.erase('ann');
      expect(store.rows.get('ann')).to.equal('erased');
    });
  });

  describe('the cache', () => {
    it('asks again after so many records, and remembers no more than so many keys', async () => {
      const { call, log } = await audited({}, { maxRecords: 2, maxKeys: 2 });
      for (let i = 0; i < 4; i++) await call('ann');
      expect(kms.requests).to.deep.equal(['GenerateDataKey', 'Decrypt']);
      for (const person of ['bob', 'carl', 'ann']) await call(person);
      expect(kms.requests.slice(2)).to.deep.equal(['GenerateDataKey', 'GenerateDataKey', 'Decrypt']);
      await log.shutdown();
    });

    it('takes no answer that is no key', async () => {
      const { call, sink, errors, log } = await audited({}, { timeoutMillis: 1 });
      store.get = () => Promise.resolve({ id: 'k', key: new Uint8Array(16) });
      await call('ann');
      expect(withheld(sink.only('tools/call'))).to.deep.equal(['no_key']);
      expect(errors[0]?.message).to.include('32 bytes');
      await log.shutdown();
    });

    it('refuses a store and options that cannot work', () => {
      expect(() => new CachedSubjectKeys({} as SubjectKeyStore)).to.throw(
        ConfigError,
        'get, create and destroy',
      );
      expect(() => new CachedSubjectKeys(store, { maxAgeMillis: 0 })).to.throw(ConfigError, 'maxAgeMillis');
    });
  });

  async function asked(times: number): Promise<void> {
    while (kms.requests.length < times) await new Promise(setImmediate);
  }
});
