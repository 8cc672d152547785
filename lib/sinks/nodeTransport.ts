import type { Agent, ClientRequest, IncomingMessage, request } from 'node:http';
import { quietly } from './emit.js';
import { deadlineSignal } from '../duration.js';
import {
  faultCode,
  retryAfterMs,
  UNPACKED,
  type HttpOutcome,
  type HttpRequest,
  type HttpTransport,
} from './httpRequest.js';

/** One of Node's two clients, loaded when it is first needed (5 ms), and its kept connections. */
interface Client {
  readonly request: typeof request;
  readonly agent: Agent;
}

/**
 * Sends with Node's own HTTP client, over connections that are kept. It costs a fifth of what `fetch` does for a large body
 * (`npm run bench -- --only http`), and follows and unpacks nothing by itself.
 */
export class NodeTransport implements HttpTransport {
  readonly #secure: boolean;
  readonly #maxResponseBytes: number;
  #client: Promise<Client> | undefined;

  constructor(endpoint: URL, maxResponseBytes: number) {
    this.#secure = endpoint.protocol === 'https:';
    this.#maxResponseBytes = maxResponseBytes;
  }

  async post(request: HttpRequest, timeoutMs: number): Promise<HttpOutcome> {
    const client = await (this.#client ??= load(this.#secure));
    const signal = deadlineSignal(timeoutMs);
    const first = await this.#send(client, request, signal);
    // A receiver may close a kept connection just when it is used again: that is no failure of its.
    return first === 'stale' ? this.#send(client, request, signal, true).then(settled) : first;
  }

  close(): void {
    void this.#client?.then(({ agent }) => agent.destroy());
  }

  #send(
    client: Client,
    request: HttpRequest,
    signal: AbortSignal,
    again = false,
  ): Promise<HttpOutcome | 'stale'> {
    return new Promise((resolve) => {
      const sent = quietly(() => start(client, request, signal));
      sent.on('error', (error) => {
        const stale = !again && sent.reusedSocket && faultCode(error) === 'ECONNRESET';
        resolve(stale ? 'stale' : { fault: faultCode(error) });
      });
      sent.on('response', (response) => {
        const { statusCode: status = 0, headers } = response;
        const outcome = { status, retryAfterMs: retryAfterMs(headers['retry-after'], headers.date) };
        // The status is the answer; a body that breaks off or runs out of time changes nothing about it.
        response.on('error', () => undefined).on('close', () => resolve(outcome));
        this.#drain(response);
      });
      sent.end(request.body);
    });
  }

  /** Reads a response body up to the cap, then hangs up. */
  #drain(response: IncomingMessage): void {
    let read = 0;
    response.on('data', (chunk: Buffer) => {
      read += chunk.byteLength;
      if (read > this.#maxResponseBytes) response.destroy();
    });
  }
}

async function load(secure: boolean): Promise<Client> {
  const { Agent, request } = secure ? await import('node:https') : await import('node:http');
  return { request, agent: new Agent({ keepAlive: true }) };
}

function start(
  { request, agent }: Client,
  { url, headers, body }: HttpRequest,
  signal: AbortSignal,
): ClientRequest {
  const sent = { ...UNPACKED, ...headers, 'content-length': body.byteLength };
  return request(url, { method: 'POST', agent, signal, headers: sent });
}

/** The second time, a connection is not stale but broken. */
function settled(outcome: HttpOutcome | 'stale'): HttpOutcome {
  return outcome === 'stale' ? { fault: 'ECONNRESET' } : outcome;
}
