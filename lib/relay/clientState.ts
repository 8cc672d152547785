import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { RunningOperation } from '../capture/operation.js';
import { RefusedError } from '../errors.js';
import { peek } from '../internal/peek.js';
import { prepare } from '../operations/operation.js';
import { ignore } from '../capture/client.js';

/** A message that cannot be read may still be understood by the other side, so that it passes, and that it did is on record. */
export const UNREADABLE = prepare(
  {
    method: 'unreadable',
    event: 'EVENT_RESOURCE_ACCESS',
    resource: 'message/unreadable',
    summary: 'Passed on a message that could not be read',
  },
  (params) => ({ arguments: params }),
);

/** What capture asks of a client's transport, told by what it has, as it tells those of the SDK. */
export interface TransportFacts {
  /** Of a server that was started: how. */
  readonly _serverParams?: { readonly command: string; readonly args: readonly string[] };
  /** Of a server over HTTP: where it is. */
  readonly _url?: URL;
  readonly terminateSession?: () => void;
  /** The session id that the server gave. */
  sessionId?: string | undefined;
}

/** The members that capture has put into a request's `_meta`. */
export function addedMeta(request: object, passed: object): object {
  if (passed === request) return {};
  const before = peek(peek(request, 'params'), '_meta') ?? {};
  const after = peek(peek(passed, 'params'), '_meta') ?? {};
  return Object.fromEntries(Object.entries(after).filter(([key]) => !Object.hasOwn(before, key)));
}

/** Whether calls of tools may need an approval, so that none may pass unread. */
export function asksBeforeCalls(running: RunningOperation | undefined): boolean {
  return running?.recorders.some((recorder) => recorder.asksBeforeCalls) === true;
}

/** Refuses a request whose text may say something else to the server. */
export const AMBIGUOUS = (): RefusedError =>
  new RefusedError('approval_invalid', 'two programs may read two things in the request');

/** Refuses what cannot be read and may be a call, so that it does not pass. */
export function turnedAway(running: RunningOperation): false {
  const message = 'a message that cannot be read may be a call that needs an approval';
  running.fail(new RefusedError('approval_missing', message));
  running.completeInBackground();
  return false;
}

/** A request of the client's that has no answer yet. */
export interface PendingRequest {
  /** Aborted where the client takes the request back. */
  readonly abort: AbortController;
  /** Its operation, where somebody records it. */
  running?: RunningOperation | undefined;
  /** Settles when its record is as safe as the log's mode asks. */
  delivered?: Promise<unknown>;
  resolve?: (result: unknown) => void;
  reject?: (reason: unknown) => void;
}

/** By its type as well: "3" and 3 are two ids, and a client may use both at once. */
function keyOf(id: unknown): string {
  return `${typeof id} ${String(id)}`;
}

/** What waits for an answer, by JSON-RPC id. Ids that a client uses twice queue up. */
export class PendingRequests {
  readonly #open = new Map<string, PendingRequest[]>();

  /** Gives the answer of a request, once there is one. */
  add(id: unknown, pending: PendingRequest): Promise<unknown> {
    const key = keyOf(id);
    const before = this.#open.get(key);
    if (before === undefined) this.#open.set(key, [pending]);
    else before.push(pending);
    return new Promise((resolve, reject) => Object.assign(pending, { resolve, reject }));
  }

  /** What waits longest for the answer of this id; it waits no more. */
  take(id: unknown): PendingRequest | undefined {
    const key = keyOf(id);
    const waiting = this.#open.get(key);
    const first = waiting?.shift();
    if (waiting?.length === 0) this.#open.delete(key);
    return first;
  }

  /** What waits longest for the answer of this id, and goes on waiting. */
  first(id: unknown): PendingRequest | undefined {
    return this.#open.get(keyOf(id))?.[0];
  }

  /** The client has taken a request back, and no answer is expected. One that comes all the same finds nothing that waits. */
  cancel(id: unknown, reason: string): void {
    const pending = this.take(id);
    pending?.abort.abort(reason);
    pending?.reject?.(new DOMException(reason, 'AbortError'));
  }

  /** No more answers will come. Resolves when all that waited is on record. */
  async close(): Promise<void> {
    const left = [...this.#open.values()].flat();
    this.#open.clear();
    for (const { reject } of left) reject?.(new ConnectionClosed());
    await Promise.all(left.map(({ delivered }) => delivered?.catch(ignore)));
  }
}

/** As the SDK's own error for the end of a connection says it, so that both are one `error.type` on record. */
class ConnectionClosed extends Error {
  readonly code = -32000;

  constructor() {
    super('Connection closed');
  }
}

/** What is to be done where the client's user is asked about a message on its way: all that follows it goes on meanwhile. */
const holding = new AsyncLocalStorage<() => void>();

/** Takes a message through capture; `hold` is called where it has to wait for a person. */
export function holdable<T>(hold: () => void, take: () => T): T {
  return holding.run(hold, take);
}

/** Shows the user of a client a form; what capture finds in the SDK's clients under the name of the method. */
export type FormHandler = (request: object, context: { readonly signal: AbortSignal }) => unknown;

interface Open {
  resolve(answer: unknown): void;
  reject(reason: unknown): void;
}

/** Questions of the relay's own to the client, which the client takes for the server's. */
export class OwnQuestions {
  readonly #open = new Map<string, Open>();
  readonly #tell: (message: object) => void;
  #isOver = false;

  /** @param tell Gives the client a message. */
  constructor(tell: (message: object) => void) {
    this.#tell = tell;
  }

  /** Asks, and resolves to the client's answer; rejects where it answers with an error, leaves, or the signal aborts. */
  ask(method: string, params: object, signal: AbortSignal): Promise<unknown> {
    if (this.#isOver) return Promise.reject(new Error('the client has left'));
    // No id of the server's begins so, and none can be guessed.
    const id = `otel-mcp-log:${randomUUID()}`;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        if (!this.#open.delete(id)) return;
        const reason = 'the call is no longer waited for';
        this.#tell({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } });
        reject(signal.reason);
      };
      const over = (): void => signal.removeEventListener('abort', giveUp);
      this.#open.set(id, {
        resolve: (answer) => (over(), resolve(answer)),
        reject: (reason) => (over(), reject(reason)),
      });
      signal.addEventListener('abort', giveUp, { once: true });
      holding.getStore()?.();
      this.#tell({ jsonrpc: '2.0', id, method, params });
    });
  }

  /** Lets capture ask the user of a client whose handshake says that it can show a form. */
  offerTo(handlers: Map<string, FormHandler>, handshake: object): void {
    const offered = peek(peek(peek(handshake, 'params'), 'capabilities'), 'elicitation');
    if (typeof offered !== 'object' || offered === null) return;
    // Before there were other kinds, nothing was said of forms.
    if (Object.keys(offered).length > 0 && peek(offered, 'form') === undefined) return;
    handlers.set('elicitation/create', (request, { signal }) =>
      this.ask('elicitation/create', peek(request, 'params') as object, signal),
    );
  }

  /** Whether a message of the client's answers a question of ours; then the server must not have it. */
  takes(message: object): boolean {
    const id = peek(message, 'id');
    const open = typeof id === 'string' ? this.#open.get(id) : undefined;
    if (open === undefined) return false;
    this.#open.delete(id as string);
    if (peek(message, 'error') === undefined) open.resolve(peek(message, 'result'));
    else open.reject(new Error('the client cannot show the question'));
    return true;
  }

  /** The client will answer no more. */
  end(): void {
    this.#isOver = true;
    for (const { reject } of this.#open.values()) reject(new Error('the client has left'));
    this.#open.clear();
  }
}
