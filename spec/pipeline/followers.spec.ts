import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { followProcess, type LifecycleOptions } from '../../lib/pipeline/lifecycle.js';
import { createPipeline, type Pipeline } from '../../lib/pipeline/pipeline.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { draft } from '../support/drafts.js';
import { heard } from '../support/heard.js';
import { settle } from '../support/heldTimers.js';
import { ScriptedSink, until } from '../support/scriptedSink.js';

// The same as in `lifecycle.spec.ts`, without a process that ends: the events are raised here. What a test says of the end of a
// process is that it was asked for; that it comes is shown there.
type Event = 'beforeExit' | NodeJS.Signals;
// A signal that nothing else in this process listens to.
const SIGNAL = 'SIGUSR2';

/** A sink that can also write at once. */
class FileLike extends ScriptedSink {
  readonly atOnce: AuditRecord[] = [];
  flushSync(batch: readonly AuditRecord[]): void {
    this.atOnce.push(...batch);
  }
}

/** A pipeline that gathers for a minute, and holds one record. */
function gathering(sink: ScriptedSink, maxExportBatchSize = 10): Pipeline {
  const pipeline = createPipeline({
    sinks: [sink],
    mode: 'batch',
    scheduledDelayMillis: 60_000,
    maxExportBatchSize,
    onError: () => undefined,
  });
  pipeline.acceptInBackground(draft());
  return pipeline;
}

describe('a pipeline that follows its process', () => {
  const leave: (() => void)[] = [];
  const kills: unknown[][] = [];
  const { kill } = process;
  beforeEach(() => {
    process.kill = (...args) => (kills.push(args), true);
  });
  afterEach(() => {
    process.kill = kill;
    process.removeAllListeners(SIGNAL);
    for (const unfollow of leave.splice(0)) unfollow();
    kills.length = 0;
  });

  /** Follows, and tells what was listened to for it. */
  function follow(pipeline: Pipeline, options: LifecycleOptions = { signals: [SIGNAL] }) {
    const names = ['beforeExit', 'SIGTERM', 'SIGINT', SIGNAL] as const;
    const before = new Map(names.map((name) => [name, process.rawListeners(name)]));
    leave.push(followProcess(pipeline, options));
    const added = (name: Event) =>
      process.rawListeners(name).filter((listener) => !before.get(name as never)?.includes(listener));
    return {
      added,
      raise: (name: Event) => void added(name).forEach((listener) => (listener as () => void)()),
    };
  }

  it('listens to SIGTERM and SIGINT where nothing else is said', () => {
    const { added } = follow(gathering(new ScriptedSink('a')), {});
    for (const name of ['beforeExit', 'SIGTERM', 'SIGINT'] as const) expect(added(name)).to.have.length(1);
    expect(added(SIGNAL)).to.deep.equal([]);
  });

  it('leaves nothing behind when the last has left, and all while one is there', () => {
    const listening = () => ['beforeExit', SIGNAL].map((name) => process.listenerCount(name));
    const before = listening();
    const [one, other] = [0, 1].map(() =>
      followProcess(gathering(new ScriptedSink('a')), { signals: [SIGNAL] }),
    );
    one!();
    expect(listening()).to.deep.equal(before.map((count) => count + 1));
    other!();
    expect(listening()).to.deep.equal(before);
  });

  it('delivers when the event loop runs empty, again only when there is more', async () => {
    const sink = new ScriptedSink('a');
    const pipeline = gathering(sink);
    const { raise } = follow(pipeline);
    raise('beforeExit');
    await until(() => sink.flushes === 1);
    raise('beforeExit');
    await settle();
    expect(sink).to.include({ flushes: 1 });
    pipeline.acceptInBackground(draft());
    raise('beforeExit');
    await until(() => sink.flushes === 2);
    expect(sink.seqs).to.deep.equal([0, 1]);
  });

  it('tells the diagnostic log of a last delivery that failed', async () => {
    const { raise } = follow(gathering(new ScriptedSink('a', [], 'throw')));
    expect(await heard(() => raise('beforeExit'))).to.deep.equal(["audit log: sink 'a' failed: E_SCRIPT"]);
  });

  it('shuts down on a signal that is its own, and raises it again', async () => {
    const sink = new ScriptedSink('a');
    const { raise, added } = follow(gathering(sink));
    raise(SIGNAL);
    expect(added(SIGNAL), 'a second one is not waited for').to.deep.equal([]);
    await until(() => kills.length > 0);
    expect(kills).to.deep.equal([[process.pid, SIGNAL]]);
    expect(sink).to.include({ closed: true });
    expect(sink.seqs).to.deep.equal([0]);
    expect(added(SIGNAL)).to.deep.equal([]);
  });

  it('waits no longer than it may for any, and then writes at once what it can', async () => {
    const [stuck, behind] = [new ScriptedSink('stuck', [], 'hang'), new FileLike('behind', [], 'hang')];
    const pipeline = gathering(behind, 1);
    pipeline.acceptInBackground(draft());
    follow(gathering(stuck), { signals: [SIGNAL], deadlineMs: 20 });
    follow(pipeline, { signals: [SIGNAL], deadlineMs: 20 });
    process.emit(SIGNAL);
    await until(() => kills.length > 0);
    expect([stuck.batches.length, behind.batches.length]).to.deep.equal([1, 1]);
    expect(behind.atOnce.map(({ seq }) => seq)).to.deep.equal([1]);
    expect(stuck).to.include({ closed: false });
  });

  it('lets the application decide where it listens too, and goes on listening', async () => {
    const sink = new FileLike('a');
    const pipeline = gathering(sink);
    const seen: number[] = [];
    process.on(SIGNAL, () => seen.push(sink.atOnce.length, process.listenerCount(SIGNAL)));
    follow(pipeline);
    process.emit(SIGNAL);
    expect(seen, 'what is held is written before, and we are not there').to.deep.equal([1, 1]);
    await until(() => process.listenerCount(SIGNAL) === 2);
    expect(kills).to.deep.equal([]);
    expect(sink).to.include({ closed: false, flushes: 1 });
    const next = pipeline.accept(draft());
    process.emit(SIGNAL);
    await next;
    expect(sink.atOnce.map(({ seq }) => seq)).to.deep.equal([0, 1]);
    await until(() => process.listenerCount(SIGNAL) === 2);
  });

  it('does not listen again when the last has left meanwhile', async () => {
    const sink = new ScriptedSink('a');
    process.on(SIGNAL, () => undefined);
    const { added } = follow(gathering(sink));
    process.emit(SIGNAL);
    for (const unfollow of leave.splice(0)) unfollow();
    await until(() => sink.flushes === 1);
    await settle();
    expect(added(SIGNAL)).to.deep.equal([]);
  });

  it('says what is wrong with its options', () => {
    const pipeline = gathering(new ScriptedSink('a'));
    const wrong: [unknown, string][] = [
      [{ signals: SIGNAL }, 'lifecycle.signals'],
      [{ deadlineMs: 0 }, 'lifecycle.deadlineMs'],
      [{ deadlineMs: 2 ** 31 }, 'lifecycle.deadlineMs'],
      [{ signal: [] }, 'lifecycle'],
    ];
    for (const [options, where] of wrong)
      expect(() => followProcess(pipeline, options as never)).to.throw(ConfigError, where);
    for (const deadlineMs of [1, 2 ** 31 - 1])
      leave.push(followProcess(pipeline, { signals: [], deadlineMs }));
  });
});
