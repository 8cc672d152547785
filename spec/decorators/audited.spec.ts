import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import { audit, audited, type AuditedCall } from '../../lib/decorators/audited.js';
import { ConfigError, RefusedError } from '../../lib/errors.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';

const inference = { eventType: 'EVENT_MODEL_INFERENCE', resource: 'models/m' } as const;
const legacyUse = (...args: unknown[]) => (audited(inference) as (...rest: unknown[]) => unknown)(...args);

class Agent {
  readonly #name = 'agent';

  @audited({ ...inference, message: 'Asked the model', policyTags: ['eu'], severity: 'SEVERITY_NOTICE' })
  async infer(prompt: string, extra?: number): Promise<string> {
    await Promise.resolve();
    return `${this.#name}: ${prompt} ${extra}`;
  }

  @audited({
    eventType: 'EVENT_AGENT_DECISION',
    resource: (options: readonly string[]) => `choices/${options.length}`,
    data: ({ args, result }: AuditedCall<[readonly string[]], string>) => ({ of: args[0], chose: result }),
  })
  choose(options: readonly string[]): string {
    return options[0]!;
  }

  @audited({ eventType: 'EVENT_DELEGATION', resource: 'agents/other' })
  static delegate(task: string): string {
    return `${this.name}: ${task}`;
  }

  @audited({
    eventType: 'EVENT_GUARDRAIL_CHECK',
    resource: 'guardrails/pii',
    outcome: ({ result }) => (result === false ? 'OUTCOME_FAILURE_DENIED' : undefined),
  })
  #allows(text: string): boolean {
    return !text.includes('@');
  }

  guard(text: string): boolean {
    return this.#allows(text);
  }

  @audited({ ...inference, name: 'failing' })
  fail(error: unknown): Promise<never> {
    return Promise.reject(error as Error);
  }

  @audited({
    eventType: 'EVENT_AGENT_DECISION',
    resource: () => expect.fail('a bug'),
    data: () => expect.fail('a bug'),
    outcome: () => expect.fail('a bug'),
  })
  careless(): string {
    return 'fine';
  }
}

