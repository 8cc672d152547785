import { createMCPClient, ElicitationRequestSchema, type MCPClient } from '@ai-sdk/mcp';
import { expect } from 'chai';
import fc from 'fast-check';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { ConfigError } from '../../lib/errors.js';
import { AuditSpanProcessor } from '../../lib/processor/processor.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { MemorySink } from '../support/memorySink.js';
import { ScriptedSink } from '../support/scriptedSink.js';
import { everythingOverHttp } from '../support/servers.js';
import { describeError, describeMessage, describeValue } from '../transparency/observation.js';

/** The types show a part of the client only; the rest is what its tools are made of. */
interface Client extends MCPClient {
  callTool(call: { name: string; args: object; options?: { abortSignal?: AbortSignal } }): Promise<unknown>;
}

/** A client of the AI SDK, connected to a real server of the MCP SDK. */
async function connected(options: object = {}) {
  let client: Client | undefined;
  const maker = {
    async connect(transport: object) {
      client = (await createMCPClient({ transport, clientName: 'agent', ...options } as never)) as Client;
    },
  };
  const pair = fullPairV1({}, () => maker as never);
  await pair.connect();
  if (client === undefined) throw new Error('not connected');
  return { ...pair, client };
}

type Row = readonly [
  what: string,
  call: (client: Client) => Promise<unknown>,
  method: string,
  resource: string,
];

const ROWS: readonly Row[] = [
  ['tools', (c) => c.tools(), 'tools/list', 'tools/list'],
  ['listTools', (c) => c.listTools(), 'tools/list', 'tools/list'],
  ['callTool', (c) => c.callTool({ name: 'echo', args: {} }), 'tools/call', 'tools/echo'],
  ['listResources', (c) => c.listResources(), 'resources/list', 'resources/list'],
  [
    'listResourceTemplates',
    (c) => c.listResourceTemplates(),
    'resources/templates/list',
    'resources/templates/list',
  ],
  ['readResource', (c) => c.readResource({ uri: 'note://1' }), 'resources/read', 'note://1'],
  ['experimental_listPrompts', (c) => c.experimental_listPrompts(), 'prompts/list', 'prompts/list'],
  [
    'experimental_getPrompt',
    (c) => c.experimental_getPrompt({ name: 'greet' }),
    'prompts/get',
    'prompts/greet',
  ],
  [
    'complete',
    (c) => c.complete({ ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value: 'W' } }),
    'completion/complete',
    'prompts/greet',
  ],
];

