import { AsyncLocalStorage } from 'node:async_hooks';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import type { AuditOptions } from '../lib/config.js';
import { RefusedError } from '../lib/errors.js';
import { actorFromBaggage, actorFromSpan, type ActorQuestion } from '../lib/identity.js';
import { withLogging } from '../lib/withLogging.js';
import { pair } from './support/inMemory.js';
import { MemorySink } from './support/memorySink.js';
import { sha256 } from './support/sha256.js';

const environment = 'test';

function wrapped(options: Partial<AuditOptions>) {
  const sink = new MemorySink();
  const made = pair();
  withLogging(made.client, { sink, environment, onError: () => undefined, ...options });
  return { sink, ...made };
}

const echo = { name: 'echo', arguments: {} };

describe('the actor', () => {
  it('is asked for in the context of each caller, so that one client serves many users', async () => {
    const user = new AsyncLocalStorage<string>();
    const { client, connect, sink } = wrapped({ actorId: () => user.getStore() });
    await connect();
    await Promise.all(
      ['ann', 'bob', 'eve'].map((name) =>
        user.run(name, () => client.callTool({ name: 'echo', arguments: { message: name } })),
      ),
    );
    const seen = sink.of('tools/call').map(({ actor_id, mcp }) => [actor_id, mcp?.tool_arguments]);
    expect(seen).to.have.deep.members(['ann', 'bob', 'eve'].map((name) => [name, { message: name }]));
    expect(sink.only('initialize').actor_id).to.equal(sink.only('initialize').session_id);
  });

  it('is asked for with what is known of the operation', async () => {
    const questions: ActorQuestion[] = [];
    const { client, connect, sink } = wrapped({
      actorId: (question) => {
        questions.push(question);
        return 'someone';
      },
    });
    await connect();
    await client.callTool(echo);
    expect(questions.map(({ method, resource, serverName }) => [method, resource, serverName])).to.deep.equal(
      [
        ['initialize', 'session/initialize', undefined],
        ['tools/call', 'tools/echo', 'fixture'],
      ],
    );
    expect(questions[1]).to.include({ toolName: 'echo', sessionId: sink.only('tools/call').session_id });
  });

  it('may bring its type and its tenant', async () => {
    const { client, connect, sink } = wrapped({
      actorId: ({ toolName }) =>
        toolName === undefined ? 'machine' : { id: 'ann', type: 'user', tenantId: 'acme' },
      actorType: 'service',
      tenantId: 'house',
    });
    await connect();
    await client.callTool(echo);
    expect(sink.only('initialize')).to.include({
      actor_id: 'machine',
      actor_type: 'service',
      tenant_id: 'house',
    });
    expect(sink.only('tools/call')).to.include({ actor_id: 'ann', actor_type: 'user', tenant_id: 'acme' });
  });

  it('acts on behalf of another, by an authority, where the function or the option says so', async () => {
    const authority = { type: 'approval', id: 'CHG-1', issuer: 'ops' };
    const { client, connect, sink } = wrapped({
      actorId: ({ toolName }) =>
        toolName === undefined
          ? 'robot'
          : {
              id: 'robot',
              onBehalfOf: 'ann',
              authority: { ...authority, secret: 'canary' } as typeof authority,
            },
      onBehalfOf: 'the house',
    });
    await connect();
    await client.callTool(echo);
    expect(sink.only('initialize')).to.include({ actor_id: 'robot', on_behalf_of: 'the house' });
    expect(sink.only('initialize')).not.to.have.property('authority');
    expect(sink.only('tools/call')).to.deep.include({ actor_id: 'robot', on_behalf_of: 'ann', authority });
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });

  const wrong: [what: string, actorId: () => unknown, words: RegExp][] = [
    ['throws', () => expect.fail('no'), /the actorId function threw/],
    ['gives a promise', () => Promise.reject(new Error('late')), /a promise; the actor must be known/],
    ['gives an object without an id', () => ({ name: 'ann' }), /Object without an id/],
    ['gives an unknown type', () => ({ id: 'ann', type: 'robot' }), /an unknown actor type/],
    ['gives a wrong principal', () => ({ id: 'ann', onBehalfOf: '' }), /empty string as onBehalfOf/],
    ['gives a wrong authority', () => ({ id: 'ann', authority: { type: 7 } }), /an authority that is no/],
    ['gives a wrong tenant', () => ({ id: 'ann', tenantId: 7 }), /number as tenantId/],
  ];
  for (const [what, actorId, words] of wrong) {
    it(`is the session, and the mistake is reported, where the function ${what}`, async () => {
      const errors: Error[] = [];
      const { client, connect, sink } = wrapped({
        actorId: actorId as () => string,
        onError: (error) => errors.push(error),
      });
      await connect();
      await client.callTool(echo);
      const record = sink.only('tools/call');
      expect(record.actor_id).to.equal(record.session_id);
      expect(errors).to.have.length(2);
      expect(errors[0]).to.have.property('message').that.matches(words);
    });
  }

  describe('that is required', () => {
    it('refuses the operation before the wire and puts the attempt on record', async () => {
      let actor: string | undefined = 'ann';
      const { client, connect, sink, received } = wrapped({ actorId: () => actor, requireActor: true });
      await connect();
      actor = undefined;
      const before = received.length;
      let refusal: unknown;
      await client.callTool(echo).catch((error: unknown) => (refusal = error));
      expect(refusal).to.be.instanceOf(RefusedError);
      expect(refusal).to.include({ code: 'MCP_LOG_ERR_ACTOR_REQUIRED', reason: 'actor_required' });
      expect(received).to.have.length(before);
      const record = sink.only('tools/call');
      expect(record).to.include({ outcome: 'OUTCOME_FAILURE_DENIED', severity: 'SEVERITY_WARNING' });
      expect(record.error?.type).to.equal('actor_required');
      expect(record.actor_id).to.equal(record.session_id);
    });

    it('does not keep a session from being closed', async () => {
      let actor: string | undefined = 'ann';
      const { client, connect, sink } = wrapped({ actorId: () => actor, requireActor: true });
      await connect();
      actor = undefined;
      await client.close();
      expect(sink.only('close')).to.include({ outcome: 'OUTCOME_SUCCESS' });
    });
  });

  describe('from OpenTelemetry', () => {
    const provider = new BasicTracerProvider();

    before(() => {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    });
    after(() => {
      context.disable();
      return provider.shutdown();
    });

    it('is read from baggage', async () => {
      const { client, connect, sink } = wrapped({ actorId: actorFromBaggage('enduser.id') });
      const baggage = propagation.createBaggage({ 'enduser.id': { value: 'ann' } });
      await connect();
      await context.with(propagation.setBaggage(context.active(), baggage), () => client.callTool(echo));
      await client.callTool(echo);
      const [first, second] = sink.of('tools/call');
      expect(first?.actor_id).to.equal('ann');
      expect(second?.actor_id).to.equal(second?.session_id);
    });

    it('is read from an attribute of the active span', async () => {
      const { client, connect, sink } = wrapped({ actorId: actorFromSpan('user.id') });
      await connect();
      const span = provider.getTracer('test').startSpan('request', { attributes: { 'user.id': 'bob' } });
      await context.with(trace.setSpan(context.active(), span), () => client.callTool(echo));
      expect(sink.only('tools/call')).to.include({
        actor_id: 'bob',
        parent_span_id: span.spanContext().spanId,
      });
    });
  });
});

describe('the server', () => {
  it("is marked as self-reported where a session is opened, and keeps the session's id for the logout", async () => {
    const { client, connect, sink, transport } = wrapped({});
    await connect();
    transport.sessionId = 'session-of-the-protocol';
    await client.callTool(echo);
    delete transport.sessionId;
    await client.close();
    expect(sink.only('initialize').mcp).to.include({ server_identity: 'self-reported' });
    const shown = `sha256:${sha256('session-of-the-protocol')}`;
    expect(sink.only('close')).to.include({ session_id: shown });
  });
});
