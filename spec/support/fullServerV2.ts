import { Client, InMemoryTransport, type ClientOptions } from '@modelcontextprotocol/client';
import { McpServer, ResourceTemplate, acceptedContent, inputRequired } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/** Which of v2's two ways to speak: the handshake of 2025, or `server/discover` of 2026. */
export type Era = 'legacy' | 'modern';

/** A client and a real server of SDK v2 that offers everything, in one process. */
export interface FullPairV2 {
  readonly client: Client;
  readonly server: McpServer;
  readonly transport: InMemoryTransport;
  /** What the server received. */
  readonly received: Record<string, unknown>[];
  connect(options?: Parameters<Client['connect']>[1]): Promise<void>;
  /** Ends the connection from the server's side. */
  hangUp(): Promise<void>;
}

/** What a test may want of a pair. */
export interface PairOptions extends ClientOptions {
  readonly makeClient?: (options: ClientOptions) => Client;
}

/** Makes an unconnected pair. */
export function fullPairV2(era: Era, options: PairOptions = {}): FullPairV2 {
  const [transport, serverSide] = InMemoryTransport.createLinkedPair();
  const { makeClient = newClient, ...given } = options;
  const client = makeClient({ ...given, ...(era === 'modern' && { versionNegotiation: { mode: 'auto' } }) });
  const server = fullServerV2();
  const received: Record<string, unknown>[] = [];
  const connect: FullPairV2['connect'] = async (connectOptions) => {
    if (era === 'legacy') await server.connect(serverSide);
    else serveStdio(() => server, { transport: serverSide });
    const deliver = serverSide.onmessage;
    serverSide.onmessage = (message, extra) => {
      received.push(message as unknown as Record<string, unknown>);
      deliver?.(message, extra);
    };
    await client.connect(transport, connectOptions);
  };
  return { client, server, transport, received, connect, hangUp: () => serverSide.close() };
}

const newClient = (options: ClientOptions): Client =>
  new Client({ name: 'agent', version: '1.2.3' }, options);

const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });

function fullServerV2(): McpServer {
  const server = new McpServer(
    { name: 'full', version: '4.5.6' },
    {
      capabilities: {
        logging: {},
        completions: {},
        resources: { subscribe: true },
        tools: { listChanged: true },
      },
      cacheHints: { 'resources/list': { ttlMs: 60_000 } },
    },
  );
  server.registerTool('echo', { inputSchema: z.object({ message: z.string().optional() }) }, ({ message }) =>
    said(`said ${message ?? ''}`),
  );
  server.registerTool('broken', {}, () => ({ ...said('it broke'), isError: true }));
  server.registerTool('hang', {}, () => new Promise(() => undefined));
  addQuestions(server);
  server.registerResource('note', 'note://1', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'a note' }],
  }));
  const template = new ResourceTemplate('page://{n}', { list: undefined });
  server.registerResource('page', template, {}, (uri) => ({ contents: [{ uri: uri.href, text: 'a page' }] }));
  server.registerPrompt('greet', { argsSchema: z.object({ who: z.string() }) }, ({ who }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `greet ${who}` } }],
  }));
  server.server.setRequestHandler('completion/complete', () => ({ completion: { values: ['done'] } }));
  server.server.setRequestHandler('resources/subscribe', () => ({}));
  server.server.setRequestHandler('resources/unsubscribe', () => ({}));
  return server;
}

const CONSENT = z.object({ yes: z.boolean() });

/** Tools that ask back, in whichever way the era has for it. */
function addQuestions(server: McpServer): void {
  server.registerTool('consent', {}, (ctx) => {
    if (acceptedContent(ctx.mcpReq.inputResponses, 'consent', CONSENT)?.yes === true) return said('granted');
    if (ctx.mcpReq.inputResponses !== undefined) return said('not granted');
    const consent = inputRequired.elicit({ message: 'May I?', requestedSchema: CONSENT });
    return inputRequired({ inputRequests: { consent } });
  });
  server.registerTool('sample', {}, (ctx) => {
    if (ctx.mcpReq.inputResponses !== undefined) return said('sampled');
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: 'canary question' } }];
    return inputRequired({
      inputRequests: { draft: inputRequired.createMessage({ messages, maxTokens: 7 }) },
    });
  });
  server.registerTool('roots', {}, (ctx) => {
    if (ctx.mcpReq.inputResponses !== undefined) return said('seen');
    return inputRequired({ inputRequests: { roots: inputRequired.listRoots() } });
  });
}
