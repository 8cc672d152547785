import { expect } from 'chai';
import fc from 'fast-check';
import type { ErrorInfo } from '../../lib/pipeline/stats.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { GapInfo, Sink } from '../../lib/sinks/sink.js';
import { draft } from '../support/drafts.js';
import { failureOf, ScriptedSink, until, type Step } from '../support/scriptedSink.js';

const gapRecord = (gap: GapInfo) => draft({ resource: 'audit/gap', data: gap });

function gapsIn(records: readonly AuditRecord[]): GapInfo[] {
  return records.filter(({ resource }) => resource === 'audit/gap').map(({ data }) => data as GapInfo);
}

/** The places of a log, those that its gap records vouch for included. */
function accountedFor(records: readonly AuditRecord[]): number[] {
  return records.flatMap(({ seq, resource, data }) => {
    const count = resource === 'audit/gap' ? (data as GapInfo).count : 1;
    return Array.from({ length: count }, (_, index) => seq - count + 1 + index);
  });
}

describe('batch mode', () => {
  it('lets nobody wait and nobody hear of a failure', async () => {
    const sink = new ScriptedSink('a', [], 'hang');
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      scheduledDelayMillis: 0,
      exportTimeoutMillis: 20,
      onError: () => undefined,
    });
    await pipeline.accept(draft());
    await until(() => sink.batches.length === 1);
    await pipeline.accept(draft());
    sink.then = 'take';
    sink.release();
    await pipeline.shutdown();
  });

  it('gathers records before it writes', async () => {
    const sink = new ScriptedSink('a');
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      scheduledDelayMillis: 60_000,
      maxExportBatchSize: 10,
    });
    for (let i = 0; i < 25; i++) await pipeline.accept(draft());
    await pipeline.forceFlush();
    expect(sink.records).to.have.length(25);
    expect(sink.batches.length).to.be.at.most(3);
  });

  it('drops what does not fit, counts it, and tells of it in its place', async () => {
    const reported: ErrorInfo[] = [];
    const sink = new ScriptedSink('a', ['hang']);
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      scheduledDelayMillis: 0,
      maxQueueSize: 3,
      gapRecord,
      onError: (_, info) => void reported.push(info),
    });
    await pipeline.accept(draft());
    await until(() => sink.batches.length === 1);
    const times = Array.from({ length: 8 }, (_, i) => `2026-01-01T00:00:0${i}.000Z`);
    for (const time of times) await pipeline.accept(draft({ time }));
    expect(pipeline.stats().sinks[0]).to.include({ dropped: 5, queued: 4 });
    sink.release();
    await until(() => sink.records.length === 5);
    await pipeline.accept(draft());
    await pipeline.shutdown();
    expect(sink.seqs).to.deep.equal([0, 1, 2, 3, 8, 9]);
    expect(gapsIn(sink.records)).to.deep.equal([
      { sink: 'a', count: 5, firstTime: times[3], lastTime: times[7], cause: 'queue_full' },
    ]);
    expect(
      reported.map(({ lost }) => lost),
      'one report per run of drops',
    ).to.deep.equal([1]);
  });

  it('tells of records that a sink refused as soon as it takes another', async () => {
    const sink = new ScriptedSink('a', ['throw', 'permanent']);
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      scheduledDelayMillis: 0,
      gapRecord,
      onError: () => undefined,
    });
    for (let i = 0; i < 3; i++) {
      await pipeline.accept(draft());
      await until(() => sink.batches.length === i + 1);
    }
    await pipeline.shutdown();
    expect(sink.seqs).to.deep.equal([1, 2]);
    expect(gapsIn(sink.records)).to.deep.equal([
      { ...gapsIn(sink.records)[0], count: 2, cause: 'E_SCRIPT,Error' },
    ]);
    expect(pipeline.stats().sinks[0]).to.include({ delivered: 1, failed: 2, gaps: 1 });
  });

  it('gives a sink no empty batch for records that it has refused', async () => {
    const sink = new ScriptedSink('a', ['throw', 'throw']);
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      scheduledDelayMillis: 0,
      maxExportBatchSize: 1,
      onError: () => undefined,
    });
    for (let i = 0; i < 4; i++) await pipeline.accept(draft());
    await until(() => sink.records.length === 2);
    await pipeline.shutdown();
    expect(sink.batches.map((batch) => batch.length)).to.deep.equal([1, 1, 1, 1]);
    expect(pipeline.stats().sinks[0]).to.include({ failed: 2, delivered: 2, queued: 0, batches: 4 });
  });

  it('loses nothing to a sink that only asks to be tried again', async () => {
    const sink = new ScriptedSink('a', ['retryable', 'retryable', 'retryable']);
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      scheduledDelayMillis: 0,
      exportTimeoutMillis: 1_000,
    });
    for (let i = 0; i < 10; i++) await pipeline.accept(draft());
    await pipeline.shutdown();
    expect(sink.seqs).to.deep.equal([...Array(10).keys()]);
  });

  it('makes callers wait for room where that is asked for', async () => {
    const sink = new ScriptedSink('a', ['hang']);
    const pipeline = createPipeline({
      sinks: [sink],
      mode: 'batch',
      overflow: 'wait',
      scheduledDelayMillis: 0,
      maxQueueSize: 2,
      maxExportBatchSize: 1,
    });
    const settled: number[] = [];
    const calls = [...Array(5).keys()].map((i) => pipeline.accept(draft()).then(() => settled.push(i)));
    await until(() => sink.batches.length === 1 && settled.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled, 'one under way and two in the queue').to.deep.equal([0, 1, 2]);
    sink.release();
    await Promise.all(calls);
    await pipeline.shutdown();
    expect(sink.seqs).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('accounts for every record exactly, whatever happens', async () => {
    const step = fc.constantFrom<Step>('take', 'take', 'permanent', 'throw', 'retryable', 'hang');
    const act = fc.oneof(fc.integer({ min: 1, max: 7 }), fc.constant('rest' as const));
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.array(act, { maxLength: 12 }),
        async (steps, acts) => {
          const sink = new ScriptedSink('a', [...steps]);
          const pipeline = createPipeline({
            ...{
              sinks: [sink],
              mode: 'batch',
              scheduledDelayMillis: 0,
              maxQueueSize: 4,
              maxExportBatchSize: 3,
              exportTimeoutMillis: 5_000,
            },
            gapRecord,
            onError: () => undefined,
          });
          const releasing = setInterval(() => sink.release(), 1);
          let sent = 0;
          for (const what of acts) {
            if (what === 'rest') await new Promise((resolve) => setTimeout(resolve, 3));
            else for (let i = 0; i < what; i++, sent++) void pipeline.accept(draft());
          }
          // Whatever the script says, the sink recovers in the end, and a last record brings the last gap with it.
          await failureOf(pipeline.forceFlush());
          sink.steps.length = 0;
          void pipeline.accept(draft());
          await pipeline.shutdown();
          clearInterval(releasing);
          expect(accountedFor(sink.records)).to.deep.equal([...Array(sent + 1).keys()]);
          const { delivered, failed, dropped } = pipeline.stats().sinks[0]!;
          expect(delivered + failed + dropped).to.equal(sent + 1);
          expect(gapsIn(sink.records).reduce((sum, { count }) => sum + count, 0)).to.equal(failed + dropped);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('asks a sink that is away no more often where a gap stands before a record and one goes at a time', async () => {
    let asked = 0;
    let taken = 0;
    let takes = 0;
    const away: Sink = {
      name: 'away',
      emit: () =>
        new Promise((resolve) => {
          asked++;
          const answer = takes-- > 0 ? 'delivered' : 'retryable';
          if (answer === 'delivered') taken++;
          setImmediate(() => resolve({ status: answer, error: new Error('away') }));
        }),
    };
    const limits = {
      scheduledDelayMillis: 0,
      maxQueueSize: 2,
      maxExportBatchSize: 1,
      exportTimeoutMillis: 1_000,
    };
    const pipeline = createPipeline({
      ...{ sinks: [away], mode: 'batch', ...limits },
      gapRecord,
      onError: () => undefined,
    });
    const accept = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await pipeline.accept(draft());
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await accept(10);
    expect(pipeline.stats().sinks[0]?.dropped).to.be.greaterThan(0);
    // The records before the gap are taken; then the gap is the first, and a record stands behind it.
    takes = 3;
    await until(() => taken === 3);
    await accept(1);
    await pipeline.shutdown().catch(() => undefined);
    // Without a pause it is asked thousands of times until the deadline of the shutdown.
    expect(asked).to.be.lessThan(100);
  });
});
