import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { quietly } from './emit.js';
import {
  deadlineSignal,
  faultCode,
  retryAfterMs,
  UNPACKED,
  type HttpOutcome,
  type HttpRequest,
  type HttpTransport,
} from './httpRequest.js';

/**
 * Sends with Node's own HTTP client, over connections that are kept. It costs a fifth of what `fetch` does for a large body
 * (benchmarks/httpSink.ts), and follows and unpacks nothing by itself.
 */
export class NodeTransport implements HttpTransport {
  readonly #secure: boolean;
  readonly #agent: HttpAgent;
  readonly #maxResponseBytes: number;

  constructor(endpoint: URL, maxResponseBytes: number) {
    this.#secure = endpoint.protocol === 'https:';
    this.#agent = this.#secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    this.#maxResponseBytes = maxResponseBytes;
  }

  async post(request: HttpRequest, timeoutMs: number): Promise<HttpOutcome> {
    const signal = deadlineSignal(timeoutMs);
    const first = await this.#send(request, signal);
    // A receiver may close a kept connection just when it is used again: that is no failure of its.
    return first === 'stale' ? this.#send(request, signal, true).then(settled) : first;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(request: HttpRequest, signal: AbortSignal, again = false): Promise<HttpOutcome | 'stale'> {
    return new Promise((resolve) => {
      const sent = quietly(() => this.#start(request, signal));
      sent.on('error', (error) => {
        const stale = !again && sent.reusedSocket && faultCode(error) === 'ECONNRESET';
        resolve(stale ? 'stale' : { fault: faultCode(error) });
      });
      sent.on('response', (response) => {
        const { statusCode: status = 0, headers } = response;
        const outcome = { status, retryAfterMs: retryAfterMs(headers['retry-after']) };
        // The status is the answer; a body that breaks off or runs out of time changes nothing about it.
        response.on('error', () => undefined).on('close', () => resolve(outcome));
        this.#drain(response);
      });
      sent.end(request.body);
    });
  }

  #start({ url, headers, body }: HttpRequest, signal: AbortSignal): ClientRequest {
    const options = {
      method: 'POST',
      agent: this.#agent,
      signal,
      headers: { ...UNPACKED, ...headers, 'content-length': body.byteLength },
    };
    return this.#secure ? httpsRequest(url, options) : httpRequest(url, options);
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

/** The second time, a connection is not stale but broken. */
function settled(outcome: HttpOutcome | 'stale'): HttpOutcome {
  return outcome === 'stale' ? { fault: 'ECONNRESET' } : outcome;
}
