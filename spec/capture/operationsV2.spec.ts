import { expect } from 'chai';
import type { Client } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { audited, rejection, settled } from '../support/audited.js';
import { fullPairV2, type Era } from '../support/fullServerV2.js';

/** [what, the call, method, event type, resource, the eras that have it] */
type Row = readonly [string, (client: Client) => Promise<unknown>, string, string, string, readonly Era[]];

const BOTH = ['legacy', 'modern'] as const;
const TOOL = 'EVENT_TOOL_INVOCATION';

const ROWS: readonly Row[] = [
  ['ping', (c) => c.ping(), 'ping', 'EVENT_RESOURCE_ACCESS', 'session/ping', ['legacy']],
  ['discover', (c) => c.discover(), 'server/discover', 'EVENT_LOGIN', 'session/discover', ['modern']],
  ['listTools', (c) => c.listTools(), 'tools/list', TOOL, 'tools/list', BOTH],
  ['callTool', (c) => c.callTool({ name: 'echo', arguments: {} }), 'tools/call', TOOL, 'tools/echo', BOTH],
  [
    'listResources',
    (c) => c.listResources(),
    'resources/list',
    'EVENT_RESOURCE_ACCESS',
    'resources/list',
    BOTH,
  ],
  [
    'listResourceTemplates',
    (c) => c.listResourceTemplates(),
    'resources/templates/list',
    'EVENT_RESOURCE_ACCESS',
    'resources/templates/list',
    BOTH,
  ],
  [
    'readResource',
    (c) => c.readResource({ uri: 'note://1' }),
    'resources/read',
    'EVENT_CONTEXT_ACCESS',
    'note://1',
    BOTH,
  ],
  [
    'subscribeResource',
    (c) => c.subscribeResource({ uri: 'note://1' }),
    'resources/subscribe',
    'EVENT_CONTEXT_ACCESS',
    'note://1',
    ['legacy'],
  ],
  [
    'unsubscribeResource',
    (c) => c.unsubscribeResource({ uri: 'note://1' }),
    'resources/unsubscribe',
    'EVENT_CONTEXT_ACCESS',
    'note://1',
    ['legacy'],
  ],
  ['listPrompts', (c) => c.listPrompts(), 'prompts/list', 'EVENT_PROMPT_EXECUTION', 'prompts/list', BOTH],
  [
    'getPrompt',
    (c) => c.getPrompt({ name: 'greet', arguments: { who: 'W' } }),
    'prompts/get',
    'EVENT_PROMPT_EXECUTION',
    'prompts/greet',
    BOTH,
  ],
  [
    'complete',
    (c) =>
      c.complete({ ref: { type: 'ref/resource', uri: 'page://{n}' }, argument: { name: 'n', value: '' } }),
    'completion/complete',
    'EVENT_PROMPT_EXECUTION',
    'page://{n}',
    BOTH,
  ],
  [
    'setLoggingLevel',
    (c) => c.setLoggingLevel('info'),
    'logging/setLevel',
    'EVENT_CONFIG_CHANGE',
    'logging/setLevel',
    ['legacy'],
  ],
  ['request', (c) => c.request({ method: 'tools/list' }), 'tools/list', TOOL, 'tools/list', BOTH],
];

for (const era of BOTH) {
  describe(`operations of SDK v2, ${era} era`, () => {
    for (const [name, call, method, event, resource, eras] of ROWS) {
      const isThere = eras.includes(era);
      it(`makes one record of ${name}${isThere ? '' : ', which the era has not'}`, async () => {
        const { client, connect } = fullPairV2(era);
        const sink = audited(client);
        await connect();
        const error = await rejection(call(client));
        expect(error === undefined, String(error)).to.equal(isThere);
        expect(sink.records).to.have.length(2);
        const outcome = isThere ? 'OUTCOME_SUCCESS' : 'OUTCOME_FAILURE_ERROR';
        expect(sink.only(method)).to.include({ event_type: event, resource, outcome });
        expect(sink.only(method).mcp).to.include({ served_from: isThere ? 'wire' : 'local' });
      });
    }

    it('records a login and a logout, each once', async () => {
      const { client, connect } = fullPairV2(era);
      const sink = audited(client);
      await connect();
      await client.close();
      await client.close();
      expect(sink.records.map(({ event_type, resource }) => [event_type, resource])).to.deep.equal([
        ['EVENT_LOGIN', 'session/initialize'],
        ['EVENT_LOGOUT', 'session/close'],
      ]);
      for (const record of sink.records) expect(record).to.include({ server_id: 'full', client_id: 'agent' });
      expect(sink.records[1]?.mcp?.protocol_version).to.equal(sink.records[0]?.mcp?.protocol_version);
      const legs =
        era === 'modern' ? [{ request_id: 'server-discover-probe-1', method: 'server/discover' }] : undefined;
      expect(sink.records[0]?.mcp?.legs).to.deep.equal(legs);
    });

    it('records a request that throws synchronously, and lets it throw', async () => {
      const { client, connect } = fullPairV2(era);
      const sink = audited(client);
      await connect();
      expect(() => client.request({ method: 'x/unheard' } as never)).to.throw(TypeError);
      await settled();
      expect(sink.only('x/unheard')).to.deep.include({ outcome: 'OUTCOME_FAILURE_ERROR' });
      expect(sink.only('x/unheard').error?.type).to.equal('TypeError');
      expect(sink.only('x/unheard').mcp?.served_from).to.equal('local');
    });

    it('records methods that nobody knows', async () => {
      const { client, connect } = fullPairV2(era);
      const sink = audited(client);
      await connect();
      await rejection(client.request({ method: 'x/unheard' }, z.object({})));
      expect(sink.only('x/unheard').error?.type).to.equal('-32601');
      expect(sink.only('x/unheard').mcp?.served_from).to.equal('wire');
    });

    it('walks the pages of a list as one operation with legs', async () => {
      const { client, server, connect } = fullPairV2(era);
      server.server.setRequestHandler('tools/list', ({ params }) => {
        const page = Number(params?.cursor ?? 1);
        const tools = [{ name: `tool${page}`, inputSchema: { type: 'object' as const } }];
        return page < 3 ? { tools, nextCursor: String(page + 1) } : { tools };
      });
      const sink = audited(client);
      await connect();
      expect((await client.listTools()).tools).to.have.length(3);
      expect(sink.records).to.have.length(2);
      const legs = sink.only('tools/list').mcp?.legs ?? [];
      expect(legs.map(({ method }) => method)).to.deep.equal(['tools/list', 'tools/list', 'tools/list']);
      expect(new Set(legs.map(({ request_id }) => request_id)).size).to.equal(3);
    });

    it('says where an answer came from', async () => {
      const { client, connect, received } = fullPairV2(era, { defaultCacheTtlMs: 60_000 });
      const sink = audited(client);
      await connect();
      await client.listResources();
      const sent = received.length;
      await client.listResources();
      expect(received).to.have.length(sent);
      expect(sink.of('resources/list').map(({ mcp }) => mcp?.served_from)).to.deep.equal(['wire', 'cache']);
      expect(sink.of('resources/list')[1]?.mcp).not.to.have.property('request_id');
    });

    it('says that it answered for a server that has no such thing', async () => {
      const { client, connect } = fullPairV2(era);
      const sink = audited(client);
      await connect();
      Reflect.set(client, '_serverCapabilities', {});
      await client.listTools();
      expect(sink.only('tools/list')).to.include({ outcome: 'OUTCOME_SUCCESS' });
      expect(sink.only('tools/list').mcp?.served_from).to.equal('local');
    });
  });
}
