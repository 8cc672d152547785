import type { IncomingMessage } from 'node:http';
import { ignore } from '../capture/client.js';
import { sleep } from '../internal/duration.js';
import { takeEvents, type EventTaker, type Seen } from './framing.js';
import type { HttpSession, Renewal } from './httpSession.js';
import { isEventStream } from './target.js';
import { sayOnce } from '../internal/stderr.js';

/** How long a server may take to tell where it takes messages, in milliseconds. */
const ENDPOINT_MS = 10_000;

/** What the older transport is spoken with. */
interface OlderTransportParts {
  readonly session: HttpSession;
  readonly taker: EventTaker;
  readonly signal: AbortSignal;
}

/**
 * The transport of revision 2024-11-05, which had two addresses: a stream on which the server says everything, answers too, and an
 * address for the client's messages, which the stream names in its first event. A client finds such a server by its refusal of the first
 * `POST` (specification of 2025-11-25, Transports, "Backwards Compatibility").
 */
export class OlderTransport {
  readonly #parts: OlderTransportParts;
  /** Those whose answers are to come on the stream. */
  readonly #waiting = new Set<{ readonly isOver: () => boolean; readonly done: () => void }>();
  #isOpen = false;
  #finish: () => void = ignore;
  /** Resolves when the server has ended the stream, and with it the session. */
  readonly ended = new Promise<void>((resolve) => (this.#finish = resolve));

  constructor(parts: OlderTransportParts) {
    this.#parts = parts;
  }

  /** Whether the server speaks it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens the stream. Resolves to whether the server speaks this transport. */
  async open(): Promise<boolean> {
    const { session, taker, signal } = this.#parts;
    const given = new AbortController();
    const signals = AbortSignal.any([signal, given.signal]);
    const upstream = await session.send({ method: 'GET', signal: signals }).catch(ignore);
    if (upstream?.statusCode !== 200 || !isEventStream(upstream)) {
      upstream?.resume();
      return false;
    }
    const address = new Promise<string | undefined>((resolve) => {
      const take = (data: Buffer): Promise<void> => taker.take(data).then(() => this.settle());
      const takeLong: EventTaker['takeLong'] = (pieces) => taker.takeLong(pieces).then(() => this.settle());
      const reading = takeEvents(upstream, { ...taker, take, takeLong, onEndpoint: resolve });
      void reading.then(() => {
        resolve(undefined);
        this.#end();
      });
    });
    const told = new AbortController();
    const found = await Promise.race([address, sleep(ENDPOINT_MS, AbortSignal.any([signals, told.signal]))]);
    told.abort();
    this.#isOpen = typeof found === 'string' && session.postTo(found);
    if (!this.#isOpen) given.abort();
    return this.#isOpen;
  }

  /** Resolves when something has its answer, or no answer will come. */
  async until(isOver: () => boolean): Promise<void> {
    if (!this.#isOpen || isOver()) return;
    await new Promise<void>((done) => this.#waiting.add({ isOver, done }));
  }

  /** Looks whether something has its answer, or waits no more. */
  settle(): void {
    for (const each of this.#waiting) {
      if (this.#isOpen && !each.isOver()) continue;
      this.#waiting.delete(each);
      each.done();
    }
  }

  #end(): void {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    this.settle();
    if (wasOpen) this.#finish();
  }
}

/** The wait before a stream is gone on with: at first, and at the most, in milliseconds (as in the SDK's transport). */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** What streams are opened with. */
export interface ServerStreamParts {
  readonly session: HttpSession;
  readonly renewal: Renewal;
  readonly signal: AbortSignal;
  /** Takes a stream to its end; its events may have been heard before where it is a replay. */
  readonly hear: (upstream: IncomingMessage, isReplay: boolean) => Promise<Seen>;
}

/** The streams that a client of streamable HTTP opens by `GET`: of what the server says unasked, and to go on with one that broke off. */
export class ServerStreams {
  readonly #parts: ServerStreamParts;
  /** Ends the stream of a session that another has followed. */
  #hearing = new AbortController();
  #settled: Promise<void> = Promise.resolve();

  constructor(parts: ServerStreamParts) {
    this.#parts = parts;
  }

  /** Resolves when the stream of what the server says unasked is over. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /** Opens the stream of what the server says unasked. */
  listen(): void {
    this.#hearing.abort();
    this.#hearing = new AbortController();
    const { hear } = this.#parts;
    const signal = AbortSignal.any([this.#parts.signal, this.#hearing.signal]);
    this.#settled = this.#whileNeeded({ hear, signal, isNeeded: () => true, isUnasked: true });
  }

  /** Goes on with a stream that broke off, while that is needed. */
  goOn(stream: {
    readonly from: Seen;
    readonly isNeeded: () => boolean;
    readonly hear: ServerStreamParts['hear'];
  }): Promise<void> {
    return this.#whileNeeded({ ...stream, signal: this.#parts.signal, isUnasked: false });
  }

  async #whileNeeded(stream: {
    readonly from?: Seen;
    readonly isNeeded: () => boolean;
    readonly hear: ServerStreamParts['hear'];
    readonly signal: AbortSignal;
    readonly isUnasked: boolean;
  }): Promise<void> {
    const { session, renewal } = this.#parts;
    const { signal, isUnasked, hear } = stream;
    const isNeeded = () => !signal.aborted && stream.isNeeded();
    let failures = 0;
    let hasOpened = false;
    let from: Pick<Seen, 'id' | 'retry'> = stream.from ?? { id: undefined, retry: undefined };
    for (let isFirst = isUnasked; isNeeded(); isFirst = false) {
      const pause = from.retry ?? Math.min(FIRST_WAIT_MS * 1.5 ** failures, LONGEST_WAIT_MS);
      if (!isFirst) await sleep(pause, signal);
      if (!isNeeded()) return;
      failures++;
      const { id } = session;
      const upstream = await session.send({ method: 'GET', lastEventId: from.id, signal }).catch(ignore);
      if (!upstream) continue;
      const { statusCode: status = 0 } = upstream;
      if (status === 200 && isEventStream(upstream)) {
        hasOpened = true;
        const seen = await hear(upstream, from.id !== undefined);
        if (seen.events > 0) failures = 0;
        from = { id: seen.id ?? from.id, retry: seen.retry ?? from.retry };
        continue;
      }
      upstream.resume();
      // A server that has never had such a stream may answer with 404 as well, and know the session.
      if (status === 404 && hasOpened && isUnasked)
        await renewal.streamLost(id).catch(({ message }: Error) => sayOnce(`relay: ${message}`));
      // 405: it says nothing unasked. Other errors of this kind will not pass by themselves either.
      if (status >= 400 && status < 500) return;
    }
  }
}
