import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { peek } from '../internal/peek.js';

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
