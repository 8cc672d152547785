import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport as TransportV1 } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer as ServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as ClientV2, InMemoryTransport as TransportV2 } from '@modelcontextprotocol/client';
import { McpServer as ServerV2 } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** What the tests use of the clients of both SDKs. */
interface ServedClient {
  callTool(
    params: { name: string; arguments?: Record<string, unknown>; _meta?: Record<string, unknown> },
    ...rest: unknown[]
  ): Promise<Record<string, unknown>>;
  listTools(): Promise<{ tools: { name: string }[] }>;
  readResource(params: { uri: string }): Promise<unknown>;
  getPrompt(params: { name: string }): Promise<unknown>;
  ping(): Promise<unknown>;
  request(request: { method: string; params?: object }, schema: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** A server of either SDK with its client, in one process. */
interface ServedPair {
  readonly client: ServedClient;
  readonly server: ServerV1;
  connect(): Promise<void>;
  /** Ends the connection from outside of both. */
  hangUp(): Promise<void>;
}

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });

/** What a tool of the fixture runs, beside what is named here. */
type Hook = () => unknown;

/** Makes a server of v1 with its client, unconnected. */
function pairV1(hook: Hook): ServedPair {
  const server = new ServerV1({ name: 'fixture', version: '4.5.6' }, { capabilities: { logging: {} } });
  addTools(server, hook);
  const client = new ClientV1({ name: 'agent', version: '1.2.3' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { yes: true } }));
  const [own, other] = TransportV1.createLinkedPair();
  const connect = async () => {
    await server.connect(other);
    await client.connect(own);
  };
  return { client: client as unknown as ServedClient, server, connect, hangUp: () => other.close() };
}

/** The same for v2. */
function pairV2(hook: Hook): ServedPair {
  const server = new ServerV2({ name: 'fixture', version: '4.5.6' }, { capabilities: { logging: {} } });
  addTools(server as unknown as ServerV1, hook);
  const client = new ClientV2({ name: 'agent', version: '1.2.3' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { yes: true } }));
  const [own, other] = TransportV2.createLinkedPair();
  const connect = async () => {
    await server.connect(other);
    await client.connect(own);
  };
  return {
    client: client as unknown as ServedClient,
    server: server as unknown as ServerV1,
    connect,
    hangUp: () => other.close(),
  };
}

export const SERVED = { v1: pairV1, v2: pairV2 } as const;

function addTools(server: ServerV1, hook: Hook): void {
  const message = z.object({ message: z.string() });
  const annotations = { readOnlyHint: true };
  server.registerTool('echo', { inputSchema: message, annotations }, async (args) => {
    await hook();
    return said(`said ${args.message}`);
  });
  server.registerTool('broken', {}, () => ({ ...said('canary: it broke'), isError: true }));
  server.registerTool('throws', {}, () => {
    throw new TypeError('canary: a fault of the tool');
  });
  server.registerTool('misshapen', { outputSchema: z.object({ n: z.number() }) }, () => ({
    ...said('none'),
    structuredContent: { n: 'canary' },
  }));
  const pin = z.string().meta({ writeOnly: true });
  server.registerTool('login', { inputSchema: z.object({ colour: pin }) }, () => said('in'));
  server.registerTool('hang', {}, () => new Promise(() => undefined));
  server.registerTool('consent', {}, async () => {
    const requestedSchema = { type: 'object' as const, properties: { yes: { type: 'boolean' as const } } };
    const { action } = await server.server.elicitInput({ message: 'May I?', requestedSchema });
    return said(action);
  });
  server.registerResource('note', 'note://one', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'a note' }],
  }));
  server.registerPrompt('greet', {}, () => ({
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'greet' } }],
  }));
}
