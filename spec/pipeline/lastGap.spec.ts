import { expect } from 'chai';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { ErrorInfo } from '../../lib/pipeline/stats.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { backoffMs } from '../../lib/sinks/retry.js';
import type { GapInfo, Sink, SinkResult } from '../../lib/sinks/sink.js';
import { draft } from '../support/drafts.js';
import { HeldTimers } from '../support/heldTimers.js';
import { failureOf, ScriptedSink } from '../support/scriptedSink.js';

/** A pipeline in batch mode, and what it reported. */
function before(sink: Sink) {
  const reported: [string, ErrorInfo][] = [];
  const pipeline = createPipeline({
    ...{ sinks: [sink], mode: 'batch', scheduledDelayMillis: 60_000, exportTimeoutMillis: 500 },
    gapRecord: (gap) => draft({ resource: 'audit/gap', data: gap }),
    onError: ({ message }, info) => void reported.push([message, info]),
  });
  const untold = () => reported.filter(([message]) => message.includes('records are missing'));
  return { pipeline, reported, untold };
}

/** How often something is tried in so many milliseconds, where each pause is this part of the longest that it may be. */
function attemptsWithin(ms: number, luck: number): number {
  const { random } = Math;
  try {
    Math.random = () => luck;
    for (let attempts = 1, at = 0; ; attempts++) if ((at += backoffMs(attempts)) >= ms) return attempts;
  } finally {
    Math.random = random;
  }
}

const counts = (records: readonly AuditRecord[]) =>
  records.filter(({ resource }) => resource === 'audit/gap').map(({ data }) => (data as GapInfo).count);

describe('what is missing at the end of a log', () => {
  it('is told by a gap record when the process shuts down before another record', async () => {
    const sink = new ScriptedSink('a', ['permanent']);
    const { pipeline, untold } = before(sink);
    for (let nth = 0; nth < 3; nth++) pipeline.acceptInBackground(draft());
    expect(String(await failureOf(pipeline.shutdown()))).to.include("sink 'a' failed");
    expect(counts(sink.records)).to.deep.equal([3]);
    expect(sink.seqs).to.deep.equal([2]);
    expect(untold()).to.deep.equal([]);
    expect(sink.closed).to.equal(true);
  });

  it('and when somebody flushes', async () => {
    const sink = new ScriptedSink('a', ['permanent']);
    const { pipeline } = before(sink);
    pipeline.acceptInBackground(draft());
    expect(String(await failureOf(pipeline.forceFlush()))).to.include("sink 'a' failed");
    expect(counts(sink.records)).to.deep.equal([1]);
    await pipeline.shutdown();
  });

  it('and when records had to be given up at the end', async () => {
    const sink = new ScriptedSink('a', [], 'retryable');
    const { pipeline, reported, untold } = before(sink);
    pipeline.acceptInBackground(draft());
    const ended = failureOf(pipeline.shutdown());
    // It recovers as soon as the record has been given up.
    const { emit } = sink;
    sink.emit = (batch) => {
      if (batch[0]?.resource === 'audit/gap') sink.then = 'take';
      return emit.call(sink, batch);
    };
    expect(await ended).to.be.instanceOf(Error);
    expect(reported.reduce((sum, [, { lost }]) => sum + lost, 0)).to.equal(1);
    expect(counts(sink.records)).to.deep.equal([1]);
    expect(untold()).to.deep.equal([]);
  });

  for (const step of ['permanent', 'retryable', 'throw'] as const)
    it(`is told to the user when the sink does not take that either (${step})`, async () => {
      const sink = new ScriptedSink('a', ['permanent'], step);
      const { pipeline, untold } = before(sink);
      for (let nth = 0; nth < 2; nth++) pipeline.acceptInBackground(draft());
      expect(await failureOf(pipeline.shutdown())).to.be.instanceOf(Error);
      expect(untold()).to.deep.equal([
        [
          "sink 'a' ends without the record that says that 2 records are missing",
          { sink: 'a', lost: 0, records: [] },
        ],
      ]);
      // The refused batch, a flush with the worst luck, and a last attempt.
      expect(sink.batches.length).to.be.at.most(1 + attemptsWithin(500, 0) + 1);
      const { length } = sink.batches;
      pipeline.flushSync();
      expect(sink.batches, 'asked after its end').to.have.length(length);
    });

  for (const luck of [0, 0.5, 1])
    it(`is tried at a civil pace while the sink puts it off, whatever the pauses (${luck})`, async () => {
      const { random } = Math;
      const timers = new HeldTimers();
      try {
        Math.random = () => luck;
        const sink = new ScriptedSink('a', ['permanent'], 'retryable');
        const { pipeline } = before(sink);
        pipeline.acceptInBackground(draft());
        const ended = failureOf(pipeline.shutdown());
        await timers.pass(1_000);
        expect(await ended).to.be.instanceOf(Error);
        expect(sink.batches).to.have.length(1 + attemptsWithin(500, luck) + 1);
      } finally {
        Math.random = random;
        timers.restore();
      }
    });

  it('is told while the process exits, if the sink answers at once', async () => {
    const taken: AuditRecord[] = [];
    const answers: SinkResult[] = [{ status: 'permanent', error: new Error('no') }];
    const { pipeline } = before({
      emit: (batch) => {
        const answer = answers.shift();
        if (answer === undefined) taken.push(...batch);
        return answer;
      },
    });
    for (let nth = 0; nth < 2; nth++) pipeline.acceptInBackground(draft());
    pipeline.flushSync();
    expect(counts(taken)).to.deep.equal([2]);
    await pipeline.shutdown();
  });

  it('does not make a flush a flood where a gap is put off', async () => {
    const sink = new ScriptedSink('a', ['permanent'], 'retryable');
    const { pipeline } = before(sink);
    pipeline.acceptInBackground(draft());
    expect(await failureOf(pipeline.forceFlush())).to.be.instanceOf(Error);
    expect(await failureOf(pipeline.forceFlush())).to.be.instanceOf(Error);
    // Two flushes, each with the worst luck, and the refused batch.
    expect(sink.batches.length).to.be.within(2, 1 + 2 * attemptsWithin(500, 0));
    sink.then = 'take';
    await pipeline.forceFlush();
    expect(counts(sink.records)).to.deep.equal([1]);
    await pipeline.shutdown();
  });
});
