import { expect } from 'chai';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV2 } from '../support/fullServerV2.js';

describe('subscriptions of SDK v2', () => {
  const FILTER = { resourceSubscriptions: ['note://1'] };

  const start = async () => {
    const pair = fullPairV2('modern');
    const sink = audited(pair.client);
    await pair.connect();
    return { ...pair, sink, subscription: await pair.client.listen(FILTER) };
  };

  it('are on record once they end, closed by the client', async () => {
    const { client, sink, subscription } = await start();
    await client.listTools();
    expect(sink.of('subscriptions/listen')).to.have.length(0);
    await subscription.close();
    await settled();
    const record = sink.only('subscriptions/listen');
    expect(record).to.include({
      event_type: 'EVENT_CONTEXT_ACCESS',
      resource: 'note://1',
      outcome: 'OUTCOME_SUCCESS',
    });
    expect(record.mcp).to.include({ ended_by: 'client', request_id: 'listen:0' });
  });

  it('are closed by the client that closes', async () => {
    const { client, sink } = await start();
    await client.close();
    await settled();
    expect(sink.only('subscriptions/listen').mcp?.ended_by).to.equal('client');
    expect(sink.only('close').outcome).to.equal('OUTCOME_SUCCESS');
  });

  it('are closed by the server in good order', async () => {
    const { transport, sink, subscription } = await start();
    transport.onmessage?.({ jsonrpc: '2.0', id: 'listen:0', result: {} });
    expect(await subscription.closed).to.equal('graceful');
    await settled();
    expect(sink.only('subscriptions/listen')).to.include({ outcome: 'OUTCOME_SUCCESS' });
    expect(sink.only('subscriptions/listen').mcp?.ended_by).to.equal('server');
  });

  it('break off with the connection', async () => {
    const { sink, hangUp } = await start();
    await hangUp();
    await settled();
    expect(sink.only('subscriptions/listen')).to.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
    expect(sink.only('subscriptions/listen').mcp?.ended_by).to.equal('remote');
    expect(sink.only('subscriptions/listen').error?.type).to.equal('connection_closed');
  });

  it('fail where they are refused', async () => {
    const { client, connect } = fullPairV2('legacy');
    const sink = audited(client);
    await connect();
    await rejection(client.listen({ toolsListChanged: true }));
    expect(sink.only('subscriptions/listen')).to.deep.include({
      resource: 'subscriptions/listen',
      outcome: 'OUTCOME_FAILURE_ERROR',
    });
    expect(sink.only('subscriptions/listen').mcp?.served_from).to.equal('local');
  });

  it('are operations of their own where a login opens them', async () => {
    const { client, connect } = fullPairV2('modern', {
      listChanged: { tools: { onChanged: () => undefined } },
    });
    const sink = audited(client);
    await connect();
    await client.autoOpenedSubscription?.close();
    await settled();
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal([
      'session/initialize',
      'subscriptions/listen',
    ]);
  });
});
