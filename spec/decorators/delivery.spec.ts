import { diag, DiagLogLevel } from '@opentelemetry/api';
import { expect } from 'chai';
import { audit } from '../../lib/decorators/audited.js';
import { SinkError } from '../../lib/errors.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { claimingRecorders, dischargeClaiming } from '../../lib/processor/recorders.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';
import { runNode } from '../support/node.js';

const options = { eventType: 'EVENT_AGENT_DECISION', resource: 'plans/one' } as const;

describe('audited code whose record cannot be written', () => {
  const errors: Error[] = [];
  let processor: AuditSpanProcessor;

  beforeEach(() => {
    errors.length = 0;
    processor = new AuditSpanProcessor({
      sink: { name: 'broken', emit: () => Promise.reject(new Error('full')) },
      environment: 'test',
      onError: (error) => errors.push(error),
    });
  });
  afterEach(() => processor.shutdown().catch(() => undefined));

  async function failureOf(promise: Promise<unknown>): Promise<SinkError> {
    let failure: unknown;
    await promise.catch((error: unknown) => (failure = error));
    if (failure instanceof SinkError) return failure;
    throw new Error('expected a SinkError');
  }

  it('rejects where it is async, and carries what the function gave', async () => {
    const error = await failureOf(audit(options, async () => 'done')());
    expect(error).to.include({ code: 'MCP_LOG_ERR_SINK', sink: 'broken' });
    expect(error.operation).to.deep.equal({ status: 'fulfilled', value: 'done' });
  });

  it('carries what the function threw', async () => {
    const reason = new RangeError('no');
    const error = await failureOf(audit(options, () => Promise.reject(reason))());
    expect(error.operation).to.deep.equal({ status: 'rejected', reason });
  });

  it('rejects the last step of an async generator, after all its values', async () => {
    const stream = audit(options, async function* () {
      yield 1;
      return 'done';
    })();
    expect(await stream.next()).to.deep.equal({ value: 1, done: false });
    const error = await failureOf(stream.next());
    expect(error.operation).to.deep.equal({ status: 'fulfilled', value: 'done' });
  });

  it('returns where it is synchronous, and tells onError', async () => {
    expect(audit(options, () => 'done')()).to.equal('done');
    const numbers = audit(options, function* () {
      yield 1;
    });
    expect([...numbers()]).to.deep.equal([1]);
    await processor.forceFlush().catch(() => undefined);
    expect(errors.length).to.be.at.least(1);
    expect(errors[0]).to.be.instanceOf(SinkError);
  });
});

describe('audited code without a processor', () => {
  // Logs of clients that other tests have wrapped and that are not collected yet.
  beforeEach(() => claimingRecorders().forEach(({ log }) => dischargeClaiming(log)));

  const wrapped = (sink: MemorySink, over: object = {}) => {
    const { client } = pair();
    withLogging(client, { sink, environment: 'test', ...over });
    return client;
  };

  it('is on record in the log of a client that withLogging wrapped', async () => {
    const sink = new MemorySink();
    const clients = [wrapped(sink, { actorId: 'ann' }), wrapped(sink, { actorId: 'ann' })];
    await audit({ ...options, name: 'beside' }, async () => 1)();
    expect(sink.records.map(({ actor_id, message }) => [actor_id, message])).to.deep.equal([
      ['ann', 'Ran beside.'],
    ]);
    await auditLogOf(clients[0]!)?.shutdown();
  });

  it('is on record in each of several such logs, and in none that is shut down', async () => {
    const [one, other, third] = [new MemorySink(), new MemorySink(), new MemorySink()];
    const clients = [one, other, third].map((sink) => wrapped(sink));
    await auditLogOf(clients[2]!)?.shutdown();
    await audit({ ...options, name: 'beside' }, async () => 1)();
    expect([one, other, third].map(({ records }) => records.length)).to.deep.equal([1, 1, 0]);
    for (const client of clients) await auditLogOf(client)?.shutdown();
  });

  it('is on record in the log of the processor alone where there is one', async () => {
    const [own, everyone] = [new MemorySink(), new MemorySink()];
    const client = wrapped(own);
    const processor = new AuditSpanProcessor({ sink: everyone, environment: 'test' });
    await audit({ ...options, name: 'beside' }, async () => 1)();
    await processor.shutdown();
    await auditLogOf(client)?.shutdown();
    expect([own.records.length, everyone.records.length]).to.deep.equal([0, 1]);
  });

  it('works, and says once for each function that it is not on record', async () => {
    const warnings: string[] = [];
    const warn = (message: string) => void warnings.push(message);
    diag.setLogger(
      { ...console, warn, verbose: warn },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    try {
      const lonely = audit({ ...options, name: 'lonely' }, async (value: number) => value);
      expect([await lonely(1), await lonely(2)]).to.deep.equal([1, 2]);
    } finally {
      diag.disable();
    }
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(
      /^otel-mcp-log: NOT AUDITED: calls of lonely: there is no audit log; .* withLogging$/,
    );
  });

  it('says so on stderr', async () => {
    const program = `import { audit } from 'otel-mcp-log';
      const f = audit({ eventType: 'EVENT_AGENT_DECISION', resource: 'r', name: 'alone' }, async () => 1);
      await f(); await f();`;
    const { stderr } = await runNode(['--input-type=module', '-e', program]);
    expect(stderr.match(/otel-mcp-log: NOT AUDITED: calls of alone/g)).to.have.length(1);
  }).timeout(60_000);
});
