import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One request, as it arrived. */
export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Answers one request: a status, or whatever is done with the response. */
export type Answer = number | ((response: ServerResponse, request: ReceivedRequest) => void);

/** A real HTTP or HTTPS server on loopback that keeps what it is sent. */
export interface HttpReceiver {
  url: string;
  requests: ReceivedRequest[];
  /** The answers to the next requests, in turn; after them, {@link HttpReceiver.answer}. */
  script: Answer[];
  /** The answer to every request that the script does not answer. Default: 200. */
  answer: Answer;
  close(): Promise<void>;
}

/** Starts a receiver; with `tls`, one that speaks HTTPS. */
export async function startReceiver(tls?: ServerOptions): Promise<HttpReceiver> {
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received: ReceivedRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      receiver.requests.push(received);
      const answer = receiver.script.shift() ?? receiver.answer;
      if (typeof answer === 'number') response.writeHead(answer).end();
      else answer(response, received);
    });
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: HttpReceiver = {
    url: `${tls ? 'https' : 'http'}://${tls ? 'localhost' : '127.0.0.1'}:${port}`,
    requests: [],
    script: [],
    answer: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}

/** Breaks the connection without an answer. */
export const reset: Answer = (response) => response.socket?.resetAndDestroy();

/** Never answers. */
export const hang: Answer = () => undefined;
