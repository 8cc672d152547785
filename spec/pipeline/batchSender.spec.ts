import { expect } from 'chai';
import { recordsOf } from '../../lib/pipeline/queue.js';
import { Gap, type Sink, type SinkResult } from '../../lib/sinks/sink.js';
import { HeldTimers, settle } from '../support/heldTimers.js';
import { ScriptedSink, until } from '../support/scriptedSink.js';
import { entry, gapOf, prompt, sending } from '../support/sending.js';

describe('sending to a sink', () => {
  it('takes so many at a time, in order, and rests when nothing is left', async () => {
    const sink = new ScriptedSink('a');
    const { sender, push, told } = sending(sink);
    push(0, 1, 2);
    sender.pump();
    await until(() => told.includes('idle'));
    expect(sink.batches.map((batch) => batch.map(({ seq }) => seq))).to.deep.equal([[0, 1], [2]]);
    expect(told).to.deep.equal(['took 0,1', 'go on', 'took 2', 'go on', 'idle']);
  });

  it('lets others have the event loop between two batches of a sink that answers at once', async () => {
    const sink = prompt();
    const { sender, push, told } = sending(sink);
    push(0, 1, 2);
    sender.pump();
    expect(sink.batches).to.deep.equal([[0, 1]]);
    await settle();
    await settle();
    expect(sink.batches).to.deep.equal([[0, 1], [2]]);
    expect(told, 'and rests at once where nothing is left').to.deep.equal([
      'took 0,1',
      'go on',
      'took 2',
      'idle',
    ]);
  });

  it('is busy, and owed an answer, while the sink has a batch in hand', async () => {
    const sink = new ScriptedSink('a', ['hang']);
    const { sender, push } = sending(sink);
    expect(sender).to.include({ isBusy: false, awaitsSink: false, sentAt: undefined });
    push(0);
    const before = performance.now();
    sender.pump();
    expect(sender).to.include({ isBusy: true, awaitsSink: true });
    expect(sender.sentAt).to.be.within(before, performance.now());
    expect(recordsOf(sender.inFlight)).to.have.length(1);
    sender.pump();
    expect(sink.batches).to.have.length(1);
    expect(sender.recall()).to.deep.equal([]);
    sender.rewrite(() => expect.fail('what the sink has in hand changed'));
    await until(() => sink.batches.length === 1);
    await settle();
    sink.release();
    await until(() => !sender.isBusy);
    expect(sender).to.include({ awaitsSink: false, sentAt: undefined });
    expect(sender.inFlight).to.deep.equal([]);
  });

  it('counts how long the sink took', async () => {
    const sink: Sink = { emit: () => new Promise((resolve) => setTimeout(resolve, 20)) };
    const { sender, push, counters } = sending(sink);
    push(0);
    const before = performance.now();
    sender.pump();
    await until(() => !sender.isBusy);
    const { busyMs, batches } = counters.snapshot(0, undefined);
    expect(batches).to.equal(1);
    expect(busyMs).to.be.within(15, performance.now() - before);
  });
});

const later: SinkResult = { status: 'retryable', error: new Error('later') };
const asked: SinkResult = { ...later, retryAfterMs: 60_000 };

