import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ignore } from '../capture/client.js';
import { scopesOf } from '../capture/http.js';
import { AuditUnavailableError } from '../errors.js';
import { peek } from '../internal/peek.js';
import { sayOnce } from '../internal/stderr.js';
import type { OperationRecorder } from '../processor/operation.js';
import { refusalOf, refusedBy, together, unansweredText, UnansweredError, Envelope } from './messages.js';
import { gather, Packing, isEventStream, isJson, type Body, type Target } from './target.js';
import { noteAuthorization, runFor, verifiedCallerOf, type Introspection } from './callers.js';
import type { Outgoing, Sent } from './exchange.js';
import {
  atOrigin,
  metadataPaths,
  readdressedResource,
  strangeness,
  without,
  type RawHeaders,
  type Welcome,
} from './headers.js';
import { onwards, Passage, passEvents } from './passage.js';
import { Sessions, type Session } from './sessions.js';

/** What a proxy is made with. */
export interface ProxyParts {
  readonly target: Target;
  /** Without one, nothing is recorded. */
  readonly recorder: OperationRecorder | undefined;
  readonly welcome: Welcome;
  /** Go to the server with each request, in place of those of the same names. */
  readonly headers: RawHeaders;
  /** Asked whose tokens are. Default: what they say of themselves, unverified. */
  readonly introspection?: Introspection | undefined;
}

const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/** So many other places of such metadata are known at once. A server has one for each of its addresses. */
const MAX_METADATA = 1_000;

