import { expect } from 'chai';
import { SinkError } from '../../lib/errors.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { draft } from '../support/drafts.js';
import { ScriptedSink, until } from '../support/scriptedSink.js';
import { settle } from '../support/heldTimers.js';
import { gapOf, prompt, sending } from '../support/sending.js';

describe('gaps on their way', () => {
  const gapRecord = () => draft({ resource: 'audit/gap' });

  it('wait for a record', async () => {
    const sink = new ScriptedSink('a');
    const { sender, queue, push, told } = sending(sink, { gapRecord });
    queue.push(gapOf(0));
    sender.pump();
    expect(told).to.deep.equal(['idle']);
    push(1);
    sender.pump();
    await until(() => sink.records.length === 2);
    expect(sink.seqs).to.deep.equal([0, 1]);
  });

  it('or for somebody who flushes', async () => {
    const sink = new ScriptedSink('a');
    const { sender, queue, waiting } = sending(sink, { gapRecord });
    queue.push(gapOf(0));
    const { state } = waiting();
    sender.pump();
    await until(() => state.settled !== undefined);
    expect(state.settled).to.equal('flushed');
    expect(sink.seqs).to.deep.equal([0]);
    expect(sink.flushes).to.equal(1);
  });

  it('or for one whose flush has failed already, who is told when the log says what is missing', async () => {
    const sink = new ScriptedSink('a');
    const { sender, queue, waiting } = sending(sink, { gapRecord });
    queue.push(gapOf(0));
    const barriers = [waiting(), waiting()];
    for (const barrier of barriers) barrier.failure = new SinkError('a', 'lost');
    sender.pump();
    await until(() => barriers.every(({ state }) => state.settled !== undefined));
    expect(barriers.map(({ state }) => state.settled)).to.deep.equal(['lost', 'lost']);
    expect(sink.seqs).to.deep.equal([0]);
  });

  it('are offered once to a sink that refuses them, whatever waits behind the flush', async () => {
    const sink = new ScriptedSink('a');
    sink.then = 'permanent';
    const { sender, queue, push, waiting } = sending(sink, { gapRecord });
    queue.push(gapOf(0));
    const { state } = waiting();
    sender.pump();
    push(1);
    await until(() => state.settled !== undefined);
    await until(() => queue.entries === 0);
    await settle();
    expect(state.settled).to.match(/sink 'a' failed/);
    expect(sink.batches.length).to.be.at.most(2);
    expect([...queue]).to.have.length(1);
  });

  it('whose record cannot be made are reported, and leave the others their way', () => {
    const sink = prompt();
    const thrown = new Error('mine');
    const { sender, queue, push, reported } = sending(sink, {
      gapRecord: () => {
        throw thrown;
      },
    });
    queue.push(gapOf(0));
    push(1);
    sender.pump();
    expect(sink.batches).to.deep.equal([[1]]);
    expect(reported).to.deep.equal([
      ["the gap record of sink 'a' could not be made", { sink: 'a', lost: 0, records: [] }],
    ]);
  });
});

describe('a flush on its way', () => {
  it('comes after what was there before, and before what comes later', async () => {
    const log: string[] = [];
    const sink: Sink = {
      emit: (batch) => void log.push(...batch.map(({ seq }) => String(seq))),
      flush: async () => void log.push('flush'),
    };
    const { sender, push, waiting } = sending(sink);
    push(0);
    const { state } = waiting();
    push(1);
    sender.pump();
    await until(() => log.length === 3);
    expect(log).to.deep.equal(['0', 'flush', '1']);
    expect(state.settled).to.equal('flushed');
  });

  it('keeps everything else waiting, and fails with the sink’s failure', async () => {
    let fail!: (error: unknown) => void;
    const sink = { ...prompt(), flush: () => new Promise<void>((_, reject) => (fail = reject)) };
    const { sender, push, waiting } = sending(sink);
    const { state } = waiting();
    sender.pump();
    push(0);
    sender.pump();
    expect(sender).to.include({ isBusy: true, awaitsSink: true });
    expect(sink.batches).to.deep.equal([]);
    fail(Object.assign(new Error('secret'), { code: 'E_SYNC' }));
    await until(() => state.settled !== undefined);
    expect(state.settled).to.equal("sink 'a' failed: E_SYNC");
    await until(() => sink.batches.length === 1);
    expect(sender).to.include({ isBusy: false });
  });

  it('is not tried when what came before it is lost', () => {
    const sink = new ScriptedSink('a');
    const { sender, waiting, told } = sending(sink);
    const barrier = waiting();
    barrier.failure = new SinkError('a', 'lost');
    sender.pump();
    expect(barrier.state.settled).to.equal('lost');
    expect(sink.flushes).to.equal(0);
    expect(told).to.deep.equal(['idle']);
  });
});
