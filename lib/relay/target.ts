import type { IncomingMessage, RequestOptions } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { loadClient, type Client } from '../sinks/http/nodeTransport.js';
import { faultCode } from '../sinks/http/transport.js';
import { UnansweredError } from './answers.js';
import type { Body } from './bodies.js';
import type { RawHeaders } from './headers.js';

/**
 * An idle connection is closed after so many milliseconds, before servers close it (Node's own after 5 s): a request on a connection
 * that the server closes at that moment fails, and must not be sent twice.
 */
const IDLE_MS = 4_000;

/** What is sent to the server. */
export interface TargetRequest {
  readonly method: string;
  /** With its query, as it was asked for. */
  readonly path: string;
  readonly headers: RawHeaders;
  readonly body?: Body | Readable | undefined;
  /** Takes the request back. */
  readonly signal?: AbortSignal | undefined;
  /** Called once all of it is on its way. */
  readonly onSent?: (() => void) | undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'no way leads to it',
};

/** The server at the other end of HTTP. */
export class Target {
  readonly url: URL;
  readonly #client: Promise<Client>;

  constructor(url: URL) {
    this.url = url;
    this.#client = loadClient(url.protocol === 'https:', undefined, { timeout: IDLE_MS });
  }

  /**
   * Resolves when the server begins to answer; nothing but the server and the signal ends the wait.
   *
   * @throws UnansweredError where there is no server.
   */
  async send({ method, path, headers, body, signal, onSent }: TargetRequest): Promise<IncomingMessage> {
    const { request, agent } = await this.#client;
    const { hostname, port, protocol } = this.url;
    const options: RequestOptions = {
      ...{ method, path, agent, protocol, port },
      // Node takes IPv6 addresses without their brackets.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      // Node takes raw headers as well, of which its types do not tell.
      headers: [...headers] as unknown as Record<string, string>,
      ...(signal !== undefined && { signal }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(options);
      let isAnswered = false;
      sent.on('response', (response) => {
        isAnswered = true;
        resolve(response);
      });
      // It switches protocols unasked.
      sent.on('upgrade', (_, socket) => socket.destroy());
      sent.on('error', (error) => reject(unreachable(error)));
      sent.on('close', () => isAnswered || reject(unreachable(new Error('closed'))));
      sent.on('finish', () => onSent?.());
      if (body === undefined || Buffer.isBuffer(body)) sent.end(body);
      else
        pipeline(body instanceof Readable ? body : Readable.from(body, { objectMode: false }), sent).catch(
          (error: unknown) => reject(unreachable(error)),
        );
    });
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    (await this.#client).agent.destroy();
  }
}

function unreachable(error: unknown): UnansweredError {
  const fault = faultCode(error);
  const code = fault === 'FETCH_FAILED' ? 'ECONNRESET' : fault;
  return new UnansweredError('unreachable', `the server cannot be reached: ${REASONS[code] ?? code}`);
}

/** Whether a response is a stream of server-sent events. */
export function isEventStream({ headers }: IncomingMessage): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(headers['content-type'] ?? '');
}

/** Whether a response is JSON. */
export function isJson({ headers }: IncomingMessage): boolean {
  return /^\s*application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(headers['content-type'] ?? '');
}
