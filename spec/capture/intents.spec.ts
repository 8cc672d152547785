import { expect } from 'chai';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { AuditUnavailableError } from '../../lib/errors.js';
import type { McpClientLike } from '../../lib/capture/client.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { withLogging } from '../../lib/withLogging.js';
import { rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { MemorySink } from '../support/memorySink.js';
import { SERVED } from '../support/servedPair.js';

/** A sink that vouches for what it takes, and may be full. */
class StrictSink extends MemorySink {
  isFull = false;

  override emit(records: readonly AuditRecord[]): void | Promise<void> {
    if (this.isFull) throw new Error('full');
    super.emit(records);
  }

  requireAck(): void {
    return;
  }

  stagesOf(method: string): (string | undefined)[] {
    return this.of(method).map(({ stage }) => stage);
  }
}

/** A strict sink that can be made to wait before it takes records. */
class HeldSink extends StrictSink {
  isAsked: Promise<void> = Promise.resolve();
  #asked = (): void => undefined;
  #held: Promise<void> | undefined;
  #release = (): void => undefined;

  hold(): void {
    this.isAsked = new Promise((resolve) => (this.#asked = resolve));
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
  }

  override async emit(records: readonly AuditRecord[]): Promise<void> {
    this.#asked();
    await this.#held;
    super.emit(records);
  }
}

const STRICT = { environment: 'test', mode: 'blocking-strict', onError: () => undefined } as const;
const QUESTION = { message: 'Well?', requestedSchema: { type: 'object' as const, properties: {} } };
const BOTH = ['request_received', undefined];

describe('in mode blocking-strict', () => {
  it('a question of the server waits for its intent, and without one is turned away', async () => {
    const { client, server, connect } = fullPairV1({ capabilities: { elicitation: {} } });
    const sink = new StrictSink();
    withLogging(client, { sink, ...STRICT });
    const stages: unknown[] = [];
    client.setRequestHandler(ElicitRequestSchema, () => {
      stages.push(sink.stagesOf('elicitation/create'));
      return { action: 'decline' };
    });
    await connect();
    await server.elicitInput(QUESTION);
    await settled();
    expect(stages).to.deep.equal([['request_received']]);
    expect(sink.stagesOf('elicitation/create')).to.deep.equal(BOTH);

    sink.isFull = true;
    const refusal = await rejection(server.elicitInput(QUESTION));
    expect(refusal).to.have.property('code', -32603);
    expect(stages).to.have.length(1);
  });

  it('a stream waits for its intent before the first request, and without one sends nothing', async () => {
    const { client, connect, received } = fullPairV1();
    const sink = new StrictSink();
    withLogging(client, { sink, ...STRICT });
    await connect();
    for await (const message of client.experimental.tasks.callToolStream({ name: 'echo' }))
      expect(message.type).to.equal('result');
    expect(sink.stagesOf('tools/call')).to.deep.equal(BOTH);

    sink.isFull = true;
    const sent = received.length;
    const stream = client.experimental.tasks.callToolStream({ name: 'echo' });
    expect(await rejection(stream.next())).to.be.instanceOf(AuditUnavailableError);
    expect(await stream.next()).to.have.property('done', true);
    expect(received).to.have.length(sent);
  });

  it('a question inside a result waits for its intent too (v2)', async () => {
    const { client, connect } = fullPairV2('modern', { capabilities: { elicitation: {} } });
    const sink = new StrictSink();
    withLogging(client, { sink, ...STRICT });
    let stages: unknown;
    client.setRequestHandler('elicitation/create', () => {
      stages = sink.stagesOf('elicitation/create');
      return { action: 'decline' };
    });
    await connect();
    await client.callTool({ name: 'consent' });
    await settled();
    expect(stages).to.deep.equal(['request_received']);
    expect(sink.stagesOf('elicitation/create')).to.deep.equal(BOTH);
    expect(sink.stagesOf('tools/call')).to.deep.equal(BOTH);
  });

  for (const [sdk, pairOf] of Object.entries(SERVED))
    it(`a server does not run the handler of a request that was cancelled while its intent was written, SDK ${sdk}`, async () => {
      let ran = false;
      const { client, server, connect } = pairOf(() => (ran = true));
      const sink = new HeldSink();
      withLogging(server as unknown as McpClientLike, { sink, ...STRICT });
      await connect();
      const cancelling = new AbortController();
      sink.hold();
      const options = { signal: cancelling.signal };
      const params = { name: 'echo', arguments: { message: 'hello' } };
      const call = client.callTool(params, ...(sdk === 'v1' ? [undefined, options] : [options]));
      call.catch(() => undefined);
      await sink.isAsked;
      cancelling.abort();
      await settled();
      sink.release();
      await settled();
      expect(ran).to.equal(false);
      expect(sink.stagesOf('tools/call')).to.deep.equal(BOTH);
      expect(sink.of('tools/call').at(-1)?.error).to.have.property('type', 'cancelled');
    });
});
