import { expect } from 'chai';
import { AnchorQueue, type Anchor } from '../../../lib/integrity/sealing/anchors.js';
import { type Checkpoint } from '../../../lib/integrity/tlog/checkpoint.js';
import { EMPTY_ROOT } from '../../../lib/integrity/tlog/merkle.js';
import { HeldTimers, settle } from '../../support/heldTimers.js';

const checkpoint = (size: number): Checkpoint => ({ origin: 'log', size, root: EMPTY_ROOT, note: `${size}` });

describe('integrity: the checkpoints that wait for an anchor', () => {
  let taken: number[];
  let anchored: number[];
  let errors: string[];
  let timers: HeldTimers;
  const queueOf = (anchor: Anchor) =>
    new AnchorQueue(anchor, {
      onAnchored: async ({ size }) => void anchored.push(size),
      onError: ({ message }) => void errors.push(message),
    });
  /** An anchor whose answers are given by hand. */
  const slow = () => {
    const answers: (() => void)[] = [];
    const queue = queueOf(({ size }) => {
      taken.push(size);
      return new Promise((resolve) => answers.push(resolve));
    });
    return { queue, answer: () => answers.shift()?.() };
  };
  const failing = (reason: unknown = new Error('down')) =>
    queueOf(({ size }) => {
      taken.push(size);
      throw reason;
    });
  const pass = (milliseconds: number) => timers.pass(milliseconds);

  beforeEach(() => {
    [taken, anchored, errors] = [[], [], []];
    timers = new HeldTimers();
  });
  afterEach(() => timers.restore());

  it('are taken one at a time, and of those that wait the newest alone', async () => {
    const { queue, answer } = slow();
    for (const size of [1, 2, 3]) queue.offer(checkpoint(size));
    await settle();
    expect(taken).to.deep.equal([1]);
    answer();
    await settle();
    expect([taken, anchored]).to.deep.equal([[1, 3], [1]]);
    answer();
    await settle();
    expect([taken, anchored, errors]).to.deep.equal([[1, 3], [1, 3], []]);
    queue.offer(checkpoint(4));
    await settle();
    expect(taken).to.deep.equal([1, 3, 4]);
  });

  it('are tried again after a second, then after twice as long each time, five minutes at most', async () => {
    failing().offer(checkpoint(1));
    await settle();
    for (const [attempt, seconds] of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].entries()) {
      await pass(seconds * 1000 - 1);
      expect(taken.length, `before ${seconds} s`).to.equal(attempt + 1);
      await pass(1);
      expect(taken.length, `after ${seconds} s`).to.equal(attempt + 2);
    }
    expect(errors).to.deep.equal(taken.map(() => 'down'));
  });

  it('wait no longer than a second again once one was taken', async () => {
    let working = false;
    const queue = queueOf(({ size }) => {
      taken.push(size);
      if (!working) throw new Error('down');
    });
    queue.offer(checkpoint(1));
    await settle();
    await pass(1000);
    await pass(2000);
    working = true;
    await pass(4000);
    expect(anchored).to.deep.equal([1]);
    working = false;
    queue.offer(checkpoint(2));
    await settle();
    await pass(999);
    expect(taken).to.have.length(5);
    await pass(1);
    expect(taken).to.deep.equal([1, 1, 1, 1, 2, 2]);
  });

  it('take the place of one that failed without being tried any sooner', async () => {
    const queue = failing();
    queue.offer(checkpoint(1));
    await settle();
    queue.offer(checkpoint(2));
    await settle();
    expect(taken).to.deep.equal([1]);
    await pass(1000);
    expect(taken).to.deep.equal([1, 2]);
  });

  it('are given up on after ten seconds without an answer, for now', async () => {
    const { queue } = slow();
    queue.offer(checkpoint(1));
    await settle();
    await pass(9_999);
    expect(errors).to.deep.equal([]);
    await pass(1);
    expect(errors).to.have.length(1);
    expect(anchored).to.deep.equal([]);
    await pass(1000);
    expect(taken).to.deep.equal([1, 1]);
  });

  it('of an anchor that answered are not given up on later', async () => {
    const { queue, answer } = slow();
    queue.offer(checkpoint(1));
    await settle();
    answer();
    await pass(60_000);
    expect([taken, anchored, errors]).to.deep.equal([[1], [1], []]);
  });

  it('keep no process alive once they were taken', async () => {
    timers.restore();
    const alive = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    // The test's own time limit starts to run once it waits for something.
    await settle();
    const before = alive();
    const queue = queueOf(({ size }) => void taken.push(size));
    queue.offer(checkpoint(1));
    await queue.flush();
    expect(taken).to.deep.equal([1]);
    expect(alive()).to.equal(before);
  });

  it('failed also when the anchor throws no error', async () => {
    failing('canary').offer(checkpoint(1));
    await settle();
    expect(errors).to.have.length(1);
    expect(errors[0]).to.not.contain('canary');
  });

  it('are tried once by a flush, which waits for it, and by no timer after it', async () => {
    const queue = failing();
    queue.offer(checkpoint(1));
    await settle();
    await queue.flush();
    expect(taken).to.deep.equal([1, 1]);
    await pass(600_000);
    expect(taken).to.deep.equal([1, 1]);
  });

  it('are waited for by a flush, the last as well', async () => {
    const { queue, answer } = slow();
    queue.offer(checkpoint(1));
    queue.offer(checkpoint(2));
    await settle();
    let flushed = false;
    const flush = queue.flush().then(() => (flushed = true));
    answer();
    await settle();
    expect([taken, flushed]).to.deep.equal([[1, 2], false]);
    answer();
    await flush;
    expect(anchored).to.deep.equal([1, 2]);
  });

  it('that were all taken give a flush nothing to do', async () => {
    const queue = queueOf(({ size }) => void taken.push(size));
    await queue.flush();
    queue.offer(checkpoint(1));
    await queue.flush();
    await queue.flush();
    expect(taken).to.deep.equal([1]);
  });
});
