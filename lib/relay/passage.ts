import type { IncomingMessage, ServerResponse } from 'node:http';
import { ignore } from '../capture/client.js';
import { acceptable, Packing, type Body, type Target } from './target.js';
import { callerOf, runFor, type Caller } from './callers.js';
import * as headers from './headers.js';
import { EventCutter, eventOf, readEvent, withData, type EventPiece } from './framing.js';
import type { LongMessage } from './exchange.js';
import { OrderedWriter } from './orderedWriter.js';
import type { Session } from './sessions.js';

/** One request of a client's on its way to the server, and the response on its way back. */
export class Passage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Where the server has it, with its query: where the client has it, but for the root, which stands for the server's own address. */
  readonly path: string;
  /** Who sent it. */
  caller: Caller;
  readonly #target: Target;
  readonly #own: headers.RawHeaders;
  readonly #gone = new AbortController();
  #isOver = false;

  /** @param own Headers that go to the server in place of those of the same names. */
  constructor(request: IncomingMessage, response: ServerResponse, target: Target, own: headers.RawHeaders) {
    this.request = request;
    this.response = response;
    this.#target = target;
    this.#own = own;
    this.caller = callerOf(request.rawHeaders);
    this.path = pathOf(request.url ?? '/', target.url);
    response.on('close', () => {
      this.#isOver = true;
      if (!response.writableFinished) this.#gone.abort();
    });
    // Either may be told of while nobody listens.
    request.on('error', ignore);
    response.on('error', ignore);
  }

  /** Whether the client has the whole response, or has left before. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The value of the request's first header of this name, which is given in lower case. */
  header(name: string): string | undefined {
    return headers.valueOf(this.request.rawHeaders, name);
  }

  /** Where the client finds the relay: as it calls it, over TLS where a server before us says that it has ended that. */
  get origin(): string {
    const isSecure = /^https\b/i.test(this.header('x-forwarded-proto') ?? '');
    return `${isSecure ? 'https' : 'http'}://${this.header('host') ?? ''}`;
  }

  /** Sends the request on. A client that leaves takes it back. */
  send(body?: Body | IncomingMessage): Promise<IncomingMessage> {
    const { method = 'GET', rawHeaders, httpVersion } = this.request;
    const length = Buffer.isBuffer(body) ? body.length : undefined;
    return this.#target.send({
      ...{ method, path: this.path, body, signal: this.#gone.signal },
      headers: onwards(rawHeaders, { target: this.#target, own: this.#own, httpVersion, length }),
    });
  }

  /**
   * Hands on how the server begins to answer.
   *
   * @param length Of the body: `other` where what follows may be longer or shorter than what the server sends. Default: as the server has it.
   */
  begin(upstream: IncomingMessage, length?: number | 'other'): void {
    const replaced = length === undefined ? [] : ['content-length'];
    const kept = headers.without(headers.endToEnd(upstream.rawHeaders), ...replaced);
    const readdressed = headers.readdressed(kept, this.#target.url.origin, this.origin);
    const sized = typeof length === 'number' ? ['Content-Length', String(length)] : [];
    const { statusCode = 502, statusMessage = '' } = upstream;
    this.response.writeHead(statusCode, statusMessage, [...readdressed, ...sized]);
    this.response.flushHeaders();
  }

  /** Hands on an answer with this body. */
  end(upstream: IncomingMessage, body: Buffer): void {
    const hasLength = upstream.headers['content-length'] !== undefined || body.length > 0;
    this.begin(upstream, hasLength && this.request.method !== 'HEAD' ? body.length : undefined);
    this.response.end(body);
  }

  /** Answers in the server's place. */
  answer(status: number, json: string): void {
    const length = Buffer.byteLength(json);
    this.response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length });
    this.response.end(json);
  }
}

