import { expect } from 'chai';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { instrumentClient } from '../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../lib/capture/tracing.js';
import { ConfigError } from '../lib/errors.js';
import { AuditSpanProcessor } from '../lib/processor/processor.js';
import { withLogging } from '../lib/withLogging.js';
import { pair } from './support/inMemory.js';
import { MemorySink } from './support/memorySink.js';
import { everythingOverStdio } from './support/servers.js';

const environment = 'test';

describe('withLogging', () => {
  it('records the eight operations of a real server over stdio, one record each', async () => {
    const sink = new MemorySink();
    const client = withLogging(new Client({ name: 'agent', version: '1.0.0' }), { sink, environment });
    await client.connect(everythingOverStdio());
    await client.listTools();
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
    const { resources } = await client.listResources();
    await client.readResource({ uri: resources[0]!.uri });
    await client.listPrompts();
    await client.getPrompt({ name: 'simple-prompt' });
    await client.close();

    expect(sink.records.map(({ event_type, resource }) => [event_type, resource])).to.deep.equal([
      ['EVENT_LOGIN', 'session/initialize'],
      ['EVENT_TOOL_INVOCATION', 'tools/list'],
      ['EVENT_TOOL_INVOCATION', 'tools/echo'],
      ['EVENT_RESOURCE_ACCESS', 'resources/list'],
      ['EVENT_CONTEXT_ACCESS', resources[0]!.uri],
      ['EVENT_PROMPT_EXECUTION', 'prompts/list'],
      ['EVENT_PROMPT_EXECUTION', 'prompts/simple-prompt'],
      ['EVENT_LOGOUT', 'session/close'],
    ]);
    expect(sink.records.every(({ outcome }) => outcome === 'OUTCOME_SUCCESS')).to.equal(true);
    expect(sink.records.map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('puts on each record who, when, how long, what and to whom', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    withLogging(client, {
      sink,
      environment,
      actorId: 'agent-7',
      actorType: 'service',
      component: 'billing',
      policyTags: ['pci'],
      defaultSensitivity: 'SENSITIVITY_RESTRICTED',
      sessionId: 'session-9',
    });
    const before = Date.now();
    await connect();
    await client.callTool({ name: 'echo', arguments: { message: 'hello' } });

    const record = sink.only('tools/call');
    expect(record).to.deep.include({
      actor_id: 'agent-7',
      actor_type: 'service',
      component: 'billing',
      environment,
      policy_tags: ['pci'],
      sensitivity: 'SENSITIVITY_RESTRICTED',
      session_id: 'session-9',
      severity: 'SEVERITY_INFO',
      client_id: 'agent',
      client_version: '1.2.3',
      server_id: 'fixture',
      server_version: '4.5.6',
      otel_operation_name: 'execute_tool',
      message: 'Called tool echo.',
    });
    expect(record.mcp).to.deep.include({
      tool_name: 'echo',
      tool_arguments: { message: 'hello' },
      request_id: '1',
    });
    expect(record.mcp).not.to.have.property('tool_result');
    expect(record.correlation_id)
      .to.equal(record.trace_id)
      .and.to.match(/^(?!0+$)[0-9a-f]{32}$/);
    expect(record.span_id).to.match(/^(?!0+$)[0-9a-f]{16}$/);
    expect(record.record_id).to.match(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(Date.parse(record.time)).to.be.within(before, Date.now());
    expect(record.duration_ms).to.be.at.least(0);
  });

  it('gives back the very same client, unchanged to look at', async () => {
    const { client, connect } = pair();
    const keys = Reflect.ownKeys(client);
    const same: Client = withLogging(client, { sink: new MemorySink(), environment });
    expect(same).to.equal(client);
    expect(Reflect.ownKeys(client)).to.deep.equal(keys);
    await connect();
    expect(client).to.be.instanceOf(Client);
    expect(client.callTool.name).to.equal('callTool');
    expect(client.callTool.length).to.equal(1);
  });

  it('takes a client that is connected already', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    await connect();
    withLogging(client, { sink, environment });
    await client.callTool({ name: 'echo', arguments: {} });
    await client.close();
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal(['tools/echo', 'session/close']);
    expect(sink.only('tools/call').mcp?.request_id).to.equal('1');
    expect(sink.only('tools/call').server_id).to.equal('fixture');
  });

  it('leaves other clients of the same class alone', async () => {
    const sink = new MemorySink();
    const [wrapped, bare] = [pair(), pair()];
    withLogging(wrapped.client, { sink, environment });
    await wrapped.connect();
    await bare.connect();
    await bare.client.listTools();
    expect(sink.records.map(({ resource }) => resource)).to.deep.equal(['session/initialize']);
  });

  it('makes one record of an operation, also where the client is instrumented besides', async () => {
    const [own, everyone] = [new MemorySink(), new MemorySink()];
    const processor = new AuditSpanProcessor({ sink: everyone, environment }).enable();
    try {
      const { client, connect } = pair(
        () => new (instrumentClient(class extends Client {}))({ name: 'a', version: '1' }),
      );
      withLogging(client, { sink: own, environment });
      await connect();
      await client.listTools();
      await client.close();
      expect(own.records.map(({ resource }) => resource)).to.deep.equal([
        'session/initialize',
        'tools/list',
        'session/close',
      ]);
      expect(everyone.records).to.have.length(0);
    } finally {
      disableSource(defaultSource);
      await processor.shutdown();
    }
  });

  it('records one logout, for a lost transport and for close() alike', async () => {
    const sink = new MemorySink();
    const { client, connect, server } = pair();
    withLogging(client, { sink, environment });
    await connect();
    await server.close();
    await client.close();
    expect(sink.only('close')).to.deep.include({
      event_type: 'EVENT_LOGOUT',
      outcome: 'OUTCOME_FAILURE_ERROR',
    });
    expect(sink.only('close').error?.type).to.equal('connection_closed');
  });

  it('does not take the failed handshake for a logout', async () => {
    const sink = new MemorySink();
    const { client, transport } = pair();
    withLogging(client, { sink, environment });
    transport.send = () => Promise.reject(new Error('unreachable'));
    let failure: unknown;
    await client.connect(transport).catch((error: unknown) => (failure = error));
    expect(failure).to.be.instanceOf(Error).with.property('message', 'unreachable');
    expect(sink.records.map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
      ['session/initialize', 'OUTCOME_FAILURE_ERROR'],
    ]);
  });

  it('hides secrets by default, and those of redactPatterns, without touching the caller', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment, redactPatterns: ['colour', /token$/i] });
    await connect();
    const args = { message: 'm', password: 'p1', deep: [{ colour: 'c1', myToken: 't1', PASSWORD: 42 }] };
    const copy = structuredClone(args);
    await client.callTool({ name: 'echo', arguments: args });
    expect(args).to.deep.equal(copy);
    expect(sink.only('tools/call').mcp?.tool_arguments).to.deep.equal({
      message: 'm',
      password: '[REDACTED]',
      deep: [{ colour: '[REDACTED]', myToken: '[REDACTED]', PASSWORD: '[REDACTED]' }],
    });
  });

  it('records outputs only when asked to', async () => {
    const sink = new MemorySink();
    const { client, connect } = pair();
    withLogging(client, { sink, environment, includeOutputs: true });
    await connect();
    await client.callTool({ name: 'echo', arguments: { message: 'x' } });
    await client.callTool({ name: 'broken' });
    const [echo, broken] = sink.of('tools/call');
    expect(echo?.mcp?.tool_result).to.deep.equal({ content: [{ type: 'text', text: 'said x' }] });
    expect(broken?.error).to.deep.equal({ type: 'tool_error', message: 'it broke' });
  });

  it('refuses what is no client', () => {
    for (const client of [undefined, null, 7, {}, new Map()]) {
      expect(() => withLogging(client as never, { sink: new MemorySink(), environment })).to.throw(
        ConfigError,
        /^client: got/,
      );
    }
  });
});
