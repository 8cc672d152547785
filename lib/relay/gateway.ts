import type { IncomingMessage } from 'node:http';
import { setMaxListeners } from 'node:events';
import { PassThrough, Writable, type Readable } from 'node:stream';
import { ignore } from '../capture/client.js';
import { deadlineSignal } from '../internal/duration.js';
import { scopesOf } from '../capture/http.js';
import { peek } from '../internal/peek.js';
import { sayOnce } from '../internal/stderr.js';
import { ENDED, unansweredText, unsent, UnansweredError } from './messages.js';
import { gather, isEventStream, isJson, type Target } from './target.js';
import { callerOf, noteAuthorization } from './callers.js';
import { ClientOutput, OrderedWriter } from './orderedWriter.js';
import { takeEvents, eachPiece, withoutFeed, type EventTaker, type Seen, type Piece } from './framing.js';
import { Exchange, isBlank, type Outgoing, type Sent } from './exchange.js';
import { each, type RawHeaders } from './headers.js';
import { HttpSession, Renewal, type SessionRequest } from './httpSession.js';
import { memberOf, valueIn } from './jsonText.js';
import { OlderTransport, ServerStreams, type ServerStreamParts } from './serverStreams.js';
import type { RelayedClient } from './relayedClient.js';

/** What a gateway is made with. */
export interface GatewayParts {
  readonly target: Target;
  /** Go with each request, such as an authorization. */
  readonly headers: RawHeaders;
  readonly client: RelayedClient;
  readonly input: Readable;
  readonly output: Writable;
}

/** What goes to the server next: whole messages, or a piece of one that is too long to be read. */
type Item = Outgoing | Part;

