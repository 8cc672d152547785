import { expect } from 'chai';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { AuditUnavailableError } from '../../lib/errors.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { withLogging } from '../../lib/withLogging.js';
import { rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { MemorySink } from '../support/memorySink.js';

/** A sink that vouches for what it takes, and may be full. */
class StrictSink extends MemorySink {
  isFull = false;

  override emit(records: readonly AuditRecord[]): void {
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
});
