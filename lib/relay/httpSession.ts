import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { peek, peekText } from '../internal/peek.js';
import { sayOnce } from '../internal/stderr.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { refusedBy, UnansweredError, unsent } from './messages.js';
import { each, without, messageHeaders, type RawHeaders } from './headers.js';
import { gather, isEventStream, isJson, type Target } from './target.js';
import { takeEvents, type EventTaker } from './framing.js';
import { isBlank, type Exchange, type Outgoing } from './exchange.js';
import type { RelayedClient } from './relayedClient.js';

/** How often a redirection within the server is followed for one request. */
const MAX_REDIRECTIONS = 5;

/** A request of HTTP that a client of streamable HTTP makes. */
export interface SessionRequest {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly body?: Buffer | Readable;
  /** The message in it, where it is a single one. */
  readonly only?: object | undefined;
  /** Where a stream shall go on. */
  readonly lastEventId?: string | undefined;
  /** Called once all of it is on its way. */
  readonly onSent?: (() => void) | undefined;
  readonly signal: AbortSignal;
}

/** A session with a server over streamable HTTP, as its client sees it: what requests have to say of it. */
export class HttpSession {
  /** The id that the server gave it. */
  id: string | undefined;
  readonly #target: Target;
  readonly #headers: RawHeaders;
  /** The revision of the protocol that the handshake has agreed on. */
  #agreed: string | undefined;
  #isShakingHands = false;
  /** Where messages go, with its query, over the transport of revision 2024-11-05, which has neither session ids nor other headers. */
  #address: string | undefined;

  /** @param headers Go with each request, in place of those of the same names. */
  constructor(target: Target, headers: RawHeaders) {
    this.#target = target;
    this.#headers = headers;
  }

  /** A handshake has begun: the next answer that names a revision is its answer. */
  begin(): void {
    this.#isShakingHands = true;
  }

  /**
   * Messages go to this address, as the server names it.
   *
   * @returns Whether they do: an address at another origin would get them and the authorization of this one.
   */
  postTo(address: string): boolean {
    const { url } = this.#target;
    const to = URL.canParse(address, url.href) ? new URL(address, url) : undefined;
    if (to?.origin !== url.origin) return false;
    this.#address = to.pathname + to.search;
    return true;
  }

  /** The session is over, and the handshake of another has begun: it names neither a session nor a revision. */
  restart(): void {
    this.id = undefined;
    this.#agreed = undefined;
    this.begin();
  }