interface Part {
  readonly passed: Buffer | undefined;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** One POST. */
interface Post {
  readonly body: Buffer | Readable;
  /** The message, where it is a single one. */
  readonly only: object | undefined;
  readonly requests: readonly Sent[];
  /** Called when what follows may be sent; more than once does no harm. */
  readonly next: () => void;
  /** Whether what follows may rely on its answer. */
  readonly isWaitedFor: boolean;
}

/**
 * Speaks with a server over streamable HTTP for a client on standard streams, which knows nothing of HTTP: sessions, the stream of what
 * the server says unasked, and streams that break off are the gateway's matter.
 */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #exchange: Exchange;
  readonly #toServer: OrderedWriter<Item>;
  readonly #toClient: ClientOutput;
  readonly #session: HttpSession;
  readonly #renewal: Renewal;
  readonly #older: OlderTransport;
  readonly #streams: ServerStreams;
  readonly #closing = new AbortController();
  /** What the client waits for. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** The message under way that is too long to be read. */
  #long = new PassThrough();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const { target, headers, client, input, output } = parts;
    this.#exchange = new Exchange(client);
    // Each request listens, and there may be any number under way.
    setMaxListeners(0, this.#closing.signal);
    this.#toClient = new ClientOutput(output);
    this.#session = new HttpSession(target, headers);
    const heard = {
      ...{ session: this.#session, signal: this.#closing.signal },
      taker: this.#takerOf((data) => this.#pass(data, false)),
    };
    this.#older = new OlderTransport(heard);
    this.#renewal = new Renewal({
      ...{ ...heard, client, exchange: this.#exchange },
      onRenewed: () => this.#streams.listen(),
    });
    const { renewal, session, signal } = { renewal: this.#renewal, ...heard };
    const hear: ServerStreamParts['hear'] = (upstream, isReplay) =>
      this.#events(upstream, { ...UNASKED, isReplay });
    this.#streams = new ServerStreams({ session, renewal, signal, hear });
    const poster = new Writable({
      objectMode: true,
      highWaterMark: 16,
      write: (item: Item, _, done) => this.#post(item, oneTime(done)),
    });
    this.#toServer = new OrderedWriter(poster, input);
    const authorization = [...each(headers)].filter(([name]) => name.toLowerCase() === 'authorization');
    noteAuthorization(client.transport, { ...callerOf(authorization.flat()), actor: undefined });
  }

  /**
   * Resolves when the client has said its last word and has all answers, or one of the two is gone.
   *
   * @returns Why the session is over, where the client has not ended it.
   */
  async run(): Promise<string | undefined> {
    const { input, output } = this.#parts;
    const gone = new Promise<void>((resolve) => {
      output.on('error', () => resolve());
      this.#closing.signal.addEventListener('abort', () => resolve());
    });
    const said = eachPiece(input, (piece) => this.#fromClient(piece)).then(async () => {
      await this.#toServer.settled;
      await this.#quiet();
    });
    const ended = this.#older.ended.then(async () => {
      await this.#quiet();
      return 'the server ended the stream';
    });
    const lost = await Promise.race([said, gone, ended]);
    return this.#closing.signal.aborted ? undefined : (lost ?? undefined);
  }

  /** Resolves when the client has all that it waits for. */
  async #quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await this.#toClient.settled;
  }

  /** Takes back what is under way. */
  abort(): void {
    this.#closing.abort();
  }

  /**
   * Leaves the session, as a client shall that needs it no more.
   *
   * @param timeoutMs How long the server may take; one that does not answer has heard it all the same.
   */
  async leave(timeoutMs: number): Promise<void> {
    this.abort();
    await Promise.all([...this.#underWay, this.#streams.settled]);
    if (this.#session.id === undefined) return;
    const signal = deadlineSignal(timeoutMs);
    await this.#session.send({ method: 'DELETE', signal }).then((upstream) => upstream.resume(), ignore);
  }

  /** Sends what the relay says in the client's place. */
  answerServer(answer: object): void {
    const bytes = Buffer.from(JSON.stringify(answer));
    const messages = [{ value: answer, isRequest: false, id: () => 'null' }];
    this.#toServer.write(Promise.resolve({ bytes, answer: undefined, messages, isBatch: false }), 0);
  }

  #fromClient(piece: Piece): void {
    const { length } = piece.bytes;
    if (piece.kind === 'part') {
      const { isFirst, isLast } = piece;
      const passing = this.#exchange.partFromClient(piece);
      return this.#toServer.write(
        passing.then((passed) => ({ passed, isFirst, isLast })),
        length,
      );
    }
    const passing = this.#exchange.fromClient(piece.bytes);
    this.#toServer.write(passing, length);
    void passing.then((outgoing) => {
      this.#renewal.note(piece.bytes, outgoing);
      if (outgoing.answer !== undefined) this.#tell(outgoing.answer);
    });
  }

  /** Tells the client, in the relay's own words. */
  #tell(text: string): void {
    this.#toClient.give(Promise.resolve(Buffer.from(text)), 0);
  }

  /**
   * Sends what is next, and calls back when what follows it may be sent: requests may overtake each other, and a cancellation must not
   * wait for their answers; but what comes after a handshake or a notification may rely on it.
   */
  #post(item: Item, next: () => void): void {
    if ('passed' in item) return this.#postPart(item, next);
    const { bytes, messages } = item;
    const body = bytes === undefined ? undefined : withoutFeed(bytes);
    if (body === undefined || isBlank(body)) return next();
    const requests = messages.filter(({ isRequest }) => isRequest);
    const methods = messages.map(({ value }) => peek(value, 'method'));
    const isHandshake = methods.includes('initialize');
    if (isHandshake) this.#renewal.begin();
    const only = messages.length === 1 ? messages[0]?.value : undefined;
    const posting = this.#deliver({
      ...{ body, only, requests, next },
      isWaitedFor: isHandshake || requests.length === 0,
    });
    this.#older.settle();
    const follow = (isTaken: boolean): void => {
      if (!isTaken || this.#older.isOpen || !methods.includes('notifications/initialized')) return;
      this.#renewal.opened(body);
      this.#streams.listen();
    };
    this.#follow(posting.then(follow).finally(next));
  }

  #postPart({ passed, isFirst, isLast }: Part, next: () => void): void {
    if (isFirst) {
      const body = (this.#long = new PassThrough());
      const post = { body, only: undefined, requests: [], next: () => undefined, isWaitedFor: false };
      // Where the server takes no more of it, the client's further pieces still have to go somewhere.
      this.#follow(this.#deliver(post).finally(() => body.resume()));
    }
    if (passed === undefined) next();
    else this.#long.write(passed, () => next());
    if (isLast) this.#long.end();
  }

  #follow(way: Promise<unknown>): void {
    const safe = way.catch((error: unknown) => sayOnce(`relay: ${String(error)}`));
    this.#underWay.add(safe);
    void safe.then(() => this.#underWay.delete(safe));
  }

  /** Makes a POST, and takes what the server answers. Resolves to whether the server has accepted it. */
  async #deliver(post: Post): Promise<boolean> {
    const { body, only, requests, next, isWaitedFor } = post;
    const onSent = isWaitedFor ? undefined : next;
    const { signal } = this.#closing;
    let upstream: IncomingMessage;
    try {
      upstream = await this.#send({ method: 'POST', body, only, onSent, signal });
    } catch (error) {
      await this.#fail(requests, error instanceof UnansweredError ? error : unsent(error));
      return false;
    }
    const { statusCode: status = 0, headers: told } = upstream;
    const { client } = this.#parts;
    const sessionId = told['mcp-session-id'];
    if (typeof sessionId === 'string') this.#session.id = client.transport.sessionId = sessionId;
    const scopes = status < 400 ? undefined : scopesOf(told['www-authenticate']);
    for (const { value } of requests) client.exchanged(peek(value, 'id'), { status, scopes });
    const seen = isEventStream(upstream) ? await this.#events(upstream, post) : undefined;
    const read = seen === undefined ? await this.#take(upstream) : undefined;
    if (status >= 400) await this.#fail(requests, this.#session.refusal(status, read), read);
    else if (seen?.id !== undefined) {
      const isNeeded = () => this.#awaitsOneOf(requests);
      const hear: ServerStreamParts['hear'] = (stream, isReplay) =>
        this.#events(stream, { requests, next, isReplay });
      await this.#streams.goOn({ from: seen, isNeeded, hear });
    } else await this.#older.until(() => !this.#awaitsOneOf(requests));
    await this.#fail(requests, ENDED);
    return status < 300;
  }

  /** Sends a message; where the server takes no handshake, it may speak the older transport. */
  async #send(asked: SessionRequest): Promise<IncomingMessage> {
    const upstream = await this.#renewal.send(asked);
    const isHandshake = peek(asked.only, 'method') === 'initialize';
    if (!isHandshake || ![400, 404, 405].includes(upstream.statusCode ?? 0)) return upstream;
    if (this.#older.isOpen || !(await this.#older.open())) return upstream;
    upstream.resume();
    // By this, capture tells the two transports apart.
    Reflect.deleteProperty(this.#parts.client.transport, 'terminateSession');
    return this.#session.send(asked);
  }

  /** Answers requests that the server has not answered. Where it has told an error of JSON-RPC without an id, that is the answer. */
  async #fail(requests: readonly Sent[], reason: UnansweredError, body?: Buffer): Promise<void> {
    const isOver = this.#closing.signal.aborted;
    const left = await this.#exchange.giveUp(requests, isOver ? ENDED : reason);
    const text = body?.toString() ?? '';
    const error = body === undefined ? undefined : memberOf(text, valueIn(text), 'error');
    for (const request of left) {
      const id = request.id();
      if (error === undefined || text[error.start] !== '{') this.#tell(unansweredText(id, reason));
      else this.#tell(`{"jsonrpc":"2.0","id":${id},"error":${text.slice(error.start, error.end)}}`);
    }
    if (requests.length === 0 && !isOver && reason !== ENDED)
      sayOnce(`relay: a message of the client's was not taken: ${reason.message}`);
  }

  /** Takes a response that is no stream. Gives it back where it is JSON that can be read. */
  async #take(upstream: IncomingMessage): Promise<Buffer | undefined> {
    const body = await gather(upstream).catch(() => Buffer.alloc(0));
    if (!Buffer.isBuffer(body)) {
      await this.#toClient.giveLong(this.#exchange.long('server').all(body));
      return undefined;
    }
    if (!isJson(upstream) || body.length === 0) return undefined;
    const status = upstream.statusCode ?? 0;
    // An error without an id answers no request by itself.
    if (status < 400 || this.#exchange.answersSome(body)) await this.#pass(body, false);
    return status < 400 ? undefined : body;
  }

  /** Gives the client a message of the server's, as one line. Resolves when it may have it. */
  async #pass(bytes: Buffer, isReplay: boolean): Promise<void> {
    this.#session.hear(bytes);
    const passing = this.#exchange.fromServer(bytes, isReplay);
    this.#toClient.give(passing, bytes.length);
    await passing;
  }

  /** Takes a stream of the server's to its end. */
  #events(
    upstream: IncomingMessage,
    { requests, next, isReplay = false }: Pick<Post, 'requests' | 'next'> & { readonly isReplay?: boolean },
  ): Promise<Seen> {
    const take = async (data: Buffer): Promise<void> => {
      await this.#pass(data, isReplay);
      if (!this.#awaitsOneOf(requests)) next();
    };
    return takeEvents(upstream, this.#takerOf(take));
  }

  #takerOf(take: EventTaker['take']): EventTaker {
    const takeLong: EventTaker['takeLong'] = (pieces) =>
      this.#toClient.giveLong(this.#exchange.long('server').all(pieces));
    return { take, takeLong, ready: () => this.#toClient.ready };
  }

  #awaitsOneOf(requests: readonly Sent[]): boolean {
    return requests.some(({ value }) => this.#parts.client.awaits(peek(value, 'id')));
  }
}

/** What the server says unasked: no request waits for it. */
const UNASKED = { requests: [], next: () => undefined };

/** A stream takes the same call back once. */
function oneTime(done: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) done();
    isDone = true;
  };
}
