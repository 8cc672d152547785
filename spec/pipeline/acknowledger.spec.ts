import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import { Completion } from '../../lib/pipeline/completion.js';
import { SinkCounters, SinkMetrics } from '../../lib/pipeline/stats.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import { Barrier, Entry, ItemQueue } from '../../lib/pipeline/queue.js';
import { guardedReport, type ErrorInfo } from '../../lib/pipeline/options.js';
import { Acknowledger } from '../../lib/pipeline/acknowledger.js';
import { Gap } from '../../lib/sinks/gap.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import type { Ack, Sink } from '../../lib/sinks/sink.js';
import { draft, numbered } from '../support/drafts.js';
import { heard } from '../support/heard.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { failureOf, ScriptedSink } from '../support/scriptedSink.js';

const metrics = () =>
  new SinkMetrics(
    'a',
    () => 0,
    () => undefined,
  );
const failed = (code = 'E_DISK') =>
  new SinkError('a', 'a failed', { cause: Object.assign(new Error('x'), { code }) });

/** The counters of a sink, and what they reported. */
function countersOf() {
  const told: ErrorInfo[] = [];
  const counters = new SinkCounters('a', (_, info) => void told.push(info), metrics());
  return { counters, told };
}

describe('what a sink has done', () => {
  it('is nothing at first', () => {
    expect(countersOf().counters.snapshot(3, undefined)).to.deep.equal({
      ...{ name: 'a', queued: 3, delivered: 0, failed: 0, dropped: 0, filtered: 0 },
      ...{ retries: 0, batches: 0, busyMs: 0, gaps: 0, failing: false },
    });
  });

  it('is counted', () => {
    const { counters } = countersOf();
    counters.answered(2);
    counters.answered(3);
    counters.delivered(5, 1);
    counters.filtered();
    counters.retrying();
    counters.lost('dropped', failed('E_FULL'), [numbered(0), numbered(1)]);
    expect(counters.snapshot(0, 12)).to.deep.equal({
      ...{ name: 'a', queued: 0, delivered: 5, failed: 0, dropped: 2, filtered: 1 },
      ...{ retries: 1, batches: 2, busyMs: 5, gaps: 1, failing: false },
      ...{ backlogBytes: 12, lastFailure: 'E_FULL' },
    });
  });

  it('is failing from a failure on until it delivers', () => {
    const { counters } = countersOf();
    counters.lost('failed', failed(), [numbered(0)]);
    expect(counters.failing).to.equal(true);
    counters.delivered(1, 0);
    expect(counters.failing).to.equal(false);
    counters.trouble(failed(), []);
    expect(counters.failing).to.equal(true);
  });

  it('is told once while it lasts, and again where callers were told', () => {
    const { counters, told } = countersOf();
    const late = [numbered(0)];
    counters.trouble(failed(), late);
    counters.trouble(failed(), late);
    expect(told).to.deep.equal([{ sink: 'a', lost: 0, records: late }]);
    counters.trouble(failed(), late, true);
    expect(told).to.have.length(2);
    counters.lost('failed', failed(), late);
    counters.lost('failed', failed(), late, false);
    expect(told.slice(2)).to.deep.equal([{ sink: 'a', lost: 1, records: late }]);
  });

  it('names the last failure by its cause, else by itself', () => {
    const { counters } = countersOf();
    counters.trouble(failed('E_IO'), []);
    expect(counters.snapshot(0, undefined).lastFailure).to.equal('E_IO');
    counters.trouble(new SinkError('a', 'late', { code: 'MCP_LOG_ERR_SINK_TIMEOUT' }), []);
    expect(counters.snapshot(0, undefined).lastFailure).to.equal('MCP_LOG_ERR_SINK_TIMEOUT');
  });
});

/** An acknowledger with a queue, and entries whose callers wait. */
function settling(needed: Ack = 'written') {
  const { counters, told } = countersOf();
  const queue = new ItemQueue();
  const acknowledger = new Acknowledger(queue, counters, needed);
  const outcomes: unknown[] = [];
  const entries = [0, 1, 2].map((seq) => {
    const completion = new Completion(1, false);
    void failureOf(completion.promise).then((failure) => (outcomes[seq] = failure ?? 'delivered'));
    return new Entry(numbered(seq), completion, 0, false);
  });
  const settled = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return outcomes.map((outcome) => (outcome instanceof SinkError ? outcome.message : outcome));
  };
  return { acknowledger, queue, counters, told, entries, settled };
}
const no = (code: string) => Object.assign(new Error('secret'), { code });

