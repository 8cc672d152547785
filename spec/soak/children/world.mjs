import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { randomNumbers } from '../../support/randomNumbers.js';

/** Clients of both kinds with a server each, and the operations that are done with them. */
export class World {
  /** How many operations each kind has done: as many records there must be. */
  done = { instrumented: 0, wrapped: 0 };
  #pairs = [];
  #random;
  #hooks;

  constructor(seed, hooks) {
    const random = randomNumbers(seed);
    this.#random = (below) => Math.floor(random() * below);
    this.#hooks = hooks;
    hooks.instrument(Client);
  }

  async open(count) {
    for (let index = 0; index < count; index++) this.#pairs.push(await this.#connect(index % 2 === 0));
  }

  someWrapped() {
    return this.#pairs.find(({ kind }) => kind === 'wrapped').client;
  }

  /** One operation of one client, whatever comes of it. */
  async step() {
    const index = this.#random(this.#pairs.length);
    const pair = this.#pairs[index];
    // A client under way is left to whoever has it: it may be about to be closed.
    if (pair.busy) return;
    pair.busy = true;
    const operation = this.#random(100) === 0 ? 'reopen' : OPERATIONS[this.#random(OPERATIONS.length)];
    if (operation === 'reopen') {
      await this.#end(pair);
      this.#pairs[index] = await this.#connect(pair.kind === 'instrumented');
      return;
    }
    this.done[pair.kind]++;
    await operation(pair.client).catch(() => undefined);
    pair.busy = false;
  }

  async close() {
    for (const pair of this.#pairs) await this.#end(pair);
  }

  async #connect(instrumented) {
    const kind = instrumented ? 'instrumented' : 'wrapped';
    const client = new Client({ name: kind, version: '1.0.0' });
    if (!instrumented) this.#hooks.wrap(client);
    const [near, far] = InMemoryTransport.createLinkedPair();
    const server = makeServer();
    await server.connect(far);
    await client.connect(near);
    this.done[kind]++;
    return { kind, client, busy: false };
  }

  async #end(pair) {
    await pair.client.close();
    this.done[pair.kind]++;
  }
}

const call = (name, args, options) => (client) =>
  client.callTool({ name, arguments: args }, undefined, options?.());

const OPERATIONS = [
  call('echo', { text: 'hello', password: 'not on record' }),
  call('echo', { text: 'x'.repeat(2_000) }),
  call('fail', {}),
  call('no-such-tool', {}),
  call('slow', {}, () => ({ timeout: 5 })),
  call('slow', {}, () => ({ signal: AbortSignal.timeout(5) })),
  (client) => client.listTools(),
  (client) => client.listPrompts(),
  (client) => client.readResource({ uri: 'soak://one' }),
  (client) => client.readResource({ uri: 'soak://none' }),
  (client) => client.getPrompt({ name: 'greet' }),
  (client) => client.ping(),
];

function makeServer() {
  const server = new McpServer({ name: 'soak', version: '1.0.0' });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  const schema = { text: z.string(), password: z.string().optional() };
  server.registerTool('echo', { inputSchema: schema }, ({ text: value }) => text(value));
  server.registerTool('fail', {}, () => ({ ...text('no'), isError: true }));
  server.registerTool('slow', {}, async () => (await sleep(50), text('late')));
  server.registerResource('one', 'soak://one', {}, ({ href }) => ({
    contents: [{ uri: href, text: 'one' }],
  }));
  const message = { role: 'user', content: { type: 'text', text: 'hello' } };
  server.registerPrompt('greet', {}, () => ({ messages: [message] }));
  return server;
}
