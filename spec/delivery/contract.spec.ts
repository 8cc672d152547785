import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect } from 'chai';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import type { AuditOptions } from '../../lib/config.js';
import { audit } from '../../lib/decorators/audited.js';
import { AuditUnavailableError, SinkError } from '../../lib/errors.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { rejection } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { ScriptedSink, until } from '../support/scriptedSink.js';

/** An operation that is on record, however that came about. */
interface Operation {
  run(): Promise<unknown>;
  /** How often it was carried out. */
  readonly times: () => number;
  readonly result: unknown;
  flush(): Promise<void>;
  end(): Promise<void>;
}

const RESULT = { content: [{ type: 'text', text: 'said hello' }] };

async function calls(options: AuditOptions, prepare: (client: Client) => Client): Promise<Operation> {
  const { client, connect, received } = pair(() => prepare(new Client({ name: 'agent', version: '1.0.0' })));
  const log = auditLogOf(client) ?? new AuditSpanProcessor(options).enable();
  await connect();
  return {
    run: () => client.callTool({ name: 'echo', arguments: { message: 'hello' } }),
    times: () => received.filter((message) => 'method' in message && message.method === 'tools/call').length,
    result: RESULT,
    flush: () => log.forceFlush(),
    end: () => log.shutdown().catch(() => undefined),
  };
}

const ways: Record<string, (options: AuditOptions) => Promise<Operation>> = {
  'a wrapped client': (options) => calls(options, (client) => withLogging(client, options)),
  'an instrumented client': (options) => {
    // A class of its own, so that the patch does not outlive the test.
    class Instrumented extends Client {}
    instrumentClient(Instrumented);
    return calls(options, () => new Instrumented({ name: 'agent', version: '1.0.0' }));
  },
  'a decorated function': async (options) => {
    const log = new AuditSpanProcessor(options);
    let times = 0;
    const work = audit(
      { name: 'decide', eventType: 'EVENT_AGENT_DECISION', resource: 'plans/one' },
      async () => {
        times++;
        return RESULT;
      },
    );
    return {
      run: () => work(),
      times: () => times,
      result: RESULT,
      flush: () => log.forceFlush(),
      end: () => log.shutdown().catch(() => undefined),
    };
  },
};

for (const [way, begin] of Object.entries(ways)) {
  describe(`the failure contract: ${way}`, () => {
    let sink: ScriptedSink;
    let errors: Error[];
    let operation: Operation;

    async function start(over: Partial<AuditOptions>): Promise<void> {
      sink = new ScriptedSink('broken');
      errors = [];
      operation = await begin({ sink, environment: 'test', onError: (error) => errors.push(error), ...over });
      await operation.flush();
    }
    afterEach(async () => {
      disableSource(defaultSource);
      // A shutdown waits for what is to be delivered.
      sink.then = 'take';
      await operation.end();
    });

    const ofOperation = () => sink.records.filter(({ resource }) => /echo|plans/.test(resource));

    it('blocking: rejects with what the operation came to, which ran once', async () => {
      await start({ mode: 'blocking' });
      sink.then = 'permanent';
      const error = await rejection(operation.run());
      expect(error).to.be.instanceOf(SinkError).and.include({ code: 'MCP_LOG_ERR_SINK', sink: 'broken' });
      expect((error as SinkError).operation).to.deep.equal({ status: 'fulfilled', value: operation.result });
      expect(String(error)).not.to.include('secret-canary');
      expect(operation.times()).to.equal(1);
    });

    it('blocking-strict: does nothing whose intent is not on the log, and says so', async () => {
      await start({ mode: 'blocking-strict' });
      sink.then = 'permanent';
      const error = await rejection(operation.run());
      expect(error).to.be.instanceOf(AuditUnavailableError).and.include({ code: 'MCP_LOG_ERR_UNAVAILABLE' });
      expect(String(error)).not.to.include('secret-canary');
      expect(operation.times()).to.equal(0);
    });

    it('blocking-strict: gives the result when only the completion failed, and refuses the next until it is on the log', async () => {
      await start({ mode: 'blocking-strict', exportTimeoutMillis: 300 });
      sink.steps.push('take');
      sink.then = 'retryable';
      expect(await operation.run()).to.deep.equal(operation.result);
      expect(await rejection(operation.run())).to.be.instanceOf(AuditUnavailableError);
      sink.then = 'take';
      await operation.flush();
      expect(await operation.run()).to.deep.equal(operation.result);
      expect(operation.times()).to.equal(2);
      await operation.flush();
      expect(ofOperation().map(({ stage, outcome, error }) => [stage ?? outcome, error?.code])).to.deep.equal(
        [
          ['request_received', undefined],
          ['OUTCOME_SUCCESS', undefined],
          // What was refused has no intent, but the attempt is on record.
          ['OUTCOME_FAILURE_ERROR', 'MCP_LOG_ERR_UNAVAILABLE'],
          ['request_received', undefined],
          ['OUTCOME_SUCCESS', undefined],
        ],
      );
    });

    it('batch: gives the result, tells onError, and tells of the loss in the log', async () => {
      await start({ mode: 'batch', scheduledDelayMillis: 1 });
      sink.then = 'permanent';
      expect(await operation.run()).to.deep.equal(operation.result);
      await until(() => errors.length > 0);
      sink.then = 'take';
      expect(await operation.run()).to.deep.equal(operation.result);
      await until(() => ofOperation().length > 0);
      expect(operation.times()).to.equal(2);
      const gap = sink.records.find(({ resource }) => resource === 'audit/gap');
      expect(gap?.data).to.include({ count: 1, sink: 'broken' });
      expect(ofOperation().map(({ outcome }) => outcome)).to.deep.equal(['OUTCOME_SUCCESS']);
    });
  });
}
