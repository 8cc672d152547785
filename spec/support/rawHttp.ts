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

/** Starts one on loopback. */
export async function startRawHttp(script: HttpScript, serverInfo?: () => object): Promise<RawHttp> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(Buffer.concat(pieces).toString()) as RawRequest;
      const answer = script(message, { request, response }) ?? usual(message, serverInfo?.());
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

function usual(
  { method, params }: RawRequest,
  serverInfo: object = { name: 'raw', version: '4.5.6' },
): RawAnswer {
  const capabilities = { tools: {} };
  if (method === 'initialize') {
    const { protocolVersion } = params as { protocolVersion: string };
    return { result: { protocolVersion, capabilities, serverInfo } };
  }
  if (method === 'server/discover')
    return { result: modern({ supportedVersions: ['2026-07-28'], capabilities }, serverInfo) };
  if (method === 'tools/list')
    return { result: modern({ tools: [{ name: 'plain', inputSchema: { type: 'object' } }] }, serverInfo) };
  if (method === 'tools/call') return { result: modern({ content: [] }, serverInfo) };
  return method === 'ping' ? { result: {} } : undefined;
}