/** Stands in a server's place, and hands on what clients and the server say over HTTP. */
export class Proxy {
  readonly #sessions: Sessions;
  readonly #parts: ProxyParts;
  readonly #underWay = new Set<Promise<void>>();
  /** Where the server's challenges say that its metadata are, in places other than the usual. */
  readonly #metadata = new Set<string>();

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    const { target, recorder } = parts;
    const answerServer = (answer: object, session: Session) => void this.#answerServer(answer, session);
    this.#sessions = new Sessions({ url: target.url, recorder, answerServer });
  }

  /** Hands one request on, and its response back. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const handling = this.#handle(request, response);
    this.#underWay.add(handling);
    void handling.finally(() => this.#underWay.delete(handling));
  }

  /** Resolves when all is on record of clients whose connections have been closed. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#sessions.endAll();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { target, welcome, headers: own } = this.#parts;
    const passage = new Passage(request, response, target, own);
    const strange = strangeness(request.rawHeaders, welcome);
    if (strange !== undefined) return passage.answer(403, forbiddenText(strange));
    const { introspection } = this.#parts;
    if (introspection !== undefined)
      passage.caller = await verifiedCallerOf(request.rawHeaders, introspection);
    try {
      await (request.method === 'POST' ? this.#post(passage) : this.#hand(passage));
    } catch (error) {
      if (passage.isOver) return;
      if (!(error instanceof UnansweredError)) sayOnce(`relay: ${String(error)}`);
      else if (!response.headersSent) return passage.answer(502, unansweredText('null', error));
      response.destroy();
    }
  }

  #sessionOf(passage: Passage): Session {
    const { request, path } = passage;
    const id = passage.header('mcp-session-id');
    const session =
      id === undefined ? (this.#sessions.at(path) ?? this.#sessions.alone()) : this.#sessions.of(id);
    session.caller = passage.caller;
    noteAuthorization(session.client.transport, session.caller);
    session.headers = request.rawHeaders;
    return session;
  }

  /** What holds no message: a stream that is opened, a session that is closed, metadata, and all that is no MCP. */
  async #hand(passage: Passage, body?: Body): Promise<void> {
    const { request, response } = passage;
    const { method = 'GET' } = request;
    const hasBody = passage.header('content-length') ?? passage.header('transfer-encoding');
    const upstream = await passage.send(body ?? (hasBody === undefined ? undefined : request));
    const isKnown = passage.header('mcp-session-id') !== undefined;
    if (method === 'GET' && isEventStream(upstream)) return this.#listen(passage, upstream);
    if (isKnown && this.#isEndpoint(passage)) await this.#noteEnd(passage, upstream);
    this.#noteChallenge(upstream);
    const [path = ''] = passage.path.split('?');
    if (path.startsWith(RESOURCE_METADATA) || this.#metadata.has(path))
      return this.#describe(passage, upstream);
    passage.begin(upstream);
    await pipeline(upstream, response);
  }

  #noteChallenge({ rawHeaders }: IncomingMessage): void {
    for (const path of metadataPaths(rawHeaders, this.#parts.target.url.origin))
      if (this.#metadata.size < MAX_METADATA) this.#metadata.add(path);
  }

  /** A session ends where its client says so, or where the server no longer knows it. */
  async #noteEnd(passage: Passage, { statusCode: status = 0 }: IncomingMessage): Promise<void> {
    const { method } = passage.request;
    const isGone = status === 404;
    const isLeft = method === 'DELETE' && (status < 300 || status === 404 || status === 405);
    if (isLeft) await this.#sessions.end(this.#sessionOf(passage));
    else if (isGone)
      await this.#sessions.end(this.#sessionOf(passage), 'the server no longer knows the session');
  }

  /** A stream on which the server says what no request has asked for. */
  async #listen(passage: Passage, upstream: IncomingMessage): Promise<void> {
    const session = this.#sessionOf(passage);
    passage.begin(upstream, 'other');
    const { isCut } = await this.#events(passage, upstream, session, undefined);
    // Over the older transport, this stream is the session.
    if (session.client.transport.terminateSession === undefined)
      await this.#sessions.end(session, isCut ? undefined : 'the server ended the stream');
    else if (session.key === undefined) await this.#sessions.end(session);
  }

  async #events(passage: Passage, upstream: IncomingMessage, session: Session, first: Buffer | undefined) {
    session.open++;
    try {
      const { url } = this.#parts.target;
      return await passEvents({
        ...{ upstream, response: passage.response, session, first },
        isResumed: passage.header('last-event-id') !== undefined,
        // Over the older transport, the server tells where it takes messages.
        onEndpoint: (told) => {
          const address = new URL(told, new URL(passage.path, url));
          this.#sessions.keepAt(session, address.pathname + address.search);
          return atOrigin(told, url.origin, passage.origin);
        },
      });
    } finally {
      session.open--;
    }
  }

  /** RFC 9728: the client compares the resource's identifier with the address that it called, which is the relay's. */
  async #describe(passage: Passage, upstream: IncomingMessage): Promise<void> {
    const body = await gather(upstream);
    if (!Buffer.isBuffer(body)) throw new Error('the metadata of the server is too long');
    const packing = new Packing(upstream.headers['content-encoding']);
    const read = await packing.unpacked(body);
    const { origin } = this.#parts.target.url;
    const made = readdressedResource(read, origin, passage.origin);
    passage.end(upstream, made === read ? body : await packing.packed(made));
  }

  #isEndpoint({ path }: Passage): boolean {
    return path.split('?')[0] === this.#parts.target.url.pathname || this.#sessions.at(path) !== undefined;
  }

  async #post(passage: Passage): Promise<void> {
    const body = await gather(passage.request);
    const isEndpoint = this.#isEndpoint(passage);
    if (!Buffer.isBuffer(body)) return isEndpoint ? this.#postLong(passage, body) : this.#hand(passage, body);
    const packing = new Packing(passage.request.headers['content-encoding']);
    const read = await packing.unpacked(body);
    // A server may take messages at other addresses as well, and none may pass unseen.
    if (!isEndpoint && !isMessage(read)) return this.#hand(passage, body);
    const session = this.#sessionOf(passage);
    session.open++;
    try {
      const { caller } = session;
      const pass = () => session.exchange.fromClient(read);
      const outgoing = await (caller === undefined ? pass() : runFor(caller, pass));
      const { bytes, answer } = outgoing;
      if (bytes === undefined) return passage.answer(200, answer ?? '');
      const packed = bytes === read ? body : await packing.packed(bytes);
      await this.#exchange(passage, session, outgoing, packed);
    } finally {
      session.open--;
      if (session.key === undefined) await this.#sessions.end(session);
    }
  }

  /** A message that is too long to be read. */
  async #postLong(passage: Passage, body: Exclude<Body, Buffer>): Promise<void> {
    const session = this.#sessionOf(passage);
    const long = session.exchange.long('client');
    if (!(await long.admitted)) {
      const refusal = new AuditUnavailableError('a message that cannot be read was not sent');
      return passage.answer(200, refusalOf('null', refusal));
    }
    const outgoing = { bytes: undefined, answer: undefined, messages: [], isBatch: false };
    await this.#exchange(passage, session, outgoing, long.all(body));
  }

  /** Sends messages to the server, and hands back what it answers. */
  async #exchange(passage: Passage, session: Session, outgoing: Outgoing, body: Body): Promise<void> {
    const requests = outgoing.messages.filter(({ isRequest }) => isRequest);
    const upstream = await passage.send(body).catch(async (error: unknown) => {
      const reason =
        error instanceof UnansweredError ? error : new UnansweredError('unreachable', String(error));
      const isGone = passage.isOver;
      await session.exchange.giveUp(requests, isGone ? new UnansweredError('stream_ended', GONE) : reason);
      if (!isGone) passage.answer(502, unansweredBody(outgoing, requests, reason));
      return undefined;
    });
    if (upstream === undefined) return;
    this.#noteChallenge(upstream);
    const { statusCode: status = 0, headers: told } = upstream;
    const id = told['mcp-session-id'];
    if (typeof id === 'string' && session.key === undefined) this.#sessions.keep(session, id);
    const scopes = status < 400 ? undefined : scopesOf(told['www-authenticate']);
    for (const { value } of requests) session.client.exchanged(peek(value, 'id'), { status, scopes });
    try {
      await this.#answer(passage, session, outgoing, upstream);
    } finally {
      const isKept = session.key !== undefined && (session.isResumable || status === 202);
      const reason = passage.isOver ? GONE : 'the server ended its answer without one to this request';
      if (!isKept) await session.exchange.giveUp(requests, new UnansweredError('stream_ended', reason));
      if (status === 404 && session.key !== undefined) await this.#noteEnd(passage, upstream);
    }
  }

  async #answer(
    passage: Passage,
    session: Session,
    outgoing: Outgoing,
    upstream: IncomingMessage,
  ): Promise<void> {
    const { answer, messages } = outgoing;
    if (isEventStream(upstream)) {
      // A stream that is over at once may tell its length, and an event of ours may take the place of one of its own.
      passage.begin(upstream, 'other');
      const first = answer === undefined ? undefined : Buffer.from(answer);
      await this.#events(passage, upstream, session, first);
      return;
    }
    const body = await gather(upstream);
    const requests = messages.filter(({ isRequest }) => isRequest);
    if (!Buffer.isBuffer(body)) {
      passage.begin(upstream);
      return pipeline(session.exchange.long('server').all(body), passage.response);
    }
    const { statusCode: status = 0 } = upstream;
    const packing = new Packing(upstream.headers['content-encoding']);
    const read = await packing.unpacked(body);
    const isRead = isJson(upstream) && body.length > 0;
    const passed = isRead ? await session.exchange.fromServer(read) : read;
    if (status >= 400) await session.exchange.giveUp(requests, refusedBy(status, read));
    if (answer !== undefined) return passage.answer(200, merged(answer, isRead ? passed : undefined));
    if (passed === undefined) return void passage.response.writeHead(202).end();
    passage.end(upstream, passed === read ? body : await packing.packed(passed));
  }

  /** The relay's own word to the server, by the headers of the client's last request. */
  async #answerServer(answer: object, session: Session): Promise<void> {
    const { target, headers: own } = this.#parts;
    const { url } = target;
    const body = Buffer.from(JSON.stringify(answer));
    const given = without(session.headers, 'accept', 'content-type', 'last-event-id', 'content-encoding');
    const typed = [
      ...given,
      'Content-Type',
      'application/json',
      'Accept',
      'application/json, text/event-stream',
    ];
    const isOlder = session.client.transport.terminateSession === undefined;
    const path = isOlder ? (session.key ?? url.pathname) : url.pathname + url.search;
    const send = target.send({
      method: 'POST',
      path,
      headers: onwards(typed, { target, own, httpVersion: '1.1', length: body.length }),
      body,
    });
    await send.then((upstream) => upstream.resume(), ignore);
  }
}

const GONE = 'the client closed the connection before the answer';

function unansweredBody(
  { isBatch, answer }: Outgoing,
  requests: readonly Sent[],
  reason: UnansweredError,
): string {
  const texts = requests.map((request) => unansweredText(request.id(), reason));
  const body = together(texts, isBatch) ?? unansweredText('null', reason);
  return answer === undefined ? body : merged(answer, Buffer.from(body));
}

/** Our answers to a batch, and the server's. */
function merged(ours: string, theirs: Buffer | undefined): string {
  const text = theirs?.toString().trim() ?? '';
  if (text === '') return ours;
  const items = text.startsWith('[') ? text.slice(1, -1) : text;
  return `${ours.slice(0, -1)},${items}]`;
}

function isMessage(body: Buffer): boolean {
  return Envelope.open(body)?.messages.some(({ value }) => peek(value, 'jsonrpc') !== undefined) === true;
}

/** As the SDK's own protection against DNS rebinding says it. */
function forbiddenText(message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null });
}
