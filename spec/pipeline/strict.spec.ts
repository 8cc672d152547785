import { expect } from 'chai';
import { join } from 'node:path';
import { AuditUnavailableError, ConfigError, SinkError } from '../../lib/errors.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { draft } from '../support/drafts.js';
import { folders, recordsIn } from '../support/logFolder.js';
import { failureOf, ScriptedSink, until } from '../support/scriptedSink.js';

const intent = () => draft({ stage: 'request_received', message: 'intent' });

describe('blocking-strict mode', () => {
  const folder = folders();

  it('makes the intent durable first', async () => {
    const path = join(folder(), 'audit.jsonl');
    const pipeline = createPipeline({ sinks: [new FileSink(path)], mode: 'blocking-strict' });
    expect(pipeline.needsIntent).to.equal(true);
    await pipeline.acceptIntent(intent());
    expect(recordsIn(path).map(({ stage }) => stage)).to.deep.equal(['request_received']);
    await pipeline.accept(draft());
    await pipeline.shutdown();
    expect(recordsIn(path).map(({ seq }) => seq)).to.deep.equal([0, 1]);
  });

  it('does without intents in the other modes', async () => {
    const sink = new ScriptedSink('a');
    const pipeline = createPipeline({ sinks: [sink] });
    expect(pipeline.needsIntent).to.equal(false);
    await pipeline.acceptIntent(intent());
    await pipeline.shutdown();
    expect(sink.batches).to.deep.equal([]);
  });

  it('lets a sink that is not required hold up no operation', async () => {
    const lame = new ScriptedSink('lame', [], 'hang');
    const path = join(folder(), 'audit.jsonl');
    const pipeline = createPipeline({
      sinks: [new FileSink(path), { sink: lame, required: false, exportTimeoutMillis: 20 }],
      mode: 'blocking-strict',
      onError: () => undefined,
    });
    for (let round = 0; round < 3; round++) {
      await pipeline.acceptIntent(intent());
      await pipeline.accept(draft());
    }
    expect(recordsIn(path)).to.have.length(6);
    expect(lame.batches).to.have.length(1);
    await pipeline.shutdown().catch(() => undefined);
  });

  it('refuses sinks none of which is waited for', () => {
    const sink = new ScriptedSink('a');
    const strict = (entry: object) => () =>
      createPipeline({ sinks: [{ sink, ...entry }], mode: 'blocking-strict' });
    expect(strict({ required: false })).to.throw(ConfigError, /^mode: /);
    expect(strict({ mode: 'batch' })).to.throw(ConfigError, /^mode: /);
    expect(strict({ required: false, mode: 'blocking-strict' })).to.throw(
      ConfigError,
      /^sinks\[0\]\.required: /,
    );
  });

  it('refuses a file sink that never syncs', async () => {
    const sink = new FileSink({ path: join(folder(), 'audit.jsonl'), fsync: 'never' });
    expect(() => createPipeline({ sinks: [sink], mode: 'blocking-strict' })).to.throw(ConfigError, 'fsync');
    await sink.close();
  });

  it('refuses the operation when the intent fails, and never writes that intent later', async () => {
    const sink = new ScriptedSink('a', ['permanent']);
    const pipeline = createPipeline({ sinks: [sink], mode: 'blocking-strict', onError: () => undefined });
    const error = await failureOf(pipeline.acceptIntent(intent()));
    expect(error).to.be.instanceOf(AuditUnavailableError);
    expect((error as Error).cause).to.be.instanceOf(SinkError);
    await pipeline.acceptIntent(intent());
    expect(sink.seqs).to.deep.equal([1]);
    expect(pipeline.stats()).to.include({ unavailable: 1 });
  });

  it('withdraws an intent whose caller could not wait for the next attempt', async () => {
    const sink = new ScriptedSink('a', [], 'retryable');
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'blocking-strict',
      exportTimeoutMillis: 40,
      onError: () => undefined,
    });
    expect(await failureOf(pipeline.acceptIntent(intent()))).to.be.instanceOf(AuditUnavailableError);
    sink.then = 'take';
    await pipeline.accept(draft());
    expect(sink.records.map(({ message }) => message)).to.deep.equal(['Tool echo was called.']);
  });

  for (const failure of ['permanent', 'throw', 'retryable', 'hang'] as const) {
    it(`keeps a completion that met '${failure}', and refuses further operations until it is on the log`, async () => {
      const reported: Error[] = [];
      const sink = new ScriptedSink('a', ['take'], failure);
      const pipeline = createPipeline({
        ...{ sinks: [sink], mode: 'blocking-strict', exportTimeoutMillis: 60 },
        onError: (error) => void reported.push(error),
      });
      await pipeline.acceptIntent(intent());
      // The operation has happened: its result is the caller's, and the failure is reported.
      await pipeline.accept(draft({ message: 'completion' }));
      expect(reported.length).to.be.greaterThan(0);
      const before = sink.batches.length;
      expect(await failureOf(pipeline.acceptIntent(intent()))).to.be.instanceOf(AuditUnavailableError);
      sink.then = 'take';
      sink.release();
      await until(() => sink.records.length === 2);
      await pipeline.acceptIntent(intent());
      expect(sink.records.map(({ message }) => message)).to.deep.equal(['intent', 'completion', 'intent']);
      expect(sink.seqs, 'a refused intent takes no place').to.deep.equal([0, 1, 2]);
      expect(before).to.be.greaterThan(0);
      await pipeline.shutdown();
    });
  }

  it('goes on while one sink has taken what happened, where any will do, and names those that have not', async () => {
    const codes: unknown[] = [];
    const sinks = [new ScriptedSink('a', ['take'], 'retryable'), new ScriptedSink('b')];
    const pipeline = createPipeline({
      ...{ sinks, mode: 'blocking-strict', requiredSinks: 'any', exportTimeoutMillis: 40 },
      onError: (error) => void codes.push(Reflect.get(error, 'code')),
    });
    await pipeline.acceptIntent(intent());
    await pipeline.accept(draft());
    // Until then somebody still waits for the first sink's word.
    await until(() => codes.includes('MCP_LOG_ERR_SINK_TIMEOUT'));
    await pipeline.acceptIntent(intent());
    sinks[1]!.then = 'retryable';
    await pipeline.accept(draft());
    const refused = await failureOf(pipeline.acceptIntent(intent()));
    expect(String(refused)).to.contain("sink 'a,b' has not yet taken what happened before");
    for (const sink of sinks) sink.then = 'take';
    await until(() => pipeline.stats().sinks.every(({ queued }) => queued === 0));
    await pipeline.shutdown();
  });

  it('refuses while what happened waits behind an intent that the sink has in hand', async () => {
    const sink = new ScriptedSink('a', ['take', 'hang']);
    const pipeline = createPipeline({
      ...{ sinks: [sink], mode: 'blocking-strict', exportTimeoutMillis: 40, maxExportBatchSize: 1 },
      onError: () => undefined,
    });
    await pipeline.acceptIntent(intent());
    const inHand = failureOf(pipeline.acceptIntent(intent()));
    await until(() => sink.batches.length === 2);
    await pipeline.accept(draft({ message: 'completion' }));
    expect(await inHand).to.be.instanceOf(AuditUnavailableError);
    expect(String(await failureOf(pipeline.acceptIntent(intent())))).to.contain('has not yet taken');
    sink.release();
    await pipeline.shutdown();
    expect(sink.records.map(({ message }) => message)).to.deep.equal(['intent', 'intent', 'completion']);
  });

  it('never writes an intent whose caller gave up while it waited its turn', async () => {
    const sink = new ScriptedSink('a', ['take', 'hang']);
    const pipeline = createPipeline({
      ...{ sinks: [sink], mode: 'blocking-strict', exportTimeoutMillis: 40 },
      onError: () => undefined,
    });
    await pipeline.acceptIntent(intent());
    const completion = pipeline.accept(draft({ message: 'completion' }));
    await until(() => sink.batches.length === 2);
    expect(await failureOf(pipeline.acceptIntent(intent()))).to.be.instanceOf(AuditUnavailableError);
    await completion;
    sink.release();
    await pipeline.shutdown();
    expect(sink.records.map(({ message }) => message)).to.deep.equal(['intent', 'completion']);
  });

  it('refuses intents after the shutdown', async () => {
    const pipeline = createPipeline({
      sinks: [new ScriptedSink('a')],
      mode: 'blocking-strict',
      onError: () => undefined,
    });
    await pipeline.shutdown();
    expect(await failureOf(pipeline.acceptIntent(intent()))).to.be.instanceOf(AuditUnavailableError);
  });
});
