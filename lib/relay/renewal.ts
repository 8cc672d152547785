import type { IncomingMessage } from 'node:http';
import { peek } from '../internal/peek.js';
import { unsent, UnansweredError } from './answers.js';
import { gather } from './bodies.js';
import { takeEvents, type EventTaker } from './eventStream.js';
import { isBlank, type Exchange, type Outgoing } from './exchange.js';
import type { HttpSession, SessionRequest } from './httpSession.js';
import type { RelayedClient } from './relayedClient.js';
import { isEventStream, isJson } from './target.js';

/** What sessions are opened anew with. */
export interface RenewalParts {
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
