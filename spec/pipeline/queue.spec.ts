import { expect } from 'chai';
import { Barrier, Entry, ItemQueue, Sequence, type Item } from '../../lib/pipeline/queue.js';
import { Gap } from '../../lib/sinks/sink.js';
import { draft, numbered } from '../support/drafts.js';

const entry = (seq: number) => new Entry(numbered(seq), undefined, 0, false);
const barrier = () =>
  new Barrier(
    () => undefined,
    () => undefined,
  );
const gapOf = (...seqs: number[]) => {
  const gap = new Gap();
  for (const seq of seqs) gap.add(numbered(seq), 'E');
  return gap;
};
/** A queue in a few words: `1`, `gap 2`, `barrier`. */
const shown = (items: Iterable<Item>) =>
  [...items].map((item) =>
    item instanceof Entry ? String(item.record.seq) : item instanceof Gap ? `gap ${item.count}` : 'barrier',
  );
function queueOf(...items: Item[]): ItemQueue {
  const queue = new ItemQueue();
  for (const item of items) queue.push(item);
  return queue;
}

describe('the queue of a sink', () => {
  it('counts records, and neither gaps nor barriers', () => {
    const queue = queueOf(entry(0), gapOf(1), barrier(), entry(2));
    expect(queue.entries).to.equal(2);
    expect(queue.isEmpty).to.equal(false);
    expect(queue.hasBarrier).to.equal(true);
    expect(queueOf().isEmpty).to.equal(true);
    expect(queueOf(entry(0)).hasBarrier).to.equal(false);
  });

  it('gives what comes first, up to a number', () => {
    const queue = queueOf(entry(0), gapOf(1), entry(2), entry(3));
    expect(shown(queue.take(3))).to.deep.equal(['0', 'gap 1', '2']);
    expect(shown(queue)).to.deep.equal(['3']);
    expect(queue.entries).to.equal(1);
    expect(shown(queue.take(3))).to.deep.equal(['3']);
    expect(queue.entries).to.equal(0);
    expect(queue.first).to.equal(undefined);
  });

  it('gives nothing beyond a barrier', () => {
    const queue = queueOf(entry(0), barrier(), entry(1));
    expect(shown(queue.take(9))).to.deep.equal(['0']);
    expect(shown(queue)).to.deep.equal(['barrier', '1']);
    expect(shown(queue.take(9))).to.deep.equal([]);
    queue.remove();
    expect(shown(queue.take(9))).to.deep.equal(['1']);
  });

  it('takes back what was taken, before all else, and joins gaps that meet', () => {
    const queue = queueOf(gapOf(2), entry(3));
    queue.putBack([entry(0), gapOf(1)]);
    expect(shown(queue)).to.deep.equal(['0', 'gap 2', '3']);
    expect(queue.entries).to.equal(2);
  });

  it('lets go of one item, and of no other', () => {
    const [one, other] = [barrier(), barrier()];
    const queue = queueOf(one, entry(0), other);
    queue.remove(other);
    expect([...queue])
      .to.have.length(2)
      .and.to.include(one);
    expect(queue.entries).to.equal(1);
  });

  it('replaces items in their places', () => {
    const queue = queueOf(entry(0), entry(1), entry(2), entry(3));
    queue.rewrite((item) => {
      if (!(item instanceof Entry)) return item;
      const { seq } = item.record;
      return seq === 3 ? undefined : seq === 0 ? item : gapOf(seq);
    });
    expect(shown(queue)).to.deep.equal(['0', 'gap 2']);
    expect(queue.entries).to.equal(1);
  });

  it('counts lost records at its end, as one gap while nothing comes between', () => {
    const queue = queueOf();
    expect(queue.loseLast(numbered(0), 'full')).to.equal(true);
    expect(queue.loseLast(numbered(1), 'full')).to.equal(false);
    queue.push(entry(2));
    expect(queue.loseLast(numbered(3), 'full')).to.equal(true);
    expect(shown(queue)).to.deep.equal(['gap 2', '2', 'gap 1']);
  });
});

describe('the numbers of a log', () => {
  it('follow each other from the first, on copies', () => {
    const sequence = new Sequence({ seq: 5, log_id: 'log-1', log_epoch: 2 });
    const given = draft();
    expect([sequence.number(given).seq, sequence.number(given).seq]).to.deep.equal([5, 6]);
    expect(given).not.to.have.property('seq');
    expect(sequence.number(given)).to.deep.equal({ ...given, seq: 7, log_id: 'log-1', log_epoch: 2 });
  });
});
