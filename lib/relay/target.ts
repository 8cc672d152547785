import { Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { MAX_READ_BYTES } from './framing.js';
import { loadClient, type Client } from '../sinks/http/nodeTransport.js';
import { faultCode } from '../sinks/http/transport.js';
import { UnansweredError } from './messages.js';
import type { RawHeaders } from './headers.js';

/** What came of a body: all of it, or its beginning and then the rest as it comes, where it is too long to be read. */
export type Body = Buffer | AsyncGenerator<Buffer, void>;

/** Takes a body in, as far as it may be read. */
export async function gather(stream: Readable, limit = MAX_READ_BYTES): Promise<Body> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const held: Buffer[] = [];
  let size = 0;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    held.push(next.value);
    size += next.value.length;
    if (size > limit) return onwards(held, chunks);
  }
  return Buffer.concat(held);
}

async function* onwards(held: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  yield Buffer.concat(held);
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

/** How bodies are compressed and decompressed, by the name of the coding (RFC 9110, section 8.4.1). */
interface Coding {
  /** Decompresses a stream. */
  readonly decoder: () => Transform;
  /** Compresses a stream, and holds nothing of it back. */
  readonly encoder: () => Transform;
}

const SYNC = { flush: zlib.constants.Z_SYNC_FLUSH };
const GZIP: Coding = { decoder: () => zlib.createGunzip(), encoder: () => zlib.createGzip(SYNC) };

/** As many as every Node of ours has. */
const CODINGS: Readonly<Record<string, Coding>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: { decoder: () => zlib.createInflate(), encoder: () => zlib.createDeflate(SYNC) },
  br: {
    decoder: () => zlib.createBrotliDecompress(),
    encoder: () => zlib.createBrotliCompress({ flush: zlib.constants.BROTLI_OPERATION_FLUSH }),
  },
};

/** How one body is packed, by its `Content-Encoding`: what cannot be unpacked is as it is. */
export class Packing {
  readonly #coding: Coding | undefined;

  constructor(contentEncoding: string | undefined) {
    this.#coding = CODINGS[contentEncoding?.trim().toLowerCase() ?? ''];
  }

  /** What unpacks a stream and what packs it again; undefined where neither is to be done. */
  streams(): { readonly decoder: Transform; readonly encoder: Transform } | undefined {
    return this.#coding && { decoder: this.#coding.decoder(), encoder: this.#coding.encoder() };
  }

  /** Unpacks a body; one that is damaged, or would be too long to be read, comes back as it is. */
  async unpacked(body: Buffer): Promise<Buffer> {
    return (this.#coding && (await decoded(body, this.#coding))) ?? body;
  }

  /** Packs a body. */
  async packed(body: Buffer): Promise<Buffer> {
    return this.#coding === undefined ? body : await encoded(body, this.#coding);
  }
}

/** Which of the codings that a client takes can be read here; `identity` where none can. */
export function acceptable(header: string): string {
  const items = header.split(',').map((item) => item.trim());
  const known = items.filter((item) => {
    const [name = '', ...parameters] = item.toLowerCase().split(';');
    const isRefused = parameters.some((each) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(each));
    return Object.hasOwn(CODINGS, name.trim()) || name.trim() === 'identity' || isRefused;
  });
  return known.length === 0 ? 'identity' : known.join(', ');
}

/** Undefined where it is damaged, or too long to be read. */
async function decoded(body: Buffer, coding: Coding): Promise<Buffer | undefined> {
  const decoder = coding.decoder();
  decoder.end(body);
  try {
    const read = await gather(decoder);
    if (Buffer.isBuffer(read)) return read;
    decoder.destroy();
    return undefined;
  } catch {
    return undefined;
  }
}

async function encoded(body: Buffer, coding: Coding): Promise<Buffer> {
  const encoder = coding.encoder();
  encoder.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of encoder) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * An idle connection is closed after so many milliseconds, before servers close it (Node's own after 5 s): a request on a connection
 * that the server closes at that moment fails, and must not be sent twice.
 */
const IDLE_MS = 4_000;

/** What is sent to the server. */
interface TargetRequest {
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