describe('settling a batch', () => {
  it('tells every caller, and counts records and gaps', async () => {
    const { acknowledger, counters, entries, settled } = settling();
    acknowledger.delivered([...entries, new Gap()], 'durable', []);
    expect(await settled()).to.deep.equal(['delivered', 'delivered', 'delivered']);
    expect(counters.snapshot(0, undefined)).to.include({ delivered: 3, gaps: 1, failing: false });
  });

  it('fails those whose records were rejected, and leaves one gap in their place', async () => {
    const { acknowledger, queue, counters, entries, settled } = settling();
    const rejected = [
      { index: 0, error: no('E_ONE') },
      { index: 2, error: no('E_TWO') },
      { index: 9, error: no('E_NOBODY') },
    ];
    acknowledger.delivered(entries, 'written', rejected);
    expect(await settled()).to.deep.equal(["sink 'a' failed: E_ONE", 'delivered', "sink 'a' failed: E_TWO"]);
    expect(counters.snapshot(0, undefined)).to.include({ delivered: 1, failed: 2 });
    const gaps = [...queue].filter((item) => item instanceof Gap);
    expect(gaps.map(({ count, seq, causes }) => [count, seq, [...causes]])).to.deep.equal([
      [2, 2, ['E_ONE', 'E_TWO']],
    ]);
  });

  it('fails all where the sink vouches for less than is needed, though it has the records', async () => {
    const { acknowledger, counters, told, entries, settled } = settling('durable');
    acknowledger.delivered(entries, 'written', []);
    expect(await settled()).to.deep.equal(Array(3).fill("sink 'a' failed: Error"));
    expect(counters.snapshot(0, undefined)).to.include({ delivered: 3, failed: 0, failing: true });
    expect(told[0]).to.include({ lost: 0 });
    expect(told[0]?.records).to.have.length(3);
  });

  it('loses records and gaps as one gap, and tells whoever waits behind them', async () => {
    const { acknowledger, queue, entries, settled } = settling();
    const earlier = new Gap();
    earlier.add(numbered(7), 'E_OLD');
    const waiting = new Barrier(
      () => undefined,
      () => undefined,
    );
    queue.push(new Entry(numbered(8), undefined, 0, false));
    queue.push(waiting);
    acknowledger.lose([earlier, ...entries], no('E_NEW'));
    expect(await settled()).to.deep.equal(Array(3).fill("sink 'a' failed: E_NEW"));
    expect(queue.first).to.include({ count: 4 });
    expect(waiting.failure).to.include({ message: "sink 'a' failed: E_NEW" });
    const first = waiting.failure;
    acknowledger.lose([], no('E_LATER'));
    expect(waiting.failure).to.equal(first);
    expect([...queue]).to.have.length(3);
  });

  it('replaces an intent that was refused, and no other record', () => {
    const { acknowledger, counters, entries } = settling();
    const intent = new Entry(numbered(5), undefined, 0, true);
    const kept = new Entry(numbered(6), undefined, 0, false);
    const gap = new Gap();
    const items = acknowledger.withoutRefusedIntents([intent, kept, gap, entries[0]!], no('E_REFUSED'));
    expect(items.slice(1)).to.deep.equal([kept, gap, entries[0]]);
    expect(items[0]).to.be.instanceOf(Gap).and.to.include({ count: 1, seq: 5 });
    expect(counters.snapshot(0, undefined)).to.include({ failed: 1, dropped: 0 });
  });

  it('gives each caller an error of its own, which keeps the code of the sink and hides the text of others', () => {
    const { acknowledger } = settling();
    const own = new SinkError('a', 'too late', { code: 'MCP_LOG_ERR_SINK_TIMEOUT', cause: no('E') });
    const copy = acknowledger.error(own);
    expect(copy).not.to.equal(own);
    expect(copy).to.include({ sink: 'a', message: 'too late', code: own.code, cause: own.cause });
    const other = new SinkError('b', 'secret');
    expect(acknowledger.error(other))
      .to.include({ sink: 'a', cause: other })
      .and.not.to.have.property('message', 'secret');
  });
});

describe('telling of failures', () => {
  const info: ErrorInfo = { sink: 'a', lost: 1, records: [] };

  it('is by the diagnostic log where nobody listens', async () => {
    expect(await heard(() => guardedReport(undefined)(new Error('no disk'), info))).to.deep.equal([
      'audit log: no disk',
    ]);
  });

  it('is by the callback, whose own failures are contained and told', async () => {
    const seen: unknown[] = [];
    const listen = guardedReport((error, told) => void seen.push(error.message, told));
    expect(await heard(() => listen(new Error('no disk'), info))).to.deep.equal([]);
    expect(seen).to.deep.equal(['no disk', info]);
    const complaint = ['audit log: the onError callback failed'];
    const throwing = guardedReport(() => {
      throw new Error('mine');
    });
    expect(await heard(() => throwing(new Error('x'), info))).to.deep.equal(complaint);
    const rejecting = guardedReport((async () => Promise.reject(new Error('mine'))) as never);
    expect(await heard(() => rejecting(new Error('x'), info))).to.deep.equal(complaint);
  });
});

describe('a pipeline of several sinks', () => {
  it('finds each unfinished intent once, whichever sinks know it', async () => {
    const [one, two] = [sampleRecord(1), sampleRecord(2)];
    const sinkWith = (unfinishedIntents: readonly AuditRecord[]): Sink => ({
      emit: () => undefined,
      unfinishedIntents,
    });
    const pipeline = createPipeline({
      sinks: [sinkWith([one, two]), sinkWith([two]), { emit: () => undefined }],
    });
    expect(pipeline.unfinishedIntents).to.deep.equal([one, two]);
    await pipeline.shutdown();
  });

  it('names all of them in the error of a record that comes after the shutdown, and hands it out', async () => {
    const told: ErrorInfo[] = [];
    const sinks = [new ScriptedSink('a'), new ScriptedSink('b')];
    const pipeline = createPipeline({ sinks, onError: (_, info) => void told.push(info) });
    await pipeline.shutdown();
    const late = draft();
    const failure = (await failureOf(pipeline.accept(late))) as SinkError;
    expect(failure).to.include({ sink: 'a,b', code: 'MCP_LOG_ERR_SHUTDOWN' });
    expect(told).to.deep.equal([{ lost: 1, records: [late] }]);
    expect(pipeline.stats()).to.include({ refused: 1, accepted: 0 });
  });
});
