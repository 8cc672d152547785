import { expect } from 'chai';
import type { SinkError } from '../../lib/errors.js';
import type { PipelineOptions } from '../../lib/pipeline/options.js';
import type { ErrorInfo } from '../../lib/pipeline/stats.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { draft } from '../support/drafts.js';
import { HeldTimers, settle } from '../support/heldTimers.js';
import { ScriptedSink } from '../support/scriptedSink.js';

let timers: HeldTimers;

/** A pipeline to one sink, in which time passes only when a test says so; and what became of each record's caller, by number. */
function laneTo(sink: Sink, options: Partial<PipelineOptions> = {}) {
  const reported: [string, ErrorInfo][] = [];
  const pipeline = createPipeline({
    sinks: [sink],
    onError: (error, info) => void reported.push([Reflect.get(error, 'code') as string, info]),
    ...options,
  });
  const outcomes: (string | undefined)[] = [];
  const send = (...ids: number[]) => {
    for (const id of ids)
      void pipeline.accept(draft()).then(
        () => (outcomes[id] = 'delivered'),
        (error: SinkError) => (outcomes[id] = error.code),
      );
  };
  return { pipeline, send, outcomes, reported, stats: () => pipeline.stats().sinks[0]! };
}

const LATE = 'MCP_LOG_ERR_SINK_TIMEOUT';

