import { mock } from 'node:test';
import { expect } from 'chai';
import { instrumentClient } from '../../lib/capture/instrumentation.js';
import { defaultSource, disableSource } from '../../lib/capture/tracing.js';
import { audited, settled } from '../support/audited.js';
import { pair } from '../support/inMemory.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { copyOfSdk, exercise } from '../support/sdkCopy.js';

const call = { name: 'echo', arguments: { message: 'm' } };

interface SentMessage {
  readonly method?: string;
}

describe("what is the caller's stays the caller's", () => {
  for (const [version, makePair] of Object.entries({ v1: pair, v2: () => fullPairV2('modern') })) {
    it(`keeps everything that the caller has put on the transport's \`send\` (${version})`, async () => {
      const { client, connect, transport } = makePair();
      audited(client);
      const sending = mock.method(transport, 'send');
      Object.assign(transport.send, { own: 'mine' });
      await connect();
      await client.callTool(call);
      const send = transport.send as unknown as typeof sending & { own: string };
      const methods = () =>
        sending.mock.calls.map(({ arguments: [message] }) => (message as SentMessage).method);
      expect(send.own).to.equal('mine');
      expect(send.mock.calls).to.have.length.above(1).and.to.deep.equal(sending.mock.calls);
      expect(methods()).to.include('tools/call');
      send.mock.resetCalls();
      expect(methods()).to.deep.equal([]);
      // One that throws from now on, as tests have it.
      send.mock.mockImplementation(() => Promise.reject(new Error('not sent')));
      const reason = await client.callTool(call).catch((error: unknown) => error);
      expect(reason).to.have.property('message', 'not sent');
    });

    it(`sees what goes out by a \`send\` that was exchanged after connecting, once (${version})`, async () => {
      const { client, connect, transport, received } = makePair();
      const sink = audited(client);
      await connect();
      const before = transport.send.bind(transport);
      transport.send = (message: never) => before(message);
      await client.callTool(call);
      await client.callTool(call);
      const [first, second] = sink.of('tools/call');
      expect(first?.mcp).to.have.property('request_id').and.not.to.equal(second?.mcp?.request_id);
      expect(first?.mcp).not.to.have.property('legs');
      expect(second?.mcp).not.to.have.property('legs');
      expect(JSON.stringify(received.at(-1))).to.include(second?.span_id);
      // What replaces ours and does not know it is seen as well.
      const peer = Reflect.get(transport, '_otherTransport') as { onmessage(message: unknown): void };
      const direct = (message: unknown) => Promise.resolve(peer.onmessage(structuredClone(message)));
      Object.assign(transport, { send: direct });
      await client.callTool(call);
      const third = sink.of('tools/call')[2];
      expect(third?.mcp?.request_id).to.be.a('string');
    });

    it(`puts one layer on a transport that binds its methods anew at each look (${version})`, async () => {
      const { client, connect, transport } = makePair();
      const sink = audited(client);
      await connect();
      const layers = new Set<unknown>();
      const shy = new Proxy(transport, {
        get: (target, key) => {
          const value: unknown = Reflect.get(target, key);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
        defineProperty: (target, key, descriptor) => {
          if (key === 'send') layers.add(descriptor.value);
          return Reflect.defineProperty(target, key, descriptor);
        },
      });
      Reflect.set(client, '_transport', shy);
      for (let count = 0; count < 5; count++) await client.callTool(call);
      expect(layers).to.have.property('size', 1);
      expect(sink.of('tools/call').map(({ outcome }) => outcome)).to.deep.equal(
        Array(5).fill('OUTCOME_SUCCESS'),
      );
    });
  }

  it("keeps everything that somebody has put on the class's methods, ours to call and theirs to read", async () => {
    const sdk = copyOfSdk('v1');
    try {
      const callTool = mock.method(sdk.Client.prototype, 'callTool');
      instrumentClient(sdk.Client);
      const patched = sdk.Client.prototype.callTool as unknown as typeof callTool;
      expect(patched).not.to.equal(callTool);
      expect(await exercise(sdk)).to.deep.equal([{ type: 'text', text: 'hello' }]);
      expect(patched.mock.calls.map(({ arguments: [params] }) => params)).to.deep.equal([{ name: 'echo' }]);
      patched.mock.resetCalls();
      expect(callTool.mock.callCount()).to.equal(0);
    } finally {
      disableSource(defaultSource);
      sdk.remove();
    }
  });

  it('leaves params that are no plain objects as they are, for the server to judge', async () => {
    class Params {
      readonly name = 'echo';
      toJSON = () => ({ name: this.name, arguments: { message: 'by toJSON' } });
    }
    const ODD: Readonly<Record<string, unknown>> = {
      'a list': ['echo'],
      'what writes its own JSON': new Params(),
      'a `_meta` of null': { ...call, _meta: null },
      'a `_meta` that is text': { ...call, _meta: 'abc' },
      'a `_meta` that is a list': { ...call, _meta: [1] },
    };
    for (const [what, params] of Object.entries(ODD)) {
      const { client, connect, transport } = pair();
      audited(client);
      await connect();
      const sent: unknown[] = [];
      const { send } = transport;
      transport.send = function (message, options) {
        sent.push(message);
        return send.call(this, message, options);
      };
      const request = { method: 'tools/call', params } as never;
      const schema = { safeParse: (data: unknown) => ({ success: true, data }) } as never;
      const answer = client.request(request, schema).catch(() => undefined);
      await settled();
      await client.close();
      await answer;
      sent.splice(0, sent.length - 1);
      expect((sent.at(-1) as { params: unknown }).params, what).to.equal(params);
    }
  });
});
