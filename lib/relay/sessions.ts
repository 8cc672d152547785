import type { OperationRecorder } from '../processor/operation.js';
import { runFor, type Caller } from './callers.js';
import { Exchange } from './exchange.js';
import type { RawHeaders } from './headers.js';
import type { TransportFacts } from './clientState.js';
import { RelayedClient } from './relayedClient.js';

/** So many sessions are known at once. Clients often leave without a word, and their sessions must not pile up for weeks. */
const MAX_SESSIONS = 10_000;

/** A session that nobody has used for so long is given up: one day. One that goes on all the same is known again by its id. */
const IDLE_MS = 24 * 60 * 60 * 1000;

/** One client behind a relay over HTTP. */
export interface Session {
  readonly client: RelayedClient;
  readonly exchange: Exchange;
  /** Who used it last: an end that nobody asked for is on record as theirs. */
  caller: Caller | undefined;
  /** Those of its last request. */
  headers: RawHeaders;
  /** Whether its streams can be gone on with where they broke off: their events have ids. */
  isResumable: boolean;
  /** Exchanges under way, open streams among them. */
  open: number;
  usedAt: number;
  /** Under what it is found again; undefined where each request stands alone. */
  key: string | undefined;
}

/** What sessions are made of. */
export interface SessionParts {
  readonly url: URL;
  readonly recorder: OperationRecorder | undefined;
  /** Sends the server what the relay says in the client's place. */
  readonly answerServer: (answer: object, session: Session) => void;
}

/** The sessions of a relay, by the id that the server gave them. */
export class Sessions {
  readonly #parts: SessionParts;
  /** In the order in which they were last used. */
  readonly #byKey = new Map<string, Session>();
  /** What clients without a session have learned of the server's tools. */
  readonly #tools = {};

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The session of this id: known, or one of before this relay, of which nothing is known yet. */
  of(id: string): Session {
    return this.at(id) ?? this.keep(this.#make(), id);
  }

  /** The session that is known by a key. */
  at(key: string): Session | undefined {
    const known = this.#byKey.get(key);
    if (known === undefined) return undefined;
    known.usedAt = Date.now();
    this.#byKey.delete(key);
    this.#byKey.set(key, known);
    return known;
  }

  /** One that may get an id, or stand alone. */
  alone(): Session {
    const session = this.#make(this.#tools);
    session.client.standsAlone = true;
    return session;
  }

  /** Keeps a session under the id that the server gave it. */
  keep(session: Session, id: string): Session {
    this.#giveUpOld();
    session.key = id;
    session.client.standsAlone = false;
    session.client.transport.sessionId = id;
    this.#byKey.set(id, session);
    return session;
  }

  /** Keeps a session under the address at which the server takes its messages (transport of revision 2024-11-05). */
  keepAt(session: Session, address: string): void {
    session.key = address;
    session.client.standsAlone = false;
    // By this, capture tells the two transports apart.
    Reflect.deleteProperty(session.client.transport, 'terminateSession');
    this.#byKey.set(address, session);
  }

  /** A session is over. Resolves when all of it is on record. */
  async end(session: Session, lost?: string): Promise<void> {
    if (session.key !== undefined) this.#byKey.delete(session.key);
    const end = () => session.client.end(lost);
    await (session.caller === undefined ? end() : runFor(session.caller, end));
  }

  /** The relay is over, and with it all sessions. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#byKey.values()].map((session) => this.end(session, 'the relay ended')));
  }

  #make(tools?: object): Session {
    const { url, recorder, answerServer } = this.#parts;
    const facts: TransportFacts = { _url: url, terminateSession: () => undefined };
    const client: RelayedClient = new RelayedClient(
      facts,
      recorder,
      (answer) => answerServer(answer, session),
      tools,
    );
    const session: Session = {
      client,
      exchange: new Exchange(client),
      caller: undefined,
      headers: [],
      isResumable: false,
      open: 0,
      usedAt: Date.now(),
      key: undefined,
    };
    return session;
  }

  #giveUpOld(): void {
    const latest = Date.now() - IDLE_MS;
    for (const session of this.#byKey.values()) {
      const isOld = session.usedAt < latest || this.#byKey.size >= MAX_SESSIONS;
      if (!isOld) return;
      if (session.open === 0) void this.end(session, 'nobody used it any more');
    }
  }
}
