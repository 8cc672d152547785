import { diag, DiagLogLevel } from '@opentelemetry/api';
import { expect } from 'chai';
import { audit } from '../../lib/decorators/audited.js';
import { SinkError } from '../../lib/errors.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';

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
  it('works, and warns once for each function that it is not on record', async () => {
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
    expect(warnings[0]).to.match(/^otel-mcp-log: lonely is audited, .* not on record; construct one$/);
  });
});
