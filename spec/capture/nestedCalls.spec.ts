import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CallToolResultSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { audited } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { copyOfSdk } from '../support/sdkCopy.js';

const INFO = { name: 'agent', version: '1.0.0' };
const tool = (name: string, message?: string) => ({
  name,
  arguments: { ...(message !== undefined && { message }) },
});

/** The tools that the server ran, by name, as the wire has them. */
function ran(received: readonly JSONRPCMessage[]): string[] {
  return received
    .filter((message) => 'method' in message && message.method === 'tools/call')
    .map((message) => String((message as unknown as { params: { name: string } }).params.name));
}

class Policy extends Client {
  override async callTool(...args: Parameters<Client['callTool']>) {
    await super.callTool(tool('echo', 'may I'));
    const [params, ...rest] = args;
    return super.callTool({ ...params, name: params.name.replace('gateway/', '') }, ...rest);
  }
}

/** One level lower: what all methods come down to. */
class Gate extends Client {
  override request(...args: Parameters<Client['request']>): ReturnType<Client['request']> {
    const [request] = args;
    const params = request.params as { name?: string } | undefined;
    if (request.method !== 'tools/call' || params?.name !== 'broken') return super.request(...args);
    const check = { method: 'tools/call', params: tool('echo', 'may I') };
    return super
      .request(check as never, CallToolResultSchema as never)
      .then(() => super.request(...args)) as ReturnType<Client['request']>;
  }
}

/** Asks twice where the first attempt fails: the same request, so one operation. */
class Retrying extends Client {
  override request(...args: Parameters<Client['request']>): ReturnType<Client['request']> {
    return super.request(...args).then(() => super.request(...args)) as ReturnType<Client['request']>;
  }
}

describe('calls inside calls', () => {
  afterEach(() => disableSource(defaultSource));

  for (const [name, make] of Object.entries({
    'a class derived from the SDK': () => new Policy(INFO),
    'the same, patched by itself': () => new (instrumentClient(class extends Policy {}))(INFO),
  }))
    it(`are each on record under the name that the server was asked for: ${name}`, async () => {
      const { client, connect, received } = pair(make);
      const sink = audited(client);
      await connect();
      await client.callTool(tool('gateway/broken'));
      expect(ran(received)).to.deep.equal(['echo', 'broken']);
      expect(sink.of('tools/call').map(({ resource }) => resource)).to.deep.equal([
        'tools/echo',
        'tools/broken',
      ]);
    });

  it('are on record where a derived class makes them on the way of another', async () => {
    const { client, connect, received } = pair(() => new Gate(INFO));
    const sink = audited(client);
    await connect();
    await client.callTool(tool('broken'));
    expect(ran(received)).to.deep.equal(['echo', 'broken']);
    const records = sink.of('tools/call');
    expect(records.map(({ resource }) => resource)).to.have.members(['tools/echo', 'tools/broken']);
    expect(new Set(records.map(({ trace_id }) => trace_id))).to.have.property('size', 1);
    for (const { mcp } of records) expect(mcp).not.to.have.property('legs');
  });

  it('are a part of the operation where they only repeat its request', async () => {
    const { client, connect, received } = pair(() => new Retrying(INFO));
    const sink = audited(client);
    await connect();
    await client.callTool(tool('echo', 'x'));
    expect(ran(received)).to.deep.equal(['echo', 'echo']);
    expect(sink.only('tools/call').mcp?.legs).to.have.length(2);
  });

  it('are on record where the transport makes them, by whichever method and of the same tool', async () => {
    const { client, connect, transport, received } = pair();
    const sink = audited(client);
    await connect();
    const send = transport.send.bind(transport);
    const request = (message: string) =>
      client.request({ method: 'tools/call', params: tool('echo', message) }, CallToolResultSchema);
    transport.send = async (message, options) => {
      if (JSON.stringify(message).includes('"outer"')) {
        await request('inner');
        await client.callTool(tool('echo', 'inner'));
      }
      await send(message, options);
    };
    await client.callTool(tool('echo', 'outer'));
    expect(ran(received)).to.have.length(3);
    const records = sink.of('tools/call');
    expect(records.map(({ mcp }) => (mcp?.tool_arguments as { message: string }).message)).to.have.members([
      'inner',
      'inner',
      'outer',
    ]);
    // Made for the sake of the outer one, and so in its trace.
    expect(new Set(records.map(({ trace_id }) => trace_id))).to.have.property('size', 1);
  });

  it('of other clients of the same class stay unrecorded where only a derived class is patched', async () => {
    // A copy of its own: of the other one some test may have patched the class itself.
    const sdk = copyOfSdk('v1');
    class Mine extends sdk.Client {}
    instrumentClient(Mine);
    expect(Object.hasOwn(Mine.prototype, 'callTool')).to.equal(false);
    const watched = [];
    for (const Class of [sdk.Client, Mine]) {
      const server = new sdk.McpServer({ name: 'fixture', version: '1' });
      const [clientSide, serverSide] = sdk.InMemoryTransport.createLinkedPair();
      await server.connect(serverSide);
      await new Class(INFO).connect(clientSide);
      watched.push(Object.hasOwn(clientSide, 'send'));
    }
    sdk.remove();
    expect(watched).to.deep.equal([false, true]);
  });
});
