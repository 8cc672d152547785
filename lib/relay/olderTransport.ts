import { ignore } from '../capture/client.js';
import { sleep } from '../internal/duration.js';
import { takeEvents, type EventTaker } from './eventStream.js';
import type { HttpSession } from './httpSession.js';
import { isEventStream } from './target.js';

/** How long a server may take to tell where it takes messages, in milliseconds. */
const ENDPOINT_MS = 10_000;

/** What the older transport is spoken with. */
export interface OlderTransportParts {
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
