import { expect } from 'chai';
import type { ErrorInfo } from '../../lib/pipeline/stats.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { Sink, SinkResult } from '../../lib/sinks/sink.js';
import { draft } from '../support/drafts.js';
import { failureOf, ScriptedSink, until } from '../support/scriptedSink.js';

/** A pipeline that gathers for a minute, holding so many records, and what it reported. */
function holding(count: number, sink: Sink) {
  const reported: [string, ErrorInfo][] = [];
  const pipeline = createPipeline({
    ...{ sinks: [sink], mode: 'batch', scheduledDelayMillis: 60_000, exportTimeoutMillis: 1_000 },
    onError: (error, info) => void reported.push([Reflect.get(error, 'code') as string, info]),
  });
  for (let i = 0; i < count; i++) pipeline.acceptInBackground(draft());
  return { pipeline, reported, stats: () => pipeline.stats().sinks[0] };
}

describe('flushSync', () => {
  it('gives what is held to a sink that can write at once', async () => {
    const written: AuditRecord[] = [];
    const emitted: AuditRecord[] = [];
    const { pipeline, stats } = holding(3, {
      emit: (batch) => void emitted.push(...batch),
      flushSync: (batch) => void written.push(...batch),
    });
    pipeline.flushSync();
    expect(written.map(({ seq }) => seq)).to.deep.equal([0, 1, 2]);
    expect(stats()).to.include({ delivered: 3, queued: 0, failed: 0 });
    await pipeline.shutdown();
    expect(emitted).to.deep.equal([]);
  });

  it('counts as lost what such a sink cannot write', () => {
    const { pipeline, reported, stats } = holding(2, {
      emit: () => undefined,
      flushSync: () => {
        throw new Error('disk full');
      },
    });
    pipeline.flushSync();
    expect(stats()).to.include({ delivered: 0, failed: 2, queued: 0, failing: true });
    expect(reported.map(([, { lost }]) => lost)).to.deep.equal([2]);
  });

  it('gives another sink one batch, and believes an answer that comes without a promise', () => {
    const batches: number[] = [];
    const answer: SinkResult = {
      status: 'delivered',
      rejected: [{ index: 1, error: new Error('too large') }],
    };
    const { pipeline, stats } = holding(3, {
      emit: (batch) => {
        batches.push(batch.length);
        return answer;
      },
    });
    pipeline.flushSync();
    expect(batches).to.deep.equal([3]);
    expect(stats()).to.include({ delivered: 2, failed: 1, queued: 0 });
  });

  it('does not call a sink when nothing is held', () => {
    const batches: number[] = [];
    const { pipeline } = holding(1, { emit: (batch) => void batches.push(batch.length) });
    pipeline.flushSync();
    pipeline.flushSync();
    expect(batches).to.deep.equal([1]);
  });

  it('does not give a sink an empty batch for records that it has refused', () => {
    const batches: number[] = [];
    const rejected = [{ index: 0, error: new Error('too large') }];
    const { pipeline, stats } = holding(1, {
      emit: (batch) => (batches.push(batch.length), { status: 'delivered', rejected }),
    });
    pipeline.flushSync();
    pipeline.flushSync();
    expect(batches).to.deep.equal([1]);
    expect(stats()).to.include({ failed: 1, failing: true });
  });

  const unheard: [string, Sink['emit']][] = [
    ['a promise', () => Promise.resolve()],
    ['a failure', () => ({ status: 'permanent', error: new Error('no') })],
    ['a wish to be asked again', () => ({ status: 'retryable', error: new Error('later') })],
  ];
  for (const [what, emit] of unheard) {
    it(`counts records as lost by the shutdown when the answer is ${what}`, () => {
      const { pipeline, reported, stats } = holding(2, { emit });
      pipeline.flushSync();
      expect(stats()).to.include({ delivered: 0, failed: 2, queued: 0 });
      expect(reported.map(([code]) => code)).to.deep.equal(['MCP_LOG_ERR_SHUTDOWN']);
    });
  }

  it('asks nothing more of a sink that owes an answer, and gives up what waits behind', async () => {
    const sink = new ScriptedSink('a', ['hang']);
    const { pipeline, stats } = holding(1, sink);
    const flushed = failureOf(pipeline.forceFlush());
    await until(() => sink.batches.length === 1);
    pipeline.acceptInBackground(draft());
    pipeline.flushSync();
    expect(sink.batches).to.have.length(1);
    expect(stats()).to.include({ failed: 1, queued: 1 });
    sink.release();
    await flushed;
    expect(stats()).to.include({ delivered: 1, queued: 0 });
  });
});

describe('a sink’s answer', () => {
  it('may refuse some records of a batch, whose callers alone hear of it', async () => {
    const rejected = [0, 2].map((index) => ({ index, error: new Error('too large') }));
    const sink: Sink = { emit: () => ({ status: 'delivered', rejected }) };
    const pipeline = createPipeline({ sinks: [sink], onError: () => undefined });
    const failures = await Promise.all([0, 1, 2].map(() => failureOf(pipeline.accept(draft()))));
    expect(failures.map((failure) => failure !== undefined)).to.deep.equal([true, false, true]);
    expect(pipeline.stats().sinks[0]).to.include({ delivered: 1, failed: 2, batches: 1 });
  });

  it('may settle the head of a batch, of which only the rest is given again', async () => {
    const batches: number[][] = [];
    const sink: Sink = {
      emit: (batch) => {
        batches.push(batch.map(({ seq }) => seq));
        if (batches.length > 1) return undefined;
        return { status: 'retryable', error: new Error('later'), settled: 2, retryAfterMs: 1 };
      },
    };
    const pipeline = createPipeline({ sinks: [sink], onError: () => undefined });
    await Promise.all([0, 1, 2].map(() => pipeline.accept(draft())));
    expect(batches).to.deep.equal([[0, 1, 2], [2]]);
    expect(pipeline.stats().sinks[0]).to.include({ delivered: 3, retries: 1, failed: 0, failing: false });
  });
});
