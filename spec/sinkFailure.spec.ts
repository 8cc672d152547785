import { expect } from 'chai';
import { SinkError } from '../lib/errors.js';
import type { AuditRecord } from '../lib/schema/record.js';
import { withLogging } from '../lib/withLogging.js';
import { pair } from './support/inMemory.js';

/** A sink that takes the handshake and then fails, as a full disk would. */
function failingSink() {
  const seen: AuditRecord[] = [];
  let broken = false;
  return {
    seen,
    breakNow: () => (broken = true),
    name: 'broken',
    emit: (records: readonly AuditRecord[]) => {
      seen.push(...records);
      if (broken) throw new Error('disk on fire');
    },
  };
}

async function failureOf(promise: Promise<unknown>): Promise<SinkError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SinkError) return error;
    throw error;
  }
  throw new Error('expected a SinkError');
}

describe('a sink that fails', () => {
  it('[attack 39] rejects with the outcome of the operation, which ran once and is not recorded as failed', async () => {
    const sink = failingSink();
    const { client, connect, received } = pair();
    withLogging(client, { sink, environment: 'test', onError: () => undefined });
    await connect();
    sink.breakNow();
    const error = await failureOf(client.callTool({ name: 'echo', arguments: { message: 'paid' } }));

    expect(error).to.deep.include({ code: 'MCP_LOG_ERR_SINK', sink: 'broken' });
    expect(error.operation).to.deep.equal({
      status: 'fulfilled',
      value: { content: [{ type: 'text', text: 'said paid' }] },
    });
    expect(
      received.filter((message) => 'method' in message && message.method === 'tools/call'),
    ).to.have.length(1);
    expect(sink.seen.at(-1)?.outcome).to.equal('OUTCOME_SUCCESS');
  });

  it("carries the operation's own failure as well", async () => {
    const sink = failingSink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment: 'test', onError: () => undefined });
    await connect();
    sink.breakNow();
    const error = await failureOf(client.readResource({ uri: 'note://missing' }));
    expect(error.operation?.status).to.equal('rejected');
    expect((error.operation as PromiseRejectedResult).reason)
      .to.be.instanceOf(Error)
      .with.property('code', -32602);
  });

  it('gives callers whose records shared a batch an error each, with their own outcome', async () => {
    const sink = failingSink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment: 'test', onError: () => undefined });
    await connect();
    sink.breakNow();
    const errors = await Promise.all(
      ['a', 'b', 'c'].map((message) => failureOf(client.callTool({ name: 'echo', arguments: { message } }))),
    );
    const texts = errors.map(({ operation }) => {
      const { value } = operation as PromiseFulfilledResult<{ content: { text: string }[] }>;
      return value.content[0]?.text;
    });
    expect(texts).to.deep.equal(['said a', 'said b', 'said c']);
  });
});