describe('the way to a sink', () => {
  beforeEach(() => (timers = new HeldTimers()));
  afterEach(() => timers.restore());

  describe('gathering', () => {
    const gathering = { mode: 'batch', scheduledDelayMillis: 50, maxExportBatchSize: 3 } as const;

    it('lasts so long from the first record on', async () => {
      const sink = new ScriptedSink('a');
      const { send, outcomes } = laneTo(sink, gathering);
      send(0);
      await timers.pass(30);
      send(1);
      await timers.pass(19);
      expect(sink.batches).to.deep.equal([]);
      expect(outcomes, 'nobody waits meanwhile').to.deep.equal(['delivered', 'delivered']);
      await timers.pass(1);
      expect(sink.batches.map((batch) => batch.length)).to.deep.equal([2]);
      send(2);
      await timers.pass(49);
      expect(sink.batches).to.have.length(1);
      await timers.pass(1);
      expect(sink.batches).to.have.length(2);
    });

    it('ends when a batch is full', async () => {
      const sink = new ScriptedSink('a');
      const { send } = laneTo(sink, gathering);
      send(0, 1, 2, 3);
      await timers.pass(0);
      expect(sink.batches.map((batch) => batch.length)).to.deep.equal([3]);
      await timers.pass(49);
      expect(sink.batches).to.have.length(1);
      await timers.pass(1);
      expect(sink.batches.map((batch) => batch.length)).to.deep.equal([3, 1]);
    });

    it('ends when somebody flushes, with all that came after as well', async () => {
      const sink = new ScriptedSink('a', ['hang']);
      const { pipeline, send } = laneTo(sink, gathering);
      send(0);
      const flushed = pipeline.forceFlush();
      await settle();
      send(1);
      sink.release();
      await flushed;
      await settle();
      expect(sink.batches.map((batch) => batch.length)).to.deep.equal([1, 1]);
    });

    it('does not happen where callers wait: what comes in one turn goes together', async () => {
      const sink = new ScriptedSink('a');
      const { send, outcomes } = laneTo(sink, { scheduledDelayMillis: 50 });
      send(0, 1, 2);
      await settle();
      expect(sink.batches.map((batch) => batch.length)).to.deep.equal([3]);
      expect(outcomes).to.deep.equal(['delivered', 'delivered', 'delivered']);
    });
  });

  describe('a deadline', () => {
    it('is each record’s own', async () => {
      const { send, outcomes, reported } = laneTo(new ScriptedSink('a', ['hang']), {
        exportTimeoutMillis: 100,
      });
      send(0);
      await timers.pass(30);
      send(1);
      await timers.pass(69);
      expect(outcomes).to.deep.equal([]);
      await timers.pass(1);
      expect(outcomes).to.deep.equal([LATE]);
      await timers.pass(29);
      expect(outcomes).to.have.length(1);
      await timers.pass(1);
      expect(outcomes).to.deep.equal([LATE, LATE]);
      expect(reported.map(([code, { lost, records }]) => [code, lost, records.length])).to.deep.equal([
        [LATE, 0, 1],
        [LATE, 0, 1],
      ]);
    });

    it('is over when all is delivered, and counts anew for what comes next', async () => {
      const sink = new ScriptedSink('a', ['take', 'hang']);
      const { send, outcomes, reported } = laneTo(sink, { exportTimeoutMillis: 100 });
      send(0);
      await timers.pass(90);
      send(1);
      await timers.pass(99);
      expect(outcomes).to.deep.equal(['delivered']);
      await timers.pass(1);
      expect(outcomes).to.deep.equal(['delivered', LATE]);
      expect(reported).to.have.length(1);
    });

    it('calls a sink failing that owes an answer longer, though nobody waits', async () => {
      const sink = new ScriptedSink('a', ['take', 'hang']);
      const { send, stats, reported } = laneTo(sink, {
        mode: 'batch',
        scheduledDelayMillis: 0,
        exportTimeoutMillis: 100,
      });
      send(0);
      await timers.pass(60);
      send(1);
      await timers.pass(99);
      expect(stats()).to.include({ failing: false });
      await timers.pass(1);
      expect(stats()).to.include({ failing: true, lastFailure: LATE, queued: 1, failed: 0 });
      expect(reported).to.deep.equal([[LATE, { sink: 'a', lost: 0, records: [] }]]);
      sink.release();
      await timers.pass(0);
      expect(stats()).to.include({ failing: false, delivered: 2 });
      await timers.pass(1_000);
      expect(reported).to.have.length(1);
    });

    it('calls it so, too, when it hangs on what was left in the queue', async () => {
      const sink = new ScriptedSink('a', ['hang', 'hang']);
      const one = {
        mode: 'batch',
        scheduledDelayMillis: 0,
        maxExportBatchSize: 1,
        exportTimeoutMillis: 100,
      } as const;
      const { send, stats, reported } = laneTo(sink, one);
      send(0, 1);
      await timers.pass(150);
      expect(stats()).to.include({ failing: true });
      sink.release();
      await timers.pass(99);
      expect(sink.batches).to.have.length(2);
      expect(stats()).to.include({ failing: false });
      await timers.pass(1);
      expect(stats()).to.include({ failing: true, queued: 1 });
      expect(reported).to.have.length(2);
    });

    it('ends the wait for room without an error, where nobody is to hear of one', async () => {
      const sink = new ScriptedSink('a', ['hang']);
      const waiting = {
        mode: 'batch',
        overflow: 'wait',
        scheduledDelayMillis: 0,
        maxQueueSize: 1,
        maxExportBatchSize: 1,
      } as const;
      const { send, outcomes, stats } = laneTo(sink, { ...waiting, exportTimeoutMillis: 100 });
      send(0);
      await settle();
      send(1, 2, 3);
      await timers.pass(99);
      expect(outcomes).to.deep.equal(['delivered', 'delivered']);
      await timers.pass(1);
      expect(outcomes).to.deep.equal(['delivered', 'delivered', 'delivered', 'delivered']);
      expect(stats(), 'what there is no room for is lost, and counted').to.include({ queued: 2, dropped: 2 });
    });

    it('holds for a flush, which then leaves the others their way', async () => {
      const sink = new ScriptedSink('a', ['hang']);
      const { pipeline, send } = laneTo(sink, {
        mode: 'batch',
        scheduledDelayMillis: 0,
        exportTimeoutMillis: 100,
      });
      send(0);
      await settle();
      let code: string | undefined;
      pipeline.forceFlush().catch((error: SinkError) => (code = error.code));
      await timers.pass(99);
      expect(code).to.equal(undefined);
      await timers.pass(1);
      expect(code).to.equal(LATE);
      sink.release();
      send(1);
      await timers.pass(0);
      expect(sink.seqs).to.deep.equal([0, 1]);
      expect(sink.flushes).to.equal(0);
    });
  });

  describe('closing', () => {
    it('flushes, then closes', async () => {
      const log: string[] = [];
      const { pipeline, send } = laneTo({
        emit: () => void log.push('emit'),
        flush: async () => void log.push('flush'),
        close: async () => void log.push('close'),
      });
      send(0);
      await pipeline.shutdown();
      expect(log).to.deep.equal(['emit', 'flush', 'close']);
      await timers.pass(100_000);
    });

    it('waits so long for a sink that does not close, and says so', async () => {
      const { pipeline } = laneTo(
        { emit: () => undefined, close: () => new Promise(() => undefined) },
        { exportTimeoutMillis: 100 },
      );
      let code: string | undefined;
      pipeline.shutdown().catch((error: SinkError) => (code = error.code));
      await timers.pass(99);
      expect(code).to.equal(undefined);
      await timers.pass(1);
      expect(code).to.equal(LATE);
    });

    it('tells who waits for a sink that still owes an answer, and asks nothing more of it', async () => {
      const sink = new ScriptedSink('a', ['hang']);
      const { pipeline, send, outcomes } = laneTo(sink, { exportTimeoutMillis: 100 });
      await timers.pass(0);
      let code: string | undefined;
      pipeline.acceptInBackground(draft());
      await timers.pass(0);
      send(0);
      pipeline.shutdown().catch((error: SinkError) => (code = error.code));
      await timers.pass(100);
      expect(code).to.equal(LATE);
      expect(outcomes).to.deep.equal([LATE]);
      expect(sink).to.include({ closed: false, flushes: 0 });
    });

    it('loses, and counts, what a failing sink has not taken', async () => {
      const sink = new ScriptedSink('a', [], 'retryable');
      const { pipeline, send, stats, reported } = laneTo(sink, { mode: 'batch', exportTimeoutMillis: 100 });
      send(0, 1);
      pipeline.shutdown().catch(() => undefined);
      await timers.pass(100);
      expect(stats()).to.include({ failed: 2, queued: 0, lastFailure: 'MCP_LOG_ERR_SHUTDOWN' });
      expect(reported.at(-1)?.[0]).to.equal('MCP_LOG_ERR_SHUTDOWN');
      expect(sink.closed).to.equal(true);
      const tried = sink.batches.length;
      await timers.pass(100_000);
      expect(sink.batches).to.have.length(tried);
    });
  });
});
