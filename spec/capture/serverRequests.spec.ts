import { expect } from 'chai';
import { Client, SdkError, type ClientOptions } from '@modelcontextprotocol/client';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV2, type Era } from '../support/fullServerV2.js';

const CAPABILITIES = { elicitation: {}, sampling: {}, roots: {} };

/** A client that answers every question with these answers. */
function answering(answers: Record<string, (client: Client) => unknown>) {
  return (options: ClientOptions): Client => {
    const client = new Client(
      { name: 'agent', version: '1.2.3' },
      { ...options, capabilities: CAPABILITIES },
    );
    for (const [method, answer] of Object.entries(answers))
      client.setRequestHandler(method as 'roots/list', () => answer(client) as never);
    return client;
  };
}

const elicit = (answer: (client: Client) => unknown) => answering({ 'elicitation/create': answer });

for (const era of ['legacy', 'modern'] as const satisfies Era[]) {
  describe(`what a server asks of its client, SDK v2, ${era} era`, () => {
    for (const [action, outcome, type] of [
      ['accept', 'OUTCOME_SUCCESS', undefined],
      ['decline', 'OUTCOME_FAILURE_DENIED', 'decline'],
      ['cancel', 'OUTCOME_FAILURE_DENIED', 'cancel'],
    ] as const) {
      it(`records that an elicitation was answered with ${action}, and nothing of the answer`, async () => {
        const content = action === 'accept' ? { content: { yes: true, note: 'canary' } } : {};
        const { client, connect } = fullPairV2(era, { makeClient: elicit(() => ({ action, ...content })) });
        const sink = audited(client);
        await connect();
        await client.callTool({ name: 'consent' });
        const record = sink.only('elicitation/create');
        expect(record).to.include({
          event_type: 'EVENT_AGENT_DECISION',
          resource: 'elicitation/create',
          outcome,
        });
        expect(record.mcp?.decision).to.equal(action);
        expect(record.error?.type).to.equal(type);
        expect(record.mcp?.tool_arguments).to.include({ message: 'May I?' });
        expect(JSON.stringify(record)).not.to.include('canary');
        const call = sink.only('tools/call');
        expect(call.outcome).to.equal('OUTCOME_SUCCESS');
        expect(record).to.include({ trace_id: call.trace_id, parent_span_id: call.span_id });
      });
    }

    it('records sampling with what was asked, but neither question nor answer', async () => {
      const answer = { role: 'assistant', model: 'm', content: { type: 'text', text: 'canary answer' } };
      const makeClient = answering({ 'sampling/createMessage': () => answer });
      const { client, connect } = fullPairV2(era, { makeClient });
      const sink = audited(client);
      await connect();
      await client.callTool({ name: 'sample' });
      const record = sink.only('sampling/createMessage');
      expect(record).to.include({ event_type: 'EVENT_MODEL_INFERENCE', outcome: 'OUTCOME_SUCCESS' });
      expect(record.mcp?.tool_arguments).to.include({ maxTokens: 7, messages: 1 });
      expect(record.mcp?.decision).to.equal('accept');
      expect(JSON.stringify(record)).not.to.include('canary');
    });

    it('records the answer where outputs are on', async () => {
      const makeClient = elicit(() => ({ action: 'accept', content: { yes: true } }));
      const { client, connect } = fullPairV2(era, { makeClient });
      const sink = audited(client, { includeOutputs: true });
      await connect();
      await client.callTool({ name: 'consent' });
      expect(sink.only('elicitation/create').mcp?.tool_result).to.deep.include({ content: { yes: true } });
    });

    it('takes a rejected sampling request (code -1) for a refusal, and other errors for errors', async () => {
      for (const [code, outcome] of [
        [-1, 'OUTCOME_FAILURE_DENIED'],
        [-32603, 'OUTCOME_FAILURE_ERROR'],
      ] as const) {
        const refuse = () => {
          throw Object.assign(new Error('no'), { code });
        };
        const makeClient = answering({ 'sampling/createMessage': refuse });
        const { client, connect } = fullPairV2(era, { makeClient });
        const sink = audited(client);
        await connect();
        await rejection(client.callTool({ name: 'sample' }));
        expect(sink.only('sampling/createMessage')).to.include({ outcome });
        expect(sink.only('sampling/createMessage').error?.type).to.equal(String(code));
      }
    });

    it('records roots', async () => {
      const roots = [{ uri: 'file:///canary' }];
      const { client, connect } = fullPairV2(era, {
        makeClient: answering({ 'roots/list': () => ({ roots }) }),
      });
      const sink = audited(client);
      await connect();
      await client.callTool({ name: 'roots' });
      expect(sink.only('roots/list')).to.include({
        event_type: 'EVENT_RESOURCE_ACCESS',
        resource: 'roots/list',
      });
      expect(JSON.stringify(sink.records)).not.to.include('canary');
    });

    it('makes calls inside a handler operations of their own, in its trace', async () => {
      const makeClient = elicit(async (client) => {
        await client.callTool({ name: 'echo', arguments: { message: 'from the handler' } });
        await client.request({ method: 'tools/list' });
        return { action: 'decline' };
      });
      const { client, connect } = fullPairV2(era, { makeClient });
      const sink = audited(client);
      await connect();
      await client.callTool({ name: 'consent' });
      expect(sink.records.map(({ resource }) => resource)).to.have.members([
        'session/initialize',
        'tools/echo',
        'tools/list',
        'elicitation/create',
        'tools/consent',
      ]);
      const outer = sink.records.find(({ resource }) => resource === 'tools/consent');
      const legs = era === 'modern' ? ['tools/call', 'tools/call'] : undefined;
      expect(outer?.mcp?.legs?.map(({ method }) => method)).to.deep.equal(legs);
    });

    it('records a question that the client has no handler for', async () => {
      const { client, connect } = fullPairV2(era, { capabilities: CAPABILITIES });
      const sink = audited(client);
      await connect();
      await rejection(client.callTool({ name: 'roots' }));
      expect(sink.only('roots/list')).to.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
      const type = era === 'modern' ? 'CAPABILITY_NOT_SUPPORTED' : '-32601';
      expect(sink.only('roots/list').error?.type).to.equal(type);
    });

    it('leaves nothing hanging when the connection goes while a handler is at work', async () => {
      const { client, connect, hangUp } = fullPairV2(era, {
        makeClient: elicit(() => new Promise(() => undefined)),
      });
      const sink = audited(client);
      await connect();
      const call = rejection(client.callTool({ name: 'consent' }));
      await settled();
      await hangUp();
      if (era === 'legacy') expect(await call).to.be.instanceOf(SdkError);
      await settled();
      expect(sink.only('elicitation/create')).to.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
      expect(sink.only('elicitation/create').error?.type).to.equal('connection_closed');
      expect(sink.only('close').error?.type).to.equal('connection_closed');
    });
  });
}

