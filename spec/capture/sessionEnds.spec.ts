import { ElicitRequestSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { expect } from 'chai';
import { audited, settled } from '../support/audited.js';
import { pair } from '../support/inMemory.js';

describe('the end of a session', () => {
  async function session() {
    const { client, connect, transport, server } = pair();
    const sink = audited(client, { profile: '0.2' });
    await connect();
    /** The one record of the session's end. */
    const end = async () => {
      await settled();
      const { outcome, error, event_type } = sink.only('close');
      return { outcome, error: error?.type, event_type };
    };
    return { client, transport, server, sink, end };
  }

  const LOGOUT = { outcome: 'OUTCOME_SUCCESS', error: undefined, event_type: 'EVENT_LOGOUT' };
  const LOST = {
    outcome: 'OUTCOME_FAILURE_ERROR',
    error: 'connection_closed',
    event_type: 'EVENT_TRANSPORT_DISCONNECT',
  };

  it('is a logout where the owner of the transport closes it, and once, whoever closes then', async () => {
    const { client, transport, end } = await session();
    await transport.close();
    await client.close();
    await transport.close();
    expect(await end()).to.deep.equal(LOGOUT);
  });

  it('is the loss of the connection where the server goes', async () => {
    const { server, client, end } = await session();
    await server.close();
    await client.close();
    expect(await end()).to.deep.equal(LOST);
  });

  it('is the loss of the connection where a transport closes itself for an error that it reports', async () => {
    const { transport, end } = await session();
    transport.onerror?.(new Error('the other side sends what is no JSON'));
    await transport.close();
    expect(await end()).to.deep.equal(LOST);
  });

  for (const [who, close, expected] of [
    ['the owner closes it', (made: Awaited<ReturnType<typeof session>>) => made.transport.close(), LOGOUT],
    ['the server goes', (made: Awaited<ReturnType<typeof session>>) => made.server.close(), LOST],
    ['the client logs out', (made: Awaited<ReturnType<typeof session>>) => made.client.close(), LOGOUT],
  ] as const) {
    it(`is on record where the application has put its own onclose over the SDK's, and ${who}`, async () => {
      const made = await session();
      let heard = 0;
      made.transport.onclose = () => void heard++;
      await close(made);
      await close(made);
      expect(heard).to.be.greaterThan(0);
      expect(await made.end()).to.deep.equal(expected);
    });

    it(`is on record once where that function calls the SDK's, and ${who}`, async () => {
      const made = await session();
      const theirs = made.transport.onclose;
      made.transport.onclose = function () {
        theirs?.call(this);
      };
      await close(made);
      expect(await made.end()).to.deep.equal(expected);
    });
  }

  it('is on record where the application takes the listener away', async () => {
    const { transport, end } = await session();
    delete transport.onclose;
    await transport.close();
    expect(await end()).to.deep.equal(LOGOUT);
  });

  it('keeps an accessor that a transport has for its listeners', async () => {
    class Forwarding extends InMemoryTransport {}
    const inner: { onclose?: (() => void) | undefined } = {};
    Object.defineProperty(Forwarding.prototype, 'onclose', {
      get: () => inner.onclose,
      set: (value: () => void) => void (inner.onclose = value),
    });
    const [clientSide, serverSide] = Forwarding.createLinkedPair();
    Object.setPrototypeOf(clientSide, Forwarding.prototype);
    const { server, client } = pair();
    const sink = audited(client);
    await server.connect(serverSide);
    await client.connect(clientSide);
    inner.onclose?.();
    await settled();
    expect(sink.of('close')).to.have.length(1);
  });

  it('does not change what a server was answered: the decision stands once the answer is handed over', async () => {
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    const server = new Server({ name: 'fixture', version: '1' }, { capabilities: {} });
    const client = new Client({ name: 'agent', version: '1' }, { capabilities: { elicitation: {} } });
    const sink = audited(client);
    const actions = ['accept', 'decline', 'accept'] as const;
    let asked = 0;
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: actions[asked++]!, content: {} }));
    const send = clientSide.send.bind(clientSide);
    let fail: ((error: Error) => void) | undefined;
    clientSide.send = async (message: JSONRPCMessage, options) => {
      await send(message, options);
      // The answer has arrived, and the transport does not say so.
      if ('result' in message) await new Promise((_, reject) => (fail = reject));
    };
    await server.connect(serverSide);
    await client.connect(clientSide);
    const question = { message: 'Wire 1000?', requestedSchema: { type: 'object' as const, properties: {} } };
    for (let index = 0; index < 3; index++) await server.elicitInput(question);
    fail?.(new Error('the socket broke'));
    await settled();
    await client.close();
    await settled();
    const facts = sink.of('elicitation/create').map(({ outcome, mcp }) => [outcome, mcp?.decision]);
    expect(facts).to.have.deep.members([
      ['OUTCOME_FAILURE_ERROR', 'accept'],
      ['OUTCOME_SUCCESS', 'accept'],
      ['OUTCOME_FAILURE_DENIED', 'decline'],
    ]);
  });
});
