import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { expect } from 'chai';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { ConfigError } from '../../lib/errors.js';
import { auditLogOf, withLogging } from '../../lib/withLogging.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { pair } from '../support/inMemory.js';
import { MemorySink } from '../support/memorySink.js';

interface AnyClient {
  connect(transport: never): Promise<unknown>;
  close(): Promise<unknown>;
  callTool(params: { name: string; arguments?: object }): Promise<unknown>;
}

/** What stands in for a client in frameworks and in programs. */
const STAND_INS: Record<string, (client: AnyClient) => AnyClient> = {
  'a Proxy without traps': (client) => new Proxy(client, {}),
  'a Proxy that gets from its target': (client) =>
    new Proxy(client, { get: (target, key) => Reflect.get(target, key) as unknown }),
  'a Proxy that binds methods to its target': (client) =>
    new Proxy(client, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    }),
  'a Proxy of a Proxy': (client) => new Proxy(new Proxy(client, {}), {}),
  'an object that inherits from it': (client) => Object.create(client) as AnyClient,
  'a Proxy with a tool call of its own': (client) =>
    new Proxy(client, {
      get: (target, key, receiver) =>
        key === 'callTool'
          ? (params: { name: string }) => target.callTool(params)
          : (Reflect.get(target, key, receiver) as unknown),
    }),
};

/** A client, and a server that waits at the other end of its transport. */
async function linked(): Promise<{ client: AnyClient; transport: never }> {
  const { client, server, transport } = pair();
  await server.connect((transport as unknown as { _otherTransport: InMemoryTransport })._otherTransport);
  return { client: client as AnyClient, transport: transport as never };
}

describe('stand-ins for a client', () => {
  const options = (sink: MemorySink) => ({ sink, environment: 'test' });
  const call = { name: 'echo', arguments: {} };

  for (const [name, standIn] of Object.entries(STAND_INS)) {
    for (const wrapped of ['client', 'standIn'] as const)
      it(`are audited: ${name}, where withLogging was given the ${wrapped === 'client' ? 'client' : 'stand-in'}`, async () => {
        const { client, transport } = await linked();
        const sink = new MemorySink();
        const other = standIn(client);
        const given = wrapped === 'client' ? client : other;
        expect(withLogging(given, options(sink))).to.equal(given);
        // What an inheriting object learns by `connect` stays its own, with the SDK as without us.
        await (name.includes('inherits') ? client : other).connect(transport);
        await other.callTool(call);
        await client.callTool(call);
        await other.close();
        expect(sink.records.map(({ resource }) => resource)).to.deep.equal([
          'session/initialize',
          'tools/echo',
          'tools/echo',
          'session/close',
        ]);
        expect(new Set(sink.records.map(({ session_id }) => session_id))).to.have.property('size', 1);
        expect(auditLogOf(client)).to.equal(auditLogOf(other)).and.not.to.equal(undefined);
      });
  }

  for (const era of ['legacy', 'modern'] as const)
    it(`are audited with a client of v2 as well, in the ${era} era`, async () => {
      const { client, connect } = fullPairV2(era);
      const sink = new MemorySink();
      withLogging(client, options(sink));
      await connect();
      const other = new Proxy(client, { get: (target, key) => Reflect.get(target, key) as unknown });
      await other.callTool({ name: 'echo', arguments: { message: 'x' } });
      await other.close();
      const sessions = new Set(sink.records.map(({ session_id }) => session_id));
      expect(sink.of('tools/call')).to.have.length(1);
      expect(sink.of('close')).to.have.length(1);
      expect(sessions).to.have.property('size', 1);
    });

  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable(pair().client, {});
    revoke();
    return proxy;
  };
  class Delegate {
    readonly #inner = pair().client;
    connect = (transport: never) => this.#inner.connect(transport);
    close = () => this.#inner.close();
    callTool = (params: never) => this.#inner.callTool(params);
    listTools = () => this.#inner.listTools();
    request = (...args: never[]) =>
      Reflect.apply(this.#inner.request.bind(this.#inner), undefined, args) as never;
    notification = () => undefined;
    setRequestHandler = () => undefined;
  }
  class Foreign {
    async init() {}
    async close() {}
    async request() {}
    async callTool() {}
    async connect() {}
    onRequestMessage() {}
  }
  const refused: Record<string, () => unknown> = {
    'an object with callTool': () => ({
      connect: async () => {},
      close: async () => {},
      callTool: async () => {},
    }),
    "another library's client": () => new Foreign(),
    'a class that delegates to a client': () => new Delegate(),
    'a Proxy that shows methods alone': () =>
      new Proxy(pair().client, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? (value.bind(target) as unknown) : undefined;
        },
      }),
    'a Proxy that puts itself before all that it gives': () =>
      new Proxy(pair().client, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'object' && value !== null ? new Proxy(value, {}) : value;
        },
      }),
    'a revoked Proxy': revoked,
    'a Proxy whose traps throw': () =>
      new Proxy(pair().client, {
        getPrototypeOf() {
          throw new Error('no');
        },
      }),
    nothing: () => undefined,
    'a class': () => Client,
  };
  for (const [name, make] of Object.entries(refused))
    it(`are refused where calls could escape: ${name}`, () => {
      const refusal = () => withLogging(make() as never, options(new MemorySink()));
      expect(refusal).to.throw(ConfigError, '@modelcontextprotocol/client').with.property('option', 'client');
    });

  it('of the class are refused by instrumentClient', () => {
    expect(() => instrumentClient(Foreign)).to.throw(TypeError, 'class of the MCP SDK');
  });
});
