import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import { Acknowledger } from '../../lib/pipeline/batchSender.js';
import { Completion } from '../../lib/pipeline/completion.js';
import { Barrier, Entry, ItemQueue } from '../../lib/pipeline/queue.js';
import { Gap, type Ack } from '../../lib/sinks/sink.js';
import { numbered } from '../support/drafts.js';
import { failureOf } from '../support/scriptedSink.js';
import { countersOf } from '../support/sending.js';

/** An acknowledger with a queue, and entries whose callers wait. */
function acknowledging(needed: Ack = 'written') {
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

describe('acknowledging a batch', () => {
  it('tells every caller, and counts records and gaps', async () => {
    const { acknowledger, counters, entries, settled } = acknowledging();
    acknowledger.delivered([...entries, new Gap()], 'durable', []);
    expect(await settled()).to.deep.equal(['delivered', 'delivered', 'delivered']);
    expect(counters.snapshot(0, undefined)).to.include({ delivered: 3, gaps: 1, failing: false });
  });

  it('fails those whose records were rejected, and leaves one gap in their place', async () => {
    const { acknowledger, queue, counters, entries, settled } = acknowledging();
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
    const { acknowledger, counters, told, entries, settled } = acknowledging('durable');
    acknowledger.delivered(entries, 'written', []);
    expect(await settled()).to.deep.equal(Array(3).fill("sink 'a' failed: Error"));
    expect(counters.snapshot(0, undefined)).to.include({ delivered: 3, failed: 0, failing: true });
    expect(told[0]).to.include({ lost: 0 });
    expect(told[0]?.records).to.have.length(3);
  });

  it('loses records and gaps as one gap, and tells whoever waits behind them', async () => {
    const { acknowledger, queue, entries, settled } = acknowledging();
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
    const { acknowledger, counters, entries } = acknowledging();
    const intent = new Entry(numbered(5), undefined, 0, true);
    const kept = new Entry(numbered(6), undefined, 0, false);
    const gap = new Gap();
    const items = acknowledger.withoutRefusedIntents([intent, kept, gap, entries[0]!], no('E_REFUSED'));
    expect(items.slice(1)).to.deep.equal([kept, gap, entries[0]]);
    expect(items[0]).to.be.instanceOf(Gap).and.to.include({ count: 1, seq: 5 });
    expect(counters.snapshot(0, undefined)).to.include({ failed: 1, dropped: 0 });
  });

  it('gives each caller an error of its own, which keeps the code of the sink and hides the text of others', () => {
    const { acknowledger } = acknowledging();
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
