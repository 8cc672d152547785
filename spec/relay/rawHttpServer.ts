import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as a server has got it. */
export interface Got {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly raw: readonly string[];
  readonly body: Buffer;
}

/** A server that answers as a test has it, and keeps what it was asked. */
export async function startRaw(
  answer: (got: Got, response: ServerResponse, request: IncomingMessage) => void,
) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders: raw } = request;
      const one = { method, url, headers, raw, body: Buffer.concat(pieces) };
      got.push(one);
      answer(one, response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    got,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** A response as a client has got it, unpacked by nobody. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly raw: readonly string[];
  readonly body: Buffer;
}

/** Makes a request over a connection of its own. */
export function send(
  url: URL,
  options: {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string | string[]>>;
    readonly body?: string | Buffer;
  } = {},
): Promise<Answer> {
  const { method = 'POST', path = url.pathname, headers = {}, body } = options;
  const typed =
    body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = ask({
      ...{ hostname: url.hostname, port: url.port, method, path, agent: false },
      headers: { accept: 'application/json, text/event-stream', ...typed, ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: told, rawHeaders: raw } = response;
        resolve({ status, headers: told, raw, body: Buffer.concat(pieces) });
      });
    });
    sent.end(body);
  });
}

/** A request of JSON-RPC as text. */
export const rpc = (id: unknown, method: string, params?: object): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

/** An answer of JSON-RPC as text. */
export const result = (id: unknown, value: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: value });

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  text: string,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(text);
}
