import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { peek, peekText } from '../internal/peek.js';
import { sayOnce } from '../internal/stderr.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../version.js';
import { refusedBy, UnansweredError } from './answers.js';
import { each, without, type RawHeaders } from './headers.js';
import { messageHeaders } from './messageHeaders.js';
import type { Target } from './target.js';

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
