import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { draft } from '../support/drafts.js';
import { failureOf, ScriptedSink, until } from '../support/scriptedSink.js';

const quiet = { onError: () => undefined };

describe('a deadline per sink', () => {
  it('ends the wait for a sink that hangs, and only for that one', async () => {
    const stuck = new ScriptedSink('stuck', ['hang']);
    const well = new ScriptedSink('well');
    const pipeline = createPipeline({ sinks: [{ sink: stuck, exportTimeoutMillis: 50 }, well], ...quiet });
    const errors = await Promise.all([
      failureOf(pipeline.accept(draft())),
      failureOf(pipeline.accept(draft())),
    ]);
    for (const error of errors)
      expect(error)
        .to.be.instanceOf(SinkError)
        .and.include({ sink: 'stuck', code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
    expect(well.seqs).to.deep.equal([0, 1]);
    expect(pipeline.stats().sinks[0]).to.include({ failing: true, failed: 0, queued: 2 });
    stuck.release();
    await pipeline.shutdown();
  });

  it('delivers late what it could not deliver in time, in order and without a hole', async () => {
    const sink = new ScriptedSink('a', ['hang']);
    const pipeline = createPipeline({ sinks: [sink], exportTimeoutMillis: 30, ...quiet });
    expect(await failureOf(pipeline.accept(draft()))).to.be.instanceOf(SinkError);
    expect(await failureOf(pipeline.accept(draft()))).to.be.instanceOf(SinkError);
    sink.release();
    await until(() => sink.records.length === 2);
    await pipeline.accept(draft());
    expect(sink.seqs).to.deep.equal([0, 1, 2]);
    expect(pipeline.stats().sinks[0]).to.include({ delivered: 3, failing: false });
  });

  it('counts from the moment a record was accepted, retries included', async () => {
    const sink = new ScriptedSink('a', [], 'retryable');
    const pipeline = createPipeline({ sinks: [sink], exportTimeoutMillis: 150, ...quiet });
    expect(await failureOf(pipeline.accept(draft()))).to.include({ code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
    expect(sink.batches.length).to.be.greaterThan(1);
    sink.then = 'take';
    await pipeline.shutdown();
    expect(sink.seqs).to.deep.equal([0]);
  });

  it('keeps no more late records than the queue may hold, and tells of the others', async () => {
    const sink = new ScriptedSink('a', ['hang']);
    const pipeline = createPipeline({
      sinks: [sink],
      exportTimeoutMillis: 40,
      maxQueueSize: 3,
      maxExportBatchSize: 1,
      gapRecord: (gap) => draft({ resource: 'audit/gap', data: gap }),
      ...quiet,
    });
    await Promise.all(Array.from({ length: 8 }, () => failureOf(pipeline.accept(draft()))));
    await until(() => pipeline.stats().sinks[0]?.dropped === 4);
    sink.release();
    await pipeline.shutdown();
    expect(sink.seqs).to.deep.equal([0, 1, 2, 3, 7]);
    expect(sink.records.at(-1)?.data).to.include({ count: 4, cause: 'MCP_LOG_ERR_SINK_TIMEOUT' });
  });

  it('holds for a flush and for the shutdown too', async () => {
    const sink = new ScriptedSink('a', [], 'hang');
    const pipeline = createPipeline({ sinks: [sink], exportTimeoutMillis: 30, ...quiet });
    pipeline.acceptInBackground(draft());
    expect(await failureOf(pipeline.forceFlush())).to.include({ code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
    expect(await failureOf(pipeline.shutdown())).to.include({ code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
    expect(sink.closed).to.equal(false);
  });

  it('holds for a sink whose flush or close hangs', async () => {
    const never = () => new Promise<void>(() => undefined);
    for (const method of ['flush', 'close']) {
      const pipeline = createPipeline({
        sinks: [{ emit: () => undefined, [method]: never }],
        exportTimeoutMillis: 30,
      });
      await pipeline.accept(draft());
      expect(await failureOf(pipeline.shutdown())).to.include({ code: 'MCP_LOG_ERR_SINK_TIMEOUT' });
    }
  });

  it('counts what a shutdown could not deliver', async () => {
    const sink = new ScriptedSink('a', [], 'retryable');
    const pipeline = createPipeline({ sinks: [sink], exportTimeoutMillis: 30, ...quiet });
    for (let i = 0; i < 5; i++) pipeline.acceptInBackground(draft());
    expect(await failureOf(pipeline.shutdown())).to.be.instanceOf(SinkError);
    expect(pipeline.stats().sinks[0]).to.include({
      failed: 5,
      queued: 0,
      lastFailure: 'MCP_LOG_ERR_SHUTDOWN',
    });
    expect(sink.closed).to.equal(true);
  });
});