describe('a client of @ai-sdk/mcp', () => {
  for (const [what, call, method, resource] of ROWS)
    it(`wrapped by hand, has one record of ${what}`, async () => {
      const { client, received } = await connected();
      const sink = audited(client);
      await call(client);
      const [record, ...others] = sink.records.filter(({ mcp }) => mcp !== undefined);
      await client.close();
      expect(others).to.deep.equal([]);
      expect(record).to.include({ resource, outcome: 'OUTCOME_SUCCESS' });
      expect(record?.mcp).to.deep.include({ method, served_from: 'wire', transport: 'in-memory' });
      expect(record).to.include({ server_id: 'full', server_version: '4.5.6', client_id: 'agent' });
      const sent = received.find((message) => 'method' in message && message.method === method);
      expect(JSON.stringify(sent)).to.include(record?.trace_id);
    });

  it('has what the server answered on record: errors, errors of tools, and what the caller gave up', async () => {
    const { client } = await connected();
    const sink = audited(client);
    const abort = new AbortController();
    const hanging = client.callTool({ name: 'hang', args: {}, options: { abortSignal: abort.signal } });
    await settled();
    abort.abort();
    expect(await rejection(hanging)).to.be.instanceOf(Error);
    await client.callTool({ name: 'broken', args: { password: 'canary' } });
    expect(await rejection(client.readResource({ uri: 7 as never }))).to.be.instanceOf(Error);
    await client.close();
    expect(await rejection(client.listTools())).to.be.instanceOf(Error);
    expect(sink.records.map(({ resource, error }) => [resource, error?.type])).to.deep.equal([
      ['tools/hang', 'cancelled'],
      ['tools/broken', 'tool_error'],
      ['unknown uri', '-32603'],
      ['session/close', undefined],
      ['tools/list', 'connection_closed'],
    ]);
    expect(JSON.stringify(sink.records)).not.to.include('canary');
  });

  it('sends nothing in blocking-strict where the intent is not durable', async () => {
    const { client, received } = await connected();
    const sink = new ScriptedSink('broken', [], 'permanent');
    withLogging(client, { sink, environment: 'test', mode: 'blocking-strict', onError: () => undefined });
    const before = received.length;
    const error = await rejection(client.callTool({ name: 'echo', args: {} }));
    expect(error).to.have.property('code', 'MCP_LOG_ERR_UNAVAILABLE');
    expect(received).to.have.length(before);
    expect(await rejection(client.close())).to.have.property('code', 'MCP_LOG_ERR_UNAVAILABLE');
    // A shutdown waits for what is to be delivered.
    sink.then = 'take';
    await auditLogOf(client)?.shutdown();
  });

  it('has what the server asks of the user on record', async () => {
    const { client, server } = await connected({ capabilities: { elicitation: {} } });
    const sink = audited(client);
    client.onElicitationRequest(ElicitationRequestSchema, () => ({ action: 'decline' }));
    await server.elicitInput({ message: 'name?', requestedSchema: { type: 'object', properties: {} } });
    await client.close();
    expect(sink.only('elicitation/create').outcome).to.equal('OUTCOME_FAILURE_DENIED');
  });

  it('loses its session with its server, on record', async () => {
    const { client, server } = await connected();
    const sink = audited(client);
    await client.listTools();
    await server.close();
    expect(sink.only('close')).to.include({ resource: 'session/close', outcome: 'OUTCOME_FAILURE_ERROR' });
  });

  it('is refused where it is another thing of that shape', () => {
    const methods = ['init', 'request', 'callTool', 'tools', 'onResponse'];
    const other = Object.fromEntries(methods.map((name) => [name, async () => undefined]));
    const wrap = () => withLogging(other as never, { sink: new MemorySink(), environment: 'test' });
    expect(wrap).to.throw(ConfigError, /client: .*@ai-sdk\/mcp/);
  });

  describe('whose class is instrumented', () => {
    let sink: MemorySink;
    let processor: AuditSpanProcessor;
    before(async () => {
      const { client } = await connected();
      instrumentClient((client as object).constructor as never);
      await client.close();
      // Before it was instrumented, it was no client of ours.
      disableSource(defaultSource);
    });
    beforeEach(async () => {
      sink = new MemorySink();
      processor = new AuditSpanProcessor({ sink, environment: 'test' }).enable();
      const { client } = await connected();
      instrumentClient((client as object).constructor as never);
      await client.close();
      sink.records.length = 0;
    });
    afterEach(async () => {
      disableSource(defaultSource);
      await processor.shutdown();
    });

    it('has its handshake, its calls and its end on record, each request counted', async () => {
      const { client } = await connected();
      await client.tools();
      await client.close();
      const own = sink.records.filter(({ mcp }) => mcp !== undefined);
      expect(own.map(({ resource, outcome }) => [resource, outcome])).to.deep.equal([
        ['session/initialize', 'OUTCOME_SUCCESS'],
        ['tools/list', 'OUTCOME_SUCCESS'],
        ['session/close', 'OUTCOME_SUCCESS'],
      ]);
      expect(own[0]).to.include({ server_id: 'full', client_id: 'agent' });
      expect(own[2]?.mcp?.requests).to.include({ sent: 2, recorded: 2 });
    });

    it('speaks to a real server over HTTP, with its session and the status of each answer @slow', async function () {
      this.timeout(30_000);
      const { url, stop } = await everythingOverHttp();
      const client = await createMCPClient({ transport: { type: 'http', url: url.href } });
      await client.tools();
      await client.close();
      await stop();
      const record = sink.only('tools/list');
      expect(record.mcp).to.deep.include({ transport: 'streamable-http', http_status: 200 });
      expect(record.session_id).to.match(/^sha256:/);
    });

    it('cannot be told from a bare one by any program', async () => {
      const steps = fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(steps, async (program) => {
          const audited = await observe(program);
          disableSource(defaultSource);
          const bare = await observe(program);
          const { client } = await connected();
          instrumentClient((client as object).constructor as never);
          await client.close();
          expect(audited).to.deep.equal(bare);
        }),
        { numRuns: 20 },
      );
      expect(sink.records.length).to.be.greaterThan(20);
    });
  });
});

const STEPS: readonly ((client: Client) => unknown)[] = [
  ...ROWS.map(([, call]) => call),
  (client) => client.callTool({ name: 'broken', args: { n: 1 } }),
  (client) => client.readResource(undefined as never),
  (client) =>
    client.callTool({ name: 'echo', args: {}, options: { abortSignal: AbortSignal.abort(new Error('no')) } }),
  (client) => client.close(),
];

/** All that a program sees of a client, and what its server receives. */
async function observe(program: readonly ((client: Client) => unknown)[]): Promise<readonly string[]> {
  const { client, received } = await connected();
  const seen: string[] = [];
  for (const step of program) {
    try {
      seen.push(describeValue(await step(client)));
    } catch (error) {
      seen.push(JSON.stringify(describeError(error)));
    }
  }
  await client.close();
  return [...seen, Object.keys(client).sort().join(), ...received.map(describeMessage)];
}
