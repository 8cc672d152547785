import { expect } from 'chai';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { rejection } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';

const environment = 'test';

describe('auditLogOf', () => {
  it('flushes, counts and shuts down the log of a wrapped client', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    // A minute of lingering: what is delivered was flushed.
    withLogging(client, {
      sink,
      environment,
      mode: 'batch',
      scheduledDelayMillis: 60_000,
      onError: () => undefined,
    });
    const log = auditLogOf(client)!;
    await connect();
    await client.callTool({ name: 'echo' });
    expect(sink.records).to.deep.equal([]);
    await log.forceFlush();
    expect(sink.of('tools/call')).to.have.length(1);
    expect(log.stats().sinks[0]).to.include({ name: 'memory', delivered: sink.records.length, dropped: 0 });

    await log.shutdown();
    expect(await rejection(client.callTool({ name: 'echo' }))).to.include({ code: 'MCP_LOG_ERR_SHUTDOWN' });
    expect(log.stats().refused).to.equal(1);
  });

  it('is the same log for clients that share sinks, and none for others', async () => {
    const sink = new MemorySink();
    const [one, two, other] = [pair(), pair(), pair()];
    for (const { client } of [one, two]) withLogging(client, { sink, environment });
    await one.connect();
    await two.connect();
    expect(auditLogOf(one.client)?.stats().accepted).to.equal(2);
    expect(auditLogOf(two.client)?.stats().accepted).to.equal(2);
    expect(auditLogOf(other.client)).to.equal(undefined);
  });

  it('follows the process by request only', async () => {
    const { client } = pair();
    const before = process.listenerCount('SIGTERM');
    withLogging(client, { sink: new MemorySink(), environment });
    expect(process.listenerCount('SIGTERM')).to.equal(before);
    const leave = auditLogOf(client)!.followProcess({ signals: ['SIGTERM'] });
    expect(process.listenerCount('SIGTERM')).to.equal(before + 1);
    leave();
    expect(process.listenerCount('SIGTERM')).to.equal(before);
  });
});

describe('the options of a queue', () => {
  it('reach the queue: what does not fit is dropped, and every record is accounted for', async () => {
    let release = (): void => undefined;
    const stuck = { name: 'stuck', emit: () => new Promise<void>((resolve) => (release = resolve)) };
    const { client, connect } = pair();
    const processor = new AuditSpanProcessor({ sink: new MemorySink(), environment });
    withLogging(client, {
      sink: stuck,
      environment,
      mode: 'batch',
      maxQueueSize: 1,
      maxExportBatchSize: 1,
      scheduledDelayMillis: 1,
      overflow: 'drop',
      onError: () => undefined,
    });
    await connect();
    for (let call = 0; call < 5; call++) await client.callTool({ name: 'echo' });
    const [sink] = auditLogOf(client)!.stats().sinks;
    expect(sink!.dropped).to.be.greaterThan(0);
    expect(sink!.dropped + sink!.queued + sink!.delivered).to.equal(auditLogOf(client)!.stats().accepted);
    expect(processor.stats().sinks.map(({ name }) => name)).to.deep.equal(['memory']);
    release();
    await processor.shutdown();
    expect(await rejection(processor.forceFlush())).to.equal(undefined);
  });

  it('refuse what is none of their values', () => {
    const sink = new MemorySink();
    for (const bad of [{ overflow: 'block' }, { maxExportBatchSize: 0 }, { scheduledDelayMillis: -1 }])
      expect(() => new AuditSpanProcessor({ sink, environment, ...(bad as object) }))
        .to.throw()
        .with.property('code', 'MCP_LOG_ERR_CONFIG');
  });
});
