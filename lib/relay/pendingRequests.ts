import { ignore } from '../capture/client.js';
import type { RunningOperation } from '../capture/operation.js';

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