  /** Looks at what the server says, for the revision that it agrees to. */
  hear(message: Buffer): void {
    if (!this.#isShakingHands) return;
    try {
      const said: unknown = JSON.parse(message.toString());
      const agreed = peekText(peek(said, 'result'), 'protocolVersion');
      if (agreed === undefined) return;
      this.#agreed = agreed;
      this.#isShakingHands = false;
    } catch {
      // What cannot be read agrees on nothing.
    }
  }

  /** Why a request has no answer where the server answered with an error of HTTP. */
  refusal(status: number, body: Buffer | undefined): UnansweredError {
    const reason = refusedBy(status, body ?? Buffer.alloc(0));
    const isAuthorized = [...each(this.#headers)].some(([name]) => name.toLowerCase() === 'authorization');
    if (status !== 401 || isAuthorized) return reason;
    const hint = "give the relay a token: --header 'Authorization: Bearer ${TOKEN}'";
    sayOnce(`relay: the server asks for authorization; ${hint}`);
    return new UnansweredError('http_status', `${reason.message}; ${hint}`, status);
  }

  /**
   * Makes a request, and follows where the server itself sends it.
   *
   * @throws UnansweredError where there is no server.
   */
  async send(asked: SessionRequest): Promise<IncomingMessage> {
    const { method, body, signal, onSent } = asked;
    const { url } = this.#target;
    const headers = this.#headersOf(asked);
    const own = url.pathname + url.search;
    let path = method === 'POST' ? (this.#address ?? own) : own;
    for (let hop = 0; ; hop++) {
      const upstream = await this.#target.send({ method, path, headers, body, signal, onSent });
      const { location } = upstream.headers;
      const mayFollow = (method === 'GET' || Buffer.isBuffer(body)) && hop < MAX_REDIRECTIONS;
      if (![307, 308].includes(upstream.statusCode ?? 0) || location === undefined || !mayFollow)
        return upstream;
      const next = new URL(location, new URL(path, url));
      if (next.origin !== url.origin) return upstream;
      upstream.resume();
      path = next.pathname + next.search;
    }
  }

  #headersOf({ method, body, only, lastEventId }: SessionRequest): string[] {
    const set = [
      ...['Host', this.#target.url.host, 'User-Agent', `${PACKAGE_NAME}/${PACKAGE_VERSION}`],
      ...(method === 'POST' ? ['Content-Type', 'application/json'] : []),
      ...['Accept', method === 'POST' ? 'application/json, text/event-stream' : 'text/event-stream'],
      ...(this.id === undefined ? [] : ['Mcp-Session-Id', this.id]),
      ...(lastEventId === undefined ? [] : ['Last-Event-ID', lastEventId]),
      ...(this.#address === undefined ? messageHeaders(only, this.#agreed) : []),
      ...(Buffer.isBuffer(body) ? ['Content-Length', String(body.length)] : []),
    ];
    const names = [...each(this.#headers)].map(([name]) => name.toLowerCase());
    return [...without(set, ...names), ...this.#headers];
  }
}

/** What sessions are opened anew with. */
interface RenewalParts {
  readonly session: HttpSession;
  readonly client: RelayedClient;
  readonly exchange: Exchange;
  /** Takes what the server says meanwhile, but for its answer to the handshake. */
  readonly taker: EventTaker;
  /** Called when a new session is open. */
  readonly onRenewed: () => void;
  readonly signal: AbortSignal;
}

/**
 * Opens a session anew that the server has lost. A client must begin one where a request of its session is answered with 404
 * (specification of 2025-11-25, Transports, "Session Management"); one on standard streams cannot know, so that its own handshake is
 * said once more.
 */
export class Renewal {
  readonly #parts: RenewalParts;
  /** What the client said to open its session: as it came, for a new login has a trace context of its own. */
  #handshake: Buffer | undefined;
  #initialized: Buffer | undefined;
  #isLost = false;
  #underWay: Promise<void> | undefined;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /** Looks at what the client says, for its handshake. */
  note(bytes: Buffer, { messages, isBatch }: Outgoing): void {
    if (!isBatch && peek(messages[0]?.value, 'method') === 'initialize') this.#handshake = Buffer.from(bytes);
  }

  /** The client begins a session itself. */
  begin(): void {
    const { session } = this.#parts;
    if (this.#isLost) session.restart();
    else session.begin();
    this.#isLost = false;
    this.#initialized = undefined;
  }

  /** The server has taken the client's word that its session is open. */
  opened(initialized: Buffer): void {
    this.#initialized = initialized;
  }

  /**
   * Sends a message of the client's in its session; where the server has lost that, once more in a new one.
   *
   * @throws UnansweredError where there is no server, or no new session.
   */
  async send(asked: SessionRequest): Promise<IncomingMessage> {
    const { session } = this.#parts;
    if (peek(asked.only, 'method') === 'initialize') return session.send(asked);
    await this.#whole();
    const { id } = session;
    const upstream = await session.send(asked);
    if (upstream.statusCode !== 404 || !this.#lose(id)) return upstream;
    // One that is too long to be held is gone; what follows it finds a new session.
    if (!Buffer.isBuffer(asked.body)) return upstream;
    upstream.resume();
    await this.#whole();
    return session.send(asked);
  }

  /**
   * The stream of a session is answered with 404, which was open before.
   *
   * @param id The session's.
   * @throws UnansweredError where there is no new session.
   */
  async streamLost(id: string | undefined): Promise<void> {
    if (this.#lose(id)) await this.#whole();
  }

  /** Whether a lost session can be opened anew. */
  #lose(id: string | undefined): boolean {
    const { session, client } = this.#parts;
    if (id === undefined || this.#handshake === undefined) return false;
    if (id === session.id && !this.#isLost) {
      this.#isLost = true;
      client.lose('the server no longer knows the session');
    }
    return true;
  }

  /** Resolves when there is a session, opened anew where it was lost: once for all that wait for it. */
  #whole(): Promise<void> {
    if (!this.#isLost) return Promise.resolve();
    return (this.#underWay ??= this.#renew().finally(() => (this.#underWay = undefined)));
  }

  async #renew(): Promise<void> {
    const { session, client, exchange, onRenewed, signal } = this.#parts;
    session.restart();
    client.transport.sessionId = undefined;
    const handshake = await exchange.fromClient(this.#handshake ?? Buffer.alloc(0));
    const [login] = handshake.messages;
    if (handshake.bytes === undefined || login === undefined)
      throw refused('the login cannot be put on record');
    try {
      const body = handshake.bytes;
      const only = login.value;
      const upstream = await session.send({ method: 'POST', body, only, signal });
      const { statusCode: status = 0, headers } = upstream;
      const id = headers['mcp-session-id'];
      if (typeof id === 'string' && status < 300) session.id = client.transport.sessionId = id;
      client.exchanged(peek(only, 'id'), { status });
      await this.#hear(upstream, peek(only, 'id'));
      if (this.#initialized !== undefined)
        (await session.send({ method: 'POST', body: this.#initialized, signal })).resume();
    } catch (error) {
      const reason = error instanceof UnansweredError ? error : unsent(error);
      await exchange.giveUp([login], reason);
      session.id = client.transport.sessionId = undefined;
      throw refused(reason.message, reason.status);
    }
    this.#isLost = false;
    onRenewed();
  }

  /** Takes the server's answer to the handshake, which its client has had before. */
  async #hear(upstream: IncomingMessage, id: unknown): Promise<void> {
    const { session, exchange, taker } = this.#parts;
    const status = upstream.statusCode ?? 0;
    let settle: (outcome: 'agreed' | 'refused' | 'none') => void = () => undefined;
    const heard = new Promise<string>((resolve) => (settle = resolve));
    let said = '';
    const take = async (bytes: Buffer): Promise<void> => {
      const message = messageIn(bytes);
      if (peek(message, 'method') !== undefined || peek(message, 'id') !== id) return taker.take(bytes);
      session.hear(bytes);
      await exchange.fromServer(bytes);
      said = String(peek(peek(message, 'error'), 'message') ?? '');
      settle(peek(message, 'result') === undefined ? 'refused' : 'agreed');
    };
    let body: Buffer = Buffer.alloc(0);
    if (isEventStream(upstream)) void takeEvents(upstream, { ...taker, take }).then(() => settle('none'));
    else {
      const read = await gather(upstream);
      if (Buffer.isBuffer(read)) body = read;
      else upstream.destroy();
      if (isJson(upstream) && !isBlank(body) && status < 400) await take(body);
      settle('none');
    }
    const outcome = await heard;
    if (status >= 400) throw session.refusal(status, body);
    if (outcome === 'refused') throw new UnansweredError('session_lost', said);
    if (outcome === 'none') throw new UnansweredError('stream_ended', 'its answer has none to the handshake');
  }
}

function messageIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function refused(why: string, status?: number): UnansweredError {
  return new UnansweredError(
    'session_lost',
    `the server no longer knows the session, and a new one could not be opened: ${why}`,
    status,
  );
}
