import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** A client and a real server of the SDK in one process, with everything that came over the wire between them. */
export interface Pair {
  readonly client: Client;
  readonly server: McpServer;
  readonly transport: InMemoryTransport;
  /** What the server received. */
  readonly received: JSONRPCMessage[];
  connect(): Promise<void>;
}

/** Makes an unconnected pair. `makeClient` lets a test bring a class of its own. */
export function pair(makeClient: () => Client = () => new Client({ name: 'agent', version: '1.2.3' })): Pair {
  const [transport, serverSide] = InMemoryTransport.createLinkedPair();
  const server = new McpServer({ name: 'fixture', version: '4.5.6' });
  addFeatures(server);
  const received: JSONRPCMessage[] = [];
  const client = makeClient();
  return {
    client,
    server,
    transport,
    received,
    connect: async () => {
      await server.connect(serverSide);
      const deliver = serverSide.onmessage;
      serverSide.onmessage = (message, extra) => {
        received.push(message);
        deliver?.(message, extra);
      };
      await client.connect(transport);
    },
  };
}

function addFeatures(server: McpServer): void {
  const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
  server.registerTool('echo', { inputSchema: { message: z.string().optional() } }, ({ message }) =>
    said(`said ${message ?? ''}`),
  );
  server.registerTool('broken', {}, () => ({ ...said('it broke'), isError: true }));
  server.registerTool('slow', {}, () => new Promise(() => undefined));
  server.registerResource('note', 'note://one', {}, (uri) => ({
    contents: [{ uri: uri.href, text: 'a note' }],
  }));
  server.registerPrompt('greet', { argsSchema: { who: z.string() } }, ({ who }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `greet ${who}` } }],
  }));
}
