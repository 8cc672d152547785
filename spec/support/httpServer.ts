import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ElicitRequestSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';

/** What a tool of such a server does: gives a text, or throws. */
export type Tool = (
  args: Record<string, unknown>,
  session: { readonly id: string; readonly server: Server },
) => unknown;

/** A server of the SDK over streamable HTTP, with sessions. */
export interface HttpServer {
  readonly url: URL;
  /** The ids of its sessions, in the order in which they began. */
  readonly sessions: readonly string[];
  /** Loses all sessions, as a server does that starts anew: their requests get the answer of a transport that has another. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one on loopback, with these tools. */
export async function startHttpServer(tools: readonly object[], call: Tool): Promise<HttpServer> {
  const open = new Map<string, StreamableHTTPServerTransport>();
  const sessions: string[] = [];
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const id = randomUUID();
    const server = new Server({ name: 'fixture', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools as never }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => ({
      content: [{ type: 'text', text: String(await call(params.arguments ?? {}, { id, server })) }],
    }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => id });
    open.set(id, transport);
    sessions.push(id);
    await server.connect(transport);
    return transport;
  };
  const forget = async (): Promise<void> => {
    for (const transport of open.values()) await transport.close();
    open.clear();
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const id = String(request.headers['mcp-session-id']);
    const known = open.get(id);
    if (known === undefined && sessions.includes(id)) return lost(response);
    await (known ?? (await begin())).handleRequest(request, response);
  };
  const http = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    sessions,
    forget,
    async close() {
      await forget();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** As the SDK's transport answers requests of a session that is not its own. */
function lost(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end('{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}');
}

/** A client of either SDK, and its transport to a server. */
export function httpClient(sdk: 'v1' | 'v2', url: URL, answers?: object) {
  const info = { name: 'agent', version: '1.2.3' };
  const options = { capabilities: answers === undefined ? {} : { elicitation: {} } };
  if (sdk === 'v1') {
    const client = new ClientV1(info, options);
    if (answers !== undefined) client.setRequestHandler(ElicitRequestSchema, () => answers as never);
    return { client, connect: () => client.connect(new TransportV1(url) as never) };
  }
  const client = new ClientV2(info, options);
  if (answers !== undefined) client.setRequestHandler('elicitation/create', () => answers as never);
  return { client, connect: () => client.connect(new TransportV2(url)) };
}