/** What goes to the server of a client's headers. */
export function onwards(
  given: headers.RawHeaders,
  hop: {
    readonly target: Target;
    readonly own: headers.RawHeaders;
    readonly httpVersion: string;
    readonly length: number | undefined;
  },
): string[] {
  const { target, own, httpVersion, length } = hop;
  const names = [...headers.each(own)].map(([name]) => name.toLowerCase());
  // The relay itself has asked for the body that a client holds back until it is (RFC 9110, section 10.1.1).
  const replaced = ['host', 'expect', ...names, ...(length === undefined ? [] : ['content-length'])];
  const kept = headers.without(headers.via(headers.endToEnd(given), httpVersion), ...replaced);
  const readable = [...headers.each(kept)].flatMap(([name, value]) =>
    name.toLowerCase() === 'accept-encoding' ? [name, acceptable(value)] : [name, value],
  );
  const sized = length === undefined ? [] : ['Content-Length', String(length)];
  return ['Host', target.url.host, ...readable, ...own, ...sized];
}

function pathOf(asked: string, { pathname, search }: URL): string {
  const [path = '/', ...query] = asked.replace(/^https?:\/\/[^/?]*/i, '').split('?');
  const mapped = path === '/' || path === '' ? pathname : path;
  if (query.length > 0) return `${mapped}?${query.join('?')}`;
  return mapped === pathname ? mapped + search : mapped;
}

/** A stream of the server's that is to reach the client. Its beginning, the response's headers, has been handed on. */
interface EventPassage {
  readonly upstream: IncomingMessage;
  readonly response: ServerResponse;
  readonly session: Session;
  /** Whether the client goes on with a stream that broke off. */
  readonly isResumed: boolean;
  /** An answer of ours that goes before what the server says. */
  readonly first: Buffer | undefined;
  /** Where the server takes messages, as it says (transport of revision 2024-11-05); gives what the client is told. */
  readonly onEndpoint: (address: string) => string;
}

/**
 * Hands a stream on, event by event, as each is on record. Resolves when it has ended.
 *
 * @returns Whether the client has left it.
 */
export async function passEvents(passage: EventPassage): Promise<{ isCut: boolean }> {
  const { upstream, response, session, first } = passage;
  const streams = new Packing(upstream.headers['content-encoding']).streams();
  const input = streams === undefined ? upstream : upstream.pipe(streams.decoder);
  const output = streams?.encoder ?? response;
  streams?.encoder.pipe(response);
  const writer = new OrderedWriter(output, input);
  if (first !== undefined) writer.write(Promise.resolve(eventOf(first.toString())), first.length);
  const cutter = new EventCutter();
  let long: LongMessage | undefined;
  const pass = (piece: EventPiece): Promise<Buffer | undefined> => {
    if (piece.kind === 'event') return passEvent(passage, piece.bytes);
    if (piece.isFirst) long = session.exchange.long('server');
    return long?.pass(piece) ?? Promise.resolve(undefined);
  };
  const take = (piece: EventPiece): void => {
    const { caller } = session;
    const passing = caller === undefined ? pass(piece) : runFor(caller, () => pass(piece));
    writer.write(passing, piece.bytes.length);
  };
  const isWhole = await new Promise<boolean>((resolve) => {
    input.on('data', (bytes: Buffer) => {
      for (const piece of cutter.cut(bytes)) take(piece);
    });
    input.once('end', () => resolve(true));
    for (const stream of [upstream, input]) stream.once('error', () => resolve(false));
    upstream.once('close', () => upstream.complete || resolve(false));
    response.once('close', () => resolve(false));
  });
  for (const piece of cutter.end()) take(piece);
  const isCut = response.destroyed;
  await writer.settled;
  if (isWhole) output.end();
  else {
    upstream.destroy();
    response.destroy();
  }
  return { isCut };
}

async function passEvent(
  { session, isResumed, onEndpoint }: EventPassage,
  bytes: Buffer,
): Promise<Buffer | undefined> {
  const { type, id, data } = readEvent(bytes);
  if (id !== undefined) session.isResumable = true;
  if (data === undefined || data.length === 0) return bytes;
  if (type === 'endpoint') return withData(bytes, Buffer.from(onEndpoint(data.toString())));
  if (type !== 'message') return bytes;
  const passed = await session.exchange.fromServer(data, isResumed);
  return passed === data ? bytes : withData(bytes, passed);
}
