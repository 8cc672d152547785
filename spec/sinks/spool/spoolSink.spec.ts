import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigError, SinkError } from '../../../lib/errors.js';
import { createPipeline } from '../../../lib/pipeline/pipeline.js';
import type { GapInfo } from '../../../lib/sinks/sink.js';
import { SpoolSink, type SpoolOptions } from '../../../lib/sinks/spool/spoolSink.js';
import { crc32ByTable } from '../../../lib/internal/crc32.js';
import { draft, numbered } from '../../support/drafts.js';
import { folders } from '../../support/logFolder.js';
import { failureOf, ScriptedSink, until, type Step } from '../../support/scriptedSink.js';

const upTo = (count: number) => [...Array(count).keys()];
const gapRecord = (gap: GapInfo) => draft({ resource: 'audit/gap', data: gap });

describe('SpoolSink', () => {
  const folder = folders();
  const open = (receiver: ScriptedSink, over: Partial<SpoolOptions> = {}) =>
    new SpoolSink(receiver, { directory: join(folder(), 'spool'), onError: () => undefined, ...over });
  const segments = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.spool'));

  it('acknowledges what is on the disk, before the receiver has it', async () => {
    const receiver = new ScriptedSink('remote', [], 'hang');
    const sink = open(receiver);
    expect(await sink.emit([numbered(0)])).to.deep.equal({ status: 'delivered', ack: 'durable' });
    expect(receiver.records).to.deep.equal([]);
    expect(sink.backlogBytes).to.be.greaterThan(0);
    receiver.then = 'take';
    receiver.release();
    await sink.flush();
    expect(receiver.seqs).to.deep.equal([0]);
    expect(sink.backlogBytes).to.equal(0);
    await sink.close();
  });

  it('keeps folder and files to their owner', async () => {
    const directory = join(folder(), 'a', 'spool');
    const sink = open(new ScriptedSink('remote'), { directory });
    await sink.emit([numbered(0)]);
    await sink.flush();
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect(mode(directory)).to.equal('700');
    for (const name of readdirSync(directory)) expect(mode(join(directory, name)), name).to.equal('600');
    await sink.close();
  });

  it('hands over in order after an outage, in larger batches', async () => {
    const receiver = new ScriptedSink('remote', ['retryable', 'retryable']);
    const pipeline = createPipeline({ sinks: [open(receiver, { maxExportBatchSize: 10 })] });
    for (let i = 0; i < 35; i++) await pipeline.accept(draft());
    await until(() => receiver.records.length === 35);
    expect(receiver.seqs).to.deep.equal(upTo(35));
    await pipeline.shutdown();
  });

  it('grants a receiver no longer pause than the option allows, and tells of it once', async () => {
    let asked = 0;
    const told: string[] = [];
    const sink = new SpoolSink(
      {
        emit: () =>
          ++asked > 3
            ? undefined
            : { status: 'retryable', error: new Error('later'), retryAfterMs: 40 * 86_400_000 },
      },
      {
        directory: join(folder(), 'spool'),
        maxRetryAfterMs: 5,
        onError: ({ message }) => void told.push(message),
      },
    );
    await sink.emit([numbered(0)]);
    await until(() => sink.backlogBytes === 0);
    expect(asked).to.equal(4);
    expect(told.filter((message) => message.includes('maxRetryAfterMs'))).to.have.length(1);
    await sink.close();
  });

  it('does not ask again before its time because the pause is longer than a timer takes', async () => {
    let asked = 0;
    const result = { status: 'retryable', error: new Error('later'), retryAfterMs: 1e12 } as const;
    const sink = new SpoolSink(
      { emit: () => (asked++, result) },
      { directory: join(folder(), 'spool'), onError: () => undefined },
    );
    await sink.emit([numbered(0)]);
    await until(() => asked === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).to.equal(1);
    await sink.close();
  });

  it('hands over at the next start what the last one could not', async () => {
    const directory = join(folder(), 'spool');
    const away = new ScriptedSink('remote', [], 'retryable');
    const first = open(away, { directory });
    for (const seq of upTo(5)) await first.emit([numbered(seq)]);
    await first.close();
    const receiver = new ScriptedSink('remote');
    const second = open(receiver, { directory });
    expect(second.lastSeq).to.equal(4);
    await second.flush();
    expect(receiver.seqs).to.deep.equal(upTo(5));
    await second.close();
    const third = open(new ScriptedSink('remote'), { directory });
    expect(third.lastSeq, 'also when nothing is left in it').to.equal(4);
    await third.flush();
    await third.close();
  });

  it('loses and invents nothing, whatever the receiver does and whenever it is restarted', async () => {
    const step = fc.constantFrom<Step>('take', 'take', 'retryable');
    const run = fc.record({
      steps: fc.array(step, { maxLength: 6 }),
      count: fc.integer({ min: 0, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(run, { minLength: 1, maxLength: 4 }), async (runs) => {
        const directory = join(folder(), 'spool');
        const received: number[] = [];
        let seq = 0;
        for (const { steps, count } of runs) {
          const receiver = new ScriptedSink('remote', [...steps], 'take');
          const sink = open(receiver, { directory, segmentBytes: 2_000, maxExportBatchSize: 3 });
          for (let i = 0; i < count; i++) await sink.emit([numbered(seq++)]);
          await sink.close();
          received.push(...receiver.seqs);
        }
        const receiver = new ScriptedSink('remote');
        const sink = open(receiver, { directory });
        await sink.flush();
        await sink.close();
        received.push(...receiver.seqs);
        expect(received).to.deep.equal(upTo(seq));
        expect(segments(directory).length).to.be.at.most(1);
      }),
      { numRuns: 15 },
    );
  });

  it('takes no more than its bytes: callers fail, and the records that it has are safe', async () => {
    const receiver = new ScriptedSink('remote', [], 'retryable');
    const sink = open(receiver, { maxBytes: 4_000 });
    const pipeline = createPipeline({
      sinks: [sink],
      exportTimeoutMillis: 2_000,
      maxQueueSize: 1,
      onError: () => undefined,
    });
    const errors: unknown[] = [];
    while (errors.at(-1) === undefined) errors.push(await failureOf(pipeline.accept(draft())));
    expect(errors.length).to.be.within(4, 10);
    expect(errors.at(-1)).to.be.instanceOf(SinkError);
    expect(sink.backlogBytes).to.be.at.most(4_000);
    receiver.then = 'take';
    await sink.flush();
    expect(receiver.seqs.slice(0, 3)).to.deep.equal([0, 1, 2]);
    await pipeline.shutdown();
  });

  it('drops and counts what does not fit in batch mode, and tells of it', async () => {
    const receiver = new ScriptedSink('remote', [], 'retryable');
    const pipeline = createPipeline({
      ...{
        sinks: [open(receiver, { maxBytes: 4_000 })],
        mode: 'batch',
        scheduledDelayMillis: 0,
        maxQueueSize: 2,
        maxExportBatchSize: 1,
      },
      gapRecord,
      onError: () => undefined,
    });
    for (let i = 0; i < 20; i++) {
      await pipeline.accept(draft());
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const dropped = pipeline.stats().sinks[0]?.dropped ?? 0;
    expect(dropped).to.be.greaterThan(0);
    receiver.then = 'take';
    await until(() => receiver.records.length > 3);
    await pipeline.shutdown();
    const gaps = receiver.records.filter(({ resource }) => resource === 'audit/gap');
    expect(gaps.reduce((sum, { data }) => sum + (data as GapInfo).count, 0)).to.equal(dropped);
    expect(receiver.records.length - gaps.length + dropped).to.equal(20);
  });

  it('skips what is corrupt, keeps its bytes, and tells the receiver', async () => {
    const directory = join(folder(), 'spool');
    const away = open(new ScriptedSink('remote', [], 'retryable'), { directory });
    for (const seq of upTo(6)) await away.emit([numbered(seq)]);
    await away.close();
    const path = join(directory, segments(directory)[0] ?? '');
    const lines = readFileSync(path, 'utf8').split('\n');
    lines[2] = lines[2]?.replace('agent-7', 'agent-8') ?? '';
    lines[3] = 'rubbish';
    writeFileSync(path, lines.join('\n'));

    const told: unknown[] = [];
    const receiver = new ScriptedSink('remote');
    const sink = open(receiver, { directory, gapRecord, onError: (_, info) => void told.push(info) });
    await sink.flush();
    await sink.close();
    expect(receiver.seqs).to.deep.equal([0, 1, 3, 4, 5]);
    expect(receiver.records[2]?.data).to.include({ sink: 'remote', count: 2, cause: 'corrupt' });
    const keptIn = join(directory, '1.corrupt');
    expect(told).to.deep.equal([{ sink: 'remote', lost: 2, keptIn }]);
    expect(readFileSync(keptIn, 'utf8')).to.equal(`${lines[2]}\nrubbish\n`);
  });

  it('sums up as Node does, where Node cannot', () => {
    // The check value of CRC-32: https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-32-iso-hdlc
    expect(crc32ByTable(Buffer.from('123456789'))).to.equal(0xcbf43926);
  });

  it('cuts off what a crash left half written', async () => {
    const directory = join(folder(), 'spool');
    const away = open(new ScriptedSink('remote', [], 'retryable'), { directory });
    await away.emit([numbered(0)]);
    await away.close();
    const path = join(directory, segments(directory)[0] ?? '');
    appendFileSync(path, readFileSync(path).subarray(0, -20));
    const receiver = new ScriptedSink('remote');
    const sink = open(receiver, { directory });
    await sink.emit([numbered(1)]);
    await sink.flush();
    expect(receiver.seqs).to.deep.equal([0, 1]);
    expect(sink.notices.map(({ kind }) => kind)).to.deep.equal(['torn-tail']);
    await sink.close();
  });

  it('says in a flush that the receiver is away', async () => {
    const receiver = new ScriptedSink('remote', [], 'retryable');
    const sink = open(receiver);
    await sink.emit([numbered(0)]);
    expect(await failureOf(sink.flush())).to.be.instanceOf(Error);
    receiver.then = 'take';
    await sink.flush();
    await sink.close();
  });

  it('writes without an event loop while the process exits', async () => {
    const directory = join(folder(), 'spool');
    const away = open(new ScriptedSink('remote', [], 'hang'), { directory });
    away.flushSync([numbered(0), numbered(1)]);
    expect(readFileSync(join(directory, segments(directory)[0] ?? ''), 'utf8').split('\n')).to.have.length(3);
    await away.close();
  });

  it('is for one process at a time', async () => {
    const directory = join(folder(), 'spool');
    const sink = open(new ScriptedSink('remote'), { directory });
    expect(() => open(new ScriptedSink('remote'), { directory })).to.throw(ConfigError);
    await sink.close();
    expect(existsSync(join(directory, 'spool.lock'))).to.equal(false);
  });

  it('does not vouch for a delivery', async () => {
    const sink = open(new ScriptedSink('remote'));
    expect(() => createPipeline({ sinks: [sink], acks: 'delivered' })).to.throw(ConfigError, 'durable');
    await sink.close();
  });

  for (const options of [
    {},
    { directory: '' },
    { directory: 'x', maxBytes: 1 },
    { directory: 'x', size: 1 },
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => new SpoolSink(new ScriptedSink('remote'), options as never)).to.throw(ConfigError);
    });
  }

  it('refuses what is no sink', () => {
    expect(() => new SpoolSink({} as never, { directory: join(folder(), 'x') })).to.throw(ConfigError);
  });
});