describe('@audited', () => {
  let sink: MemorySink;
  let processor: AuditSpanProcessor;

  beforeEach(() => {
    sink = new MemorySink();
    processor = new AuditSpanProcessor({ sink, environment: 'test', policyTags: ['all'] });
  });
  afterEach(() => processor.shutdown());

  it('puts an async method on record and leaves it as it was', async () => {
    const agent = new Agent();
    expect(await agent.infer('hello', 7)).to.equal('agent: hello 7');
    expect(agent.infer).to.have.property('name', 'infer');
    expect(agent.infer).to.have.length(2);
    const [record] = sink.records;
    expect(record).to.deep.include({
      event_type: 'EVENT_MODEL_INFERENCE',
      outcome: 'OUTCOME_SUCCESS',
      severity: 'SEVERITY_NOTICE',
      resource: 'models/m',
      message: 'Asked the model.',
      policy_tags: ['all', 'eu'],
      otel_operation_name: 'chat',
    });
    expect(record).not.to.have.any.keys('mcp', 'data', 'error');
  });

  it('takes the resource and the data from functions of the call, redacted', async () => {
    expect(new Agent().choose(['a', 'password=canary'])).to.equal('a');
    await processor.forceFlush();
    expect(sink.records[0]).to.deep.include({ resource: 'choices/2', message: 'Ran choose.' });
    expect(sink.records[0]?.data).to.deep.include({ chose: 'a' });
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });

  it('audits static methods, with the class as this', async () => {
    expect(Agent.delegate('x')).to.equal('Agent: x');
    await processor.forceFlush();
    expect(sink.records[0]).to.include({ event_type: 'EVENT_DELEGATION', message: 'Ran delegate.' });
  });

  it('audits private methods, and lets the verdict of a guardrail be the outcome', async () => {
    const agent = new Agent();
    expect([agent.guard('fine'), agent.guard('a@b')]).to.deep.equal([true, false]);
    await processor.forceFlush();
    expect(sink.records.map(({ outcome, error, message }) => [outcome, error?.type, message])).to.deep.equal([
      ['OUTCOME_SUCCESS', undefined, 'Ran #allows.'],
      ['OUTCOME_FAILURE_DENIED', 'denied', 'Ran #allows: failed (denied).'],
    ]);
  });

  it('judges errors as it judges those of clients, and hands them on as they are', async () => {
    const abort = new DOMException('stop', 'AbortError');
    const reasons = [new RangeError('token=canary'), Object.assign(new Error('no'), { code: 403 }), abort, 7];
    for (const reason of reasons) {
      let seen: unknown;
      await new Agent().fail(reason).catch((error: unknown) => (seen = error));
      expect(seen).to.equal(reason);
    }
    expect(sink.records.map(({ outcome, error }) => [outcome, error?.type])).to.deep.equal([
      ['OUTCOME_FAILURE_ERROR', 'RangeError'],
      ['OUTCOME_FAILURE_DENIED', '403'],
      ['OUTCOME_FAILURE_ERROR', 'cancelled'],
      ['OUTCOME_FAILURE_ERROR', 'number'],
    ]);
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });

  it('is not broken by functions of its options that throw', async () => {
    expect(new Agent().careless()).to.equal('fine');
    await processor.forceFlush();
    expect(sink.records[0]).to.deep.include({
      resource: 'careless',
      data: '[data function failed]',
      outcome: 'OUTCOME_SUCCESS',
    });
  });

  it('makes the MCP calls inside its children, without any SDK of OpenTelemetry', async () => {
    const { client, connect } = pair();
    const { withLogging } = await import('../../lib/withLogging.js');
    withLogging(client, { sink, environment: 'test' });
    await connect();
    const act = audit({ ...inference, name: 'act' }, async () => {
      await Promise.resolve();
      await client.callTool({ name: 'echo', arguments: {} });
    });
    await act();
    const outer = sink.records.find(({ resource }) => resource === 'models/m');
    expect(sink.only('tools/call')).to.include({
      trace_id: outer?.trace_id,
      parent_span_id: outer?.span_id,
    });
    expect(outer).not.to.have.property('parent_span_id');
  });

  it("is a span of kind INTERNAL in the caller's trace, where there is an SDK", async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const exporter = new InMemorySpanExporter();
    const provider = new BasicTracerProvider({
      spanProcessors: [processor, new SimpleSpanProcessor(exporter)],
    });
    trace.setGlobalTracerProvider(provider);
    try {
      await trace.getTracer('test').startActiveSpan('request', async (request) => {
        await new Agent().infer('hello');
        request.end();
      });
      const [span, request] = exporter.getFinishedSpans();
      expect(span).to.include({ name: 'infer', kind: 0 });
      expect(span?.attributes).to.deep.equal({});
      expect(span?.parentSpanContext?.spanId).to.equal(request?.spanContext().spanId);
      expect(sink.records).to.have.length(1);
      expect(sink.records[0]?.span_id).to.equal(span?.spanContext().spanId);
    } finally {
      trace.disable();
      context.disable();
    }
  });

  it('refuses where an actor is required and not known', async () => {
    const strict = new AuditSpanProcessor({
      sink,
      environment: 'test',
      actorId: () => '',
      requireActor: true,
    });
    const ran: string[] = [];
    const [now, later] = [
      audit(inference, () => ran.push('now')),
      audit(inference, async () => ran.push('later')),
    ];
    expect(() => now()).to.throw(RefusedError);
    let refusal: unknown;
    await later().catch((error: unknown) => (refusal = error));
    await strict.shutdown();
    expect(refusal).to.be.instanceOf(RefusedError);
    expect(ran).to.deep.equal([]);
  });

  describe('refuses', () => {
    const refused: [what: string, use: () => unknown, words: RegExp][] = [
      ['the call of a legacy decorator', () => legacyUse({}, 'm', {}), /remove experimentalDecorators/],
      ['a legacy decorator on a static method', () => legacyUse(class {}, 'm', {}), /experimentalDecorators/],
      ['a getter', () => legacyUse(() => 1, { kind: 'getter', name: 'g' }), /decorates a getter/],
      ['an unknown event', () => audited({ ...inference, eventType: 'EVENT_X' as never }), /eventType: got/],
      ['no resource', () => audited({ ...inference, resource: '' }), /resource: got an empty string/],
      ['an unknown option', () => audited({ ...inference, tags: [] } as never), /audited.tags: unknown/],
      ['an unknown severity', () => audited({ ...inference, severity: 'X' as never }), /severity: got/],
      ['data of another type', () => audited({ ...inference, data: 7 as never }), /data: got number/],
      ['what is no function', () => audit(inference, 7 as never), /audit: got number/],
    ];
    for (const [what, use, words] of refused)
      it(what, () => {
        expect(use).to.throw(ConfigError, words);
      });
  });
});