describe('what a server asks out of turn, SDK v2', () => {
  it('is ended when the server takes it back', async () => {
    const { client, server, connect } = fullPairV2('legacy', {
      makeClient: elicit(() => new Promise(() => undefined)),
    });
    const sink = audited(client);
    await connect();
    const withdraw = new AbortController();
    const asking = rejection(
      server.server.elicitInput(
        { message: 'Well?', requestedSchema: { type: 'object', properties: {} } },
        { signal: withdraw.signal },
      ),
    );
    await settled();
    withdraw.abort();
    await asking;
    await settled();
    expect(sink.only('elicitation/create').error?.type).to.equal('cancelled');
    expect(sink.only('elicitation/create')).not.to.have.property('parent_span_id');
  });

  it('is no record where it is a ping, and one where the client cannot serve it', async () => {
    const { client, server, connect } = fullPairV2('legacy');
    const sink = audited(client);
    await connect();
    await server.server.ping();
    await rejection(server.server.listRoots());
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal(['session/initialize', 'roots/list']);
    expect(sink.only('roots/list').error?.type).to.equal('-32601');
  });

  it('is dropped in the modern era, and on record as such', async () => {
    const { client, transport, connect } = fullPairV2('modern');
    const sink = audited(client);
    await connect();
    transport.onmessage?.({ jsonrpc: '2.0', id: 7, method: 'roots/list' });
    await settled();
    expect(sink.only('roots/list')).to.deep.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
    expect(sink.only('roots/list').error?.type).to.equal('not_served');
  });
});
