import { Client, InMemoryTransport, Protocol } from '@modelcontextprotocol/client';
import { SKILLS_EXTENSION_ID, SkillsClient } from '@modelcontextprotocol/client/ext/skills';
import { expect } from 'chai';
import { ConfigError } from '../../lib/errors.js';
import { withLogging } from '../../lib/withLogging.js';
import { audited, rejection } from '../support/audited.js';
import { fullPairV1 } from '../support/fullServerV1.js';
import { fullPairV2 } from '../support/fullServerV2.js';
import { MemorySink } from '../support/memorySink.js';

const ECHO = { name: 'echo', arguments: { message: 'x' } };

/** A client, and methods of it that are called without it, bound as they are when `bind` is called. */
const CLIENTS = {
  v1: () => {
    const { client, connect } = fullPairV1();
    const bind = () => ({ callTool: client.callTool.bind(client), close: client.close.bind(client) });
    return { client, connect, bind };
  },
  v2: () => {
    const { client, connect } = fullPairV2('legacy');
    const bind = () => ({ callTool: client.callTool.bind(client), close: client.close.bind(client) });
    return { client, connect, bind };
  },
};

describe('methods that were bound to their client', () => {
  for (const version of ['v1', 'v2'] as const) {
    for (const when of ['before', 'after'] as const) {
      it(`are on record where they were bound ${when} it was audited (${version})`, async () => {
        const { client, connect, bind } = CLIENTS[version]();
        const early = bind();
        const sink = audited(client);
        const { callTool, close } = when === 'before' ? early : bind();
        await connect();
        await callTool(ECHO);
        await close();
        expect(sink.records.map(({ resource, outcome }) => `${resource} ${outcome}`)).to.deep.equal([
          'session/initialize OUTCOME_SUCCESS',
          'tools/echo OUTCOME_SUCCESS',
          'session/close OUTCOME_SUCCESS',
        ]);
      });
    }
  }
});

const SKILL = {
  uri: 'skill://greeting/SKILL.md',
  frontmatter: { name: 'greeting', description: 'Says hello' },
  type: 'dynamic',
};

/** A client of v2 whose server has skills. */
function withSkills() {
  const [transport, serverSide] = InMemoryTransport.createLinkedPair();
  const capabilities = { resources: {}, extensions: { [SKILLS_EXTENSION_ID]: {} } };
  const serverInfo = { name: 'skilled', version: '1' };
  const results: Record<string, object> = {
    initialize: { protocolVersion: '2025-06-18', capabilities, serverInfo },
    'skills/list': { skills: [SKILL] },
    'skills/get': { skill: SKILL },
  };
  serverSide.onmessage = (message) => {
    const { id, method = '' } = message as { id?: number; method?: string };
    if (id !== undefined)
      void serverSide.send({ jsonrpc: '2.0', id, result: results[method] ?? {} } as never);
  };
  const client = new Client({ name: 'agent', version: '1' });
  return { client, connect: () => client.connect(transport) };
}

describe('the other client classes of v2', () => {
  it('are on record where they go through a client: SkillsClient', async () => {
    const { client, connect } = withSkills();
    const sink = audited(client);
    await connect();
    const skills = new SkillsClient(client);
    await rejection(skills.list());
    await rejection(skills.get(SKILL.uri));
    await client.close();
    expect(sink.records.map(({ mcp }) => mcp?.method)).to.deep.equal([
      'initialize',
      'skills/list',
      'skills/get',
      'close',
    ]);
  });

  it('are refused where they are no clients: a class derived from Protocol', () => {
    class Bare extends (Protocol as unknown as new () => object) {
      async connect() {}
      async close() {}
      assertRequestHandlerCapability() {}
    }
    const options = { sink: new MemorySink(), environment: 'test' };
    expect(() => withLogging(new Bare() as never, options)).to.throw(ConfigError, 'Client');
  });
});
