// A client of either line of the SDK, over each transport, with the same server behind it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const LINES = {
  v1: async () => ({
    ...(await import('@modelcontextprotocol/sdk/client/index.js')),
    ...(await import('@modelcontextprotocol/sdk/client/stdio.js')),
    ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
    ...(await import('@modelcontextprotocol/sdk/inMemory.js')),
    ...(await import('@modelcontextprotocol/sdk/server/mcp.js')),
  }),
  v2: async () => ({
    ...(await import('@modelcontextprotocol/client')),
    ...(await import('@modelcontextprotocol/client/stdio')),
    ...(await import('@modelcontextprotocol/server')),
  }),
};
const script = fileURLToPath(new URL('echoServer.mjs', import.meta.url));

const TRANSPORTS = {
  memory: async ({ InMemoryTransport, McpServer }) => {
    const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
    const server = new McpServer({ name: 'benchmark', version: '1.0.0' });
    server.registerTool('echo', { inputSchema: z.object({ message: z.string() }) }, ({ message }) => ({
      content: [{ type: 'text', text: message }],
    }));
    await server.connect(serverSide);
    return { transport: clientSide, stop: () => undefined };
  },
  stdio: ({ StdioClientTransport }) => {
    const transport = new StdioClientTransport({ command: process.execPath, args: [script] });
    return { transport, stop: () => transport.close() };
  },
  http: async ({ StreamableHTTPClientTransport }) => {
    const server = fork(script, ['http'], { execArgv: [] });
    const [url] = await once(server, 'message');
    return {
      transport: new StreamableHTTPClientTransport(new URL(url)),
      stop: () => server.disconnect(),
    };
  },
};

/** A client that is not connected yet, its class, and how it is connected and closed. */
export async function connect(line, name) {
  const sdk = await LINES[line]();
  const { transport, stop } = await TRANSPORTS[name](sdk);
  const client = new sdk.Client({ name: 'benchmark', version: '1.0.0' });
  return { Client: sdk.Client, client, open: () => client.connect(transport), close: stop };
}
