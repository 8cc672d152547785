import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import type { AuditOptions } from '../../lib/config.js';
import { ConfigError, SinkError } from '../../lib/errors.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { FileSink } from '../../lib/sinks/file/fileSink.js';
import { withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';

const environment = 'test';

describe('an audit log', () => {
  after(() => disableSource(defaultSource));

  it('numbers the records of several clients that share a sink as one log', async () => {
    const sink = new MemorySink();
    const pairs = [pair(), pair(), pair()];
    for (const { client } of pairs) withLogging(client, { sink, environment });
    await Promise.all(pairs.map(({ connect }) => connect()));
    await Promise.all(pairs.map(({ client }) => client.listTools()));
    expect(sink.records.map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('refuses a sink that another log uses in another way', () => {
    const sink = new MemorySink();
    withLogging(pair().client, { sink, environment });
    const other = () => withLogging(pair().client, { sinks: [sink, new MemorySink()], environment });
    expect(other).to.throw(ConfigError, /in use by another audit log/);
  });

  it('refuses the same sink with other options, or without its neighbours, and takes it as it was', () => {
    const [one, two, three] = [new MemorySink(), new MemorySink(), new MemorySink()];
    const log = (options: Omit<AuditOptions, 'environment'>) =>
      withLogging(pair().client, { ...options, environment });
    log({ sinks: [one, { sink: two, required: false }] });
    expect(() => log({ sinks: [one, { sink: two, required: false }] })).not.to.throw();
    for (const options of [
      { sinks: [one, { sink: two, required: true }] },
      { sinks: [one, { sink: two, required: false }], maxQueueSize: 5 },
      { sinks: [one] },
      { sinks: [one, { sink: three, required: false }] },
      { sinks: [{ sink: two, required: false }, one] },
    ])
      expect(() => log(options), JSON.stringify(Object.keys(options))).to.throw(
        ConfigError,
        /another audit log/,
      );
  });

  it('takes a sink again once the log that had it is shut down', async () => {
    const sink = new MemorySink();
    await new AuditSpanProcessor({ sink, environment }).shutdown();
    const { client, connect } = pair();
    withLogging(client, { sink, environment });
    await connect();
    expect(sink.records).to.have.length(1);
  });

  it('[attack 41] refuses a record after shutdown loudly', async () => {
    const sink = new MemorySink();
    const processor = new AuditSpanProcessor({ sink, environment }).enable();
    const { client, connect } = pair();
    instrumentClient(client.constructor as never);
    await connect();
    await processor.shutdown();
    const failure: unknown = await client.listTools().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(SinkError).with.property('code', 'MCP_LOG_ERR_SHUTDOWN');
    expect((failure as SinkError).operation?.status).to.equal('fulfilled');
  });

  it('writes nothing of what the policy gives the level None', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment, redaction: { levels: { tools: { echo: 'None' } } } });
    await connect();
    await client.callTool({ name: 'echo' });
    await client.callTool({ name: 'broken' });
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal([
      'session/initialize',
      'tools/broken',
    ]);
  });

  it('in blocking-strict mode has the intent on disk before the server hears of the call', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'otel-mcp-log-strict-'));
    const path = join(folder, 'audit.jsonl');
    const lines = () =>
      readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditRecord);
    const sink = new FileSink(path);
    const { client, connect, transport } = pair();
    withLogging(client, { sink, environment, mode: 'blocking-strict' });
    await connect();
    let onDisk: AuditRecord | undefined;
    const { send } = transport;
    transport.send = (message, options) => {
      onDisk = lines().at(-1);
      return Reflect.apply(send, transport, [message, options]);
    };
    await client.callTool({ name: 'echo', arguments: { message: 'x' } });
    await sink.close();

    expect(onDisk).to.include({
      resource: 'tools/echo',
      stage: 'request_received',
      outcome: 'OUTCOME_UNSPECIFIED',
    });
    const [intent, completion] = lines().filter(({ resource }) => resource === 'tools/echo');
    expect(completion).to.include({ outcome: 'OUTCOME_SUCCESS', operation_id: intent?.operation_id });
    expect(completion).not.to.have.property('stage');
    rmSync(folder, { recursive: true });
  });

  it('in batch mode does not make the caller wait, and delivers all the same', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment, mode: 'batch' });
    await connect();
    await client.listTools();
    await client.close();
    expect(sink.records).to.have.length(0);
    while (sink.records.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal([
      'session/initialize',
      'tools/list',
      'session/close',
    ]);
  });
});