describe('sending again', () => {
  let timers: HeldTimers;
  beforeEach(() => (timers = new HeldTimers()));
  afterEach(() => timers.restore());

  it('waits, is not owed anything meanwhile, and can be hurried', async () => {
    const sink = prompt(later);
    const { sender, push, counters } = sending(sink);
    push(0);
    sender.retryNow();
    expect(sink.batches, 'nothing waits yet').to.deep.equal([]);
    sender.pump();
    expect(sender).to.include({ isBusy: true, awaitsSink: false, sentAt: undefined });
    sender.retryNow();
    expect(sink.batches).to.deep.equal([[0], [0]]);
    expect(counters.snapshot(0, undefined)).to.include({ retries: 1, delivered: 1 });
    sender.retryNow();
    await timers.pass(1_000);
    expect(sink.batches, 'the pause is over for good').to.have.length(2);
  });

  it('is not hurried where the receiver has said when to come again', () => {
    const sink = prompt(asked);
    const { sender, push } = sending(sink);
    push(0);
    sender.pump();
    sender.retryNow();
    expect(sink.batches).to.deep.equal([[0]]);
    expect(recordsOf(sender.recall())).to.have.length(1);
  });

  it('grants a receiver no longer pause than the option allows, and tells of it once', async () => {
    const forEver = { ...later, retryAfterMs: Infinity };
    const sink = prompt(forEver, forEver);
    const { sender, push, reported } = sending(sink, { maxRetryAfterMs: 20_000 });
    push(0);
    sender.pump();
    await timers.pass(19_999);
    expect(sink.batches).to.deep.equal([[0]]);
    await timers.pass(1);
    expect(sink.batches).to.deep.equal([[0], [0]]);
    await timers.pass(20_000);
    expect(sink.batches).to.have.length(3);
    expect(sender).to.include({ isBusy: false });
    const notices = reported.filter(([message]) => message.includes('maxRetryAfterMs'));
    expect(notices.map(([message, { lost }]) => [message, lost])).to.deep.equal([
      [
        "sink 'a': the receiver asked for a pause of 2147484 s or more; it is asked again after 20 s (maxRetryAfterMs)",
        0,
      ],
    ]);
  });

  for (const retryAfterMs of [Number.NaN, -1, '60000', null, {}] as never[])
    it(`takes a sink's ${JSON.stringify(retryAfterMs)} for no pause that a receiver asked for`, () => {
      const sink = prompt({ ...later, retryAfterMs });
      const { sender, push } = sending(sink);
      push(0);
      sender.pump();
      sender.retryNow();
      expect(sink.batches).to.deep.equal([[0], [0]]);
    });

  for (const settled of [-1, 0.5, 2, Number.NaN, Infinity, '1'] as never[])
    it(`calls nothing delivered because a sink says that ${String(settled)} records of one are settled`, () => {
      const sink = prompt({ ...later, settled });
      const { sender, push, counters } = sending(sink);
      push(0);
      sender.pump();
      expect(counters.snapshot(0, undefined)).to.include({ delivered: 0 });
      sender.retryNow();
      expect(sink.batches).to.deep.equal([[0], [0]]);
    });

  it('ends when what waits is called back', async () => {
    const sink = prompt(later);
    const { sender, push } = sending(sink);
    push(0);
    sender.pump();
    expect(recordsOf(sender.recall())).to.have.length(1);
    expect(sender).to.include({ isBusy: false });
    expect(sender.recall()).to.deep.equal([]);
    await timers.pass(1_000);
    expect(sink.batches).to.deep.equal([[0]]);
  });

  it('sends what was made of what waits', () => {
    const sink = prompt(later);
    const { sender, push } = sending(sink);
    sender.rewrite(() => expect.fail('nothing waits'));
    push(0, 1);
    sender.pump();
    sender.rewrite(([first]) => [first!]);
    sender.retryNow();
    expect(sink.batches).to.deep.equal([[0, 1], [0]]);
  });

  it('leaves to the queue what is no record any more', async () => {
    const sink = prompt(later);
    const { sender, push, queue } = sending(sink);
    push(0);
    sender.pump();
    sender.rewrite(() => [gapOf(0)]);
    expect(sender).to.include({ isBusy: false });
    expect([...queue]).to.have.length(1);
    await timers.pass(1_000);
    expect(sink.batches).to.deep.equal([[0]]);
  });

  it('leaves out intents that were refused, and sends nothing where nothing else was there', () => {
    const sink = prompt(later);
    const { sender, queue } = sending(sink);
    queue.push(entry(0, true));
    sender.pump();
    expect(sender).to.include({ isBusy: false });
    expect(queue.first).to.be.instanceOf(Gap);
  });

  it('keeps, where nothing may be lost, what the sink has failed for good, and tells of it', () => {
    const sink = prompt(
      { status: 'permanent', error: new Error('no') },
      { status: 'permanent', error: new Error('no') },
    );
    const { sender, push, reported, counters } = sending(sink, { keepRefused: true });
    push(0);
    sender.pump();
    sender.retryNow();
    expect(counters.snapshot(0, undefined)).to.include({ failed: 0, failing: true });
    sender.retryNow();
    expect(sink.batches).to.deep.equal([[0], [0], [0]]);
    expect(
      reported.map(([message, { lost }]) => [message, lost]),
      'once',
    ).to.deep.equal([["sink 'a' failed: Error", 0]]);
    expect(counters.snapshot(0, undefined)).to.include({ delivered: 1, failing: false });
  });
});

describe('waiting to send again', () => {
  it('keeps a process alive only as long as a caller would wait', () => {
    for (const [keepAliveMs, alive] of [
      [61_000, 1],
      [59_000, 0],
      [-1, 0],
    ] as const) {
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const { sender, push } = sending(prompt(asked), { keepAliveMs });
      push(0);
      const before = timers();
      sender.pump();
      expect(timers() - before).to.equal(alive);
      sender.recall();
    }
  });
});
