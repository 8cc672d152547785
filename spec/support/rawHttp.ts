import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { modern, type RawAnswer, type RawRequest } from './rawServer.js';

/** A server over streamable HTTP that answers every request as a script has it. */
export interface RawHttp {
  readonly url: URL;
  close(): Promise<void>;
}

/**
 * A script for one POST: gives the answer to its request, or answers the response itself and gives `'done'`. Undefined leaves
 * the handshake, pings and notifications to the server.
 */
export type HttpScript = (
  request: RawRequest,
  http: { readonly request: IncomingMessage; readonly response: ServerResponse },
) => RawAnswer | 'done';

/** What else such a server may have. */
export interface RawHttpOptions {
  /** What it calls itself just now. */
  readonly serverInfo?: () => object;
  readonly capabilities?: object;
  readonly tools?: readonly object[];
  /** What it gives for other paths than its own, as JSON: the documents and tokens of an authorization server. */
  readonly others?: (
    path: string,
    body: string,
    origin: string,
  ) => { status?: number; json: object } | undefined;
}

/** Starts one on loopback. */
export async function startRawHttp(script: HttpScript, options: RawHttpOptions = {}): Promise<RawHttp> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const origin = `http://${request.headers.host ?? ''}`;
      const path = request.url ?? '';
      if (path !== '/mcp') {
        const other = options.others?.(path, body, origin);
        response.writeHead(other?.status ?? (other === undefined ? 404 : 200), {
          'content-type': 'application/json',
        });
        return void response.end(JSON.stringify(other?.json ?? {}));
      }
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(body) as RawRequest;
      const answer = script(message, { request, response }) ?? usual(message, options);
      if (answer === 'done') return;
      if (message.id === undefined || answer === undefined) return void response.writeHead(202).end();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const PLAIN = [{ name: 'plain', inputSchema: { type: 'object' } }];

function usual({ method, params }: RawRequest, options: RawHttpOptions): RawAnswer {
  const { capabilities = { tools: {} }, tools = PLAIN } = options;
  const serverInfo = options.serverInfo?.() ?? { name: 'raw', version: '4.5.6' };
  if (method === 'initialize') {
    const { protocolVersion } = params as { protocolVersion: string };
    return { result: { protocolVersion, capabilities, serverInfo } };
  }
  if (method === 'server/discover')
    return { result: modern({ supportedVersions: ['2026-07-28'], capabilities }, serverInfo) };
  if (method === 'tools/list') return { result: modern({ tools }, serverInfo) };
  if (method === 'tools/call') return { result: modern({ content: [] }, serverInfo) };
  return method === 'ping' ? { result: {} } : undefined;
}
