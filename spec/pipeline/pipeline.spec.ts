import { expect } from 'chai';
import fc from 'fast-check';
import { join } from 'node:path';
import { ConfigError, SinkError } from '../../lib/errors.js';
import type { ErrorInfo } from '../../lib/pipeline/stats.js';
import { createPipeline } from '../../lib/pipeline/pipeline.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import type { Sink } from '../../lib/sinks/sink.js';
import { draft } from '../support/drafts.js';
import { folders, seqsIn } from '../support/logFolder.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { failureOf, ScriptedSink, until, type Step } from '../support/scriptedSink.js';

const upTo = (count: number) => [...Array(count).keys()];

describe('createPipeline', () => {
  const folder = folders();

  it('numbers records in the order of the calls, and goes on where the log ended', async () => {
    const path = join(folder(), 'audit.jsonl');
    for (let run = 0; run < 3; run++) {
      const pipeline = createPipeline({ sinks: [new FileSink(path)] });
      await Promise.all(upTo(5).map(() => pipeline.accept(draft())));
      await pipeline.shutdown();
    }
    expect(seqsIn(path)).to.deep.equal(upTo(15));
  });

  it('keeps the order per sink and never calls a sink twice at once, whatever the sinks do', async () => {
    const step = fc.constantFrom<Step>('take', 'retryable', 'hang');
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        async (steps, count) => {
          const sinks = [new ScriptedSink('a', [...steps]), new ScriptedSink('b', [...steps].reverse())];
          const pipeline = createPipeline({ sinks, maxExportBatchSize: 4 });
          const releasing = setInterval(() => sinks.forEach((sink) => sink.release()), 1);
          await Promise.all(upTo(count).map(() => pipeline.accept(draft())));
          await pipeline.shutdown();
          clearInterval(releasing);
          for (const sink of sinks) {
            expect(sink.seqs).to.deep.equal(upTo(count));
            expect(sink.widest).to.equal(1);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('sends records that come while a batch is under way together', async () => {
    const sink = new ScriptedSink('a', ['hang']);
    const pipeline = createPipeline({ sinks: [sink] });
    const first = pipeline.accept(draft());
    await until(() => sink.batches.length === 1);
    const others = upTo(10).map(() => pipeline.accept(draft()));
    sink.release();
    await Promise.all([first, ...others]);
    expect(sink.batches.map((batch) => batch.length)).to.deep.equal([1, 10]);
  });

  it('repeats a batch unchanged, so that a receiver can deduplicate', async () => {
    const sink = new ScriptedSink('a', ['retryable', 'retryable']);
    const pipeline = createPipeline({ sinks: [sink] });
    const first = pipeline.accept(draft());
    await until(() => sink.batches.length === 1);
    await Promise.all([first, pipeline.accept(draft())]);
    expect(sink.batches.map((batch) => batch.map(({ seq }) => seq))).to.deep.equal([[0], [0], [0], [1]]);
    expect(pipeline.stats().sinks[0]).to.include({ delivered: 2, retries: 2, failed: 0, failing: false });
  });

  it('fails exactly the records concerned, each with an error of its own and without the cause’s text', async () => {
    const reported: [Error, ErrorInfo][] = [];
    const sink = new ScriptedSink('a', ['take', 'throw']);
    const pipeline = createPipeline({
      sinks: [sink],
      maxExportBatchSize: 2,
      onError: (...args) => void reported.push(args),
    });
    const errors = await Promise.all(upTo(6).map(() => failureOf(pipeline.accept(draft()))));
    expect(errors.map((error) => error instanceof SinkError)).to.deep.equal([
      false,
      false,
      true,
      true,
      false,
      false,
    ]);
    const [, , one, other] = errors as SinkError[];
    expect(one).to.not.equal(other);
    expect(one).to.include({ code: 'MCP_LOG_ERR_SINK', sink: 'a', message: "sink 'a' failed: E_SCRIPT" });
    expect(
      reported.map(([, info]) => [info.lost, info.records.map((record) => record.record_id)]),
    ).to.deep.equal([[2, sink.batches[1]?.map((record) => record.record_id)]]);
  });

  it('lets one sink fail without the others, and joins their failures', async () => {
    const good = new ScriptedSink('good');
    const pipeline = createPipeline({
      sinks: [new ScriptedSink('x', [], 'permanent'), good, new ScriptedSink('y', [], 'throw')],
      onError: () => undefined,
    });
    const error = await failureOf(pipeline.accept(draft()));
    expect(error).to.be.instanceOf(SinkError).and.include({ sink: 'x,y' });
    expect(good.seqs).to.deep.equal([0]);
  });

  it('needs one sink only where any will do', async () => {
    const sinks = [new ScriptedSink('x', [], 'permanent'), new ScriptedSink('y')];
    const pipeline = createPipeline({ sinks, requiredSinks: 'any', onError: () => undefined });
    await pipeline.accept(draft());
    sinks[1]!.then = 'throw';
    expect(await failureOf(pipeline.accept(draft()))).to.include({ sink: 'x,y' });
  });

  it('does not wait for a sink that is not required', async () => {
    const idle = new ScriptedSink('idle', [], 'hang');
    const pipeline = createPipeline({ sinks: [{ sink: idle, required: false }, new ScriptedSink('a')] });
    await pipeline.accept(draft());
    expect(idle.records).to.have.length(0);
    idle.release();
    idle.then = 'take';
    await pipeline.shutdown();
    expect(idle.seqs).to.deep.equal([0]);
  });

  it('tells apart two sinks of one name', async () => {
    const sinks = [new ScriptedSink('file', [], 'throw'), new ScriptedSink('file', [], 'throw')];
    const pipeline = createPipeline({ sinks, onError: () => undefined });
    expect(await failureOf(pipeline.accept(draft()))).to.include({ sink: 'file,file#2' });
  });

  it('takes any answer of a user’s sink', async () => {
    const seen: unknown[] = [];
    const pushing = { emit: (batch: readonly unknown[]) => seen.push(...batch) } as never;
    const confused = { emit: () => ({ status: 'fine' }) } as never;
    await createPipeline({ sinks: [pushing] }).accept(draft());
    expect(seen).to.have.length(1);
    const pipeline = createPipeline({ sinks: [confused], onError: () => undefined });
    expect(await failureOf(pipeline.accept(draft()))).to.be.instanceOf(SinkError);
  });

  it('does not take a weaker acknowledgement than was asked for', async () => {
    const weak = { name: 'weak', emit: () => ({ status: 'delivered', ack: 'written' }) as const };
    const pipeline = createPipeline({ sinks: [weak], acks: 'durable', onError: () => undefined });
    expect(await failureOf(pipeline.accept(draft()))).to.be.instanceOf(SinkError);
    await createPipeline({ sinks: [weak] }).accept(draft());
  });

  it('refuses loudly what comes after the shutdown, which happens once', async () => {
    const reported: Error[] = [];
    const sink = new ScriptedSink('a');
    const pipeline = createPipeline({ sinks: [sink], onError: (error) => void reported.push(error) });
    await pipeline.accept(draft());
    expect(pipeline.shutdown()).to.equal(pipeline.shutdown());
    await pipeline.shutdown();
    expect(sink).to.include({ closed: true, flushes: 1 });
    expect(await failureOf(pipeline.accept(draft())))
      .to.be.instanceOf(SinkError)
      .and.include({ code: 'MCP_LOG_ERR_SHUTDOWN' });
    pipeline.acceptInBackground(draft());
    expect(pipeline.stats()).to.include({ accepted: 1, refused: 2 });
    expect(reported).to.have.length(2);
  });

  it('flushes all or says that it could not', async () => {
    const sink = new ScriptedSink('a', [], 'permanent');
    const pipeline = createPipeline({ sinks: [sink], onError: () => undefined });
    pipeline.acceptInBackground(draft());
    expect(await failureOf(pipeline.forceFlush())).to.be.instanceOf(SinkError);
    sink.then = 'take';
    pipeline.acceptInBackground(draft());
    await pipeline.forceFlush();
    expect(sink.seqs).to.deep.equal([1]);
    expect(sink.flushes).to.equal(1);
  });

  it('survives callbacks that throw', async () => {
    const pipeline = createPipeline({
      sinks: [new ScriptedSink('a', ['throw'])],
      onError: () => {
        throw new Error('mine');
      },
      gapRecord: () => {
        throw new Error('mine too');
      },
    });
    expect(await failureOf(pipeline.accept(draft()))).to.be.instanceOf(SinkError);
    await pipeline.accept(draft());
    await pipeline.shutdown();
  });
});

describe('routing', () => {
  it('gives each sink what its filter lets through, numbered without holes', async () => {
    const some = new ScriptedSink('some');
    const all = new ScriptedSink('all');
    const pipeline = createPipeline({
      sinks: [
        { sink: some, filter: { minSeverity: 'SEVERITY_WARNING', eventTypes: ['EVENT_TOOL_INVOCATION'] } },
        all,
      ],
    });
    for (const severity of ['SEVERITY_INFO', 'SEVERITY_ERROR', 'SEVERITY_DEBUG', 'SEVERITY_WARNING'] as const)
      await pipeline.accept(draft({ severity }));
    await pipeline.accept(draft({ severity: 'SEVERITY_ERROR', event_type: 'EVENT_LOGIN' }));
    expect(some.records.map(({ seq, severity }) => [seq, severity])).to.deep.equal([
      [0, 'SEVERITY_ERROR'],
      [1, 'SEVERITY_WARNING'],
    ]);
    expect(all.seqs).to.deep.equal(upTo(5));
    expect(pipeline.stats().sinks[0]).to.include({ delivered: 2, filtered: 3 });
  });

  it('lets a record pass when the predicate throws, and reports it', async () => {
    const sink = new ScriptedSink('a');
    const reported: Error[] = [];
    const predicate = () => {
      throw new Error('mine');
    };
    const sinks = [{ sink, filter: { predicate } }];
    const pipeline = createPipeline({ sinks, onError: (error) => void reported.push(error) });
    await pipeline.accept(draft());
    expect(sink.records).to.have.length(1);
    expect(reported.map(String)).to.deep.equal(["Error: the filter of sink 'a' failed"]);
  });

  const sink = new ScriptedSink('a');
  const bad: [string, unknown][] = [
    ['no sinks', { sinks: [] }],
    ['a sink without emit', { sinks: [{}] }],
    ['an unknown option', { sinks: [sink], mood: 'good' }],
    ['an unknown mode', { sinks: [sink], mode: 'fast' }],
    ['weak acks in strict mode', { sinks: [sink], mode: 'blocking-strict', acks: 'written' }],
    ['a deadline of nothing', { sinks: [sink], exportTimeoutMillis: 0 }],
    ['a queue of nothing', { sinks: [sink], maxQueueSize: 0 }],
    ['an unknown event type', { sinks: [{ sink, filter: { eventTypes: ['EVENT_NONE'] } }] }],
    ['an unknown severity', { sinks: [{ sink, filter: { minSeverity: 'LOUD' } }] }],
    ['an unknown sink option', { sinks: [{ sink, filters: {} }] }],
    ['a callback that is none', { sinks: [sink], onError: 'mail me' }],
  ];
  for (const [what, options] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => createPipeline(options as never)).to.throw(ConfigError);
    });
  }
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
