import { readAnswer } from '../processor/answer.js';
import { shared } from '../internal/shared.js';
import { peek, type Wrapper } from './client.js';
import type { RunningOperation } from './running.js';

/** Requests that are out, by client and JSON-RPC id: a client counts its ids on, whatever connection it has. */
const open = shared('open requests', () => new WeakMap<object, Map<string, RunningOperation>>());

/** Notes that an operation waits for the answer to a request. */
export function awaitAnswer(running: RunningOperation, id: string): void {
  const { client } = running;
  let waiting = open.get(client);
  if (waiting === undefined) open.set(client, (waiting = new Map()));
  waiting.set(keyOf(id), running);
}

/** Forgets what an operation still waits for: it is over. */
export function forgetAnswers(running: RunningOperation): void {
  const waiting = open.get(running.client);
  if (waiting === undefined || waiting.size === 0) return;
  for (const { request_id: id } of running.legs) {
    const key = keyOf(id);
    if (waiting.get(key) === running) waiting.delete(key);
  }
}

/**
 * Sees each response as the server sent it, before the client has judged it: what came back is a fact, what an error says of it
 * is not.
 */
export const noticeAnswer: Wrapper = (original) =>
  function (...args) {
    const [response] = args;
    const key = keyOf(peek(response, 'id'));
    const running = open.get(this)?.get(key);
    if (running !== undefined) {
      open.get(this)?.delete(key);
      running.answered(readAnswer(response));
    }
    return Reflect.apply(original, this, args);
  };

/** Both SDKs take the id `"3"` for an answer to request 3. */
function keyOf(id: unknown): string {
  const number = Number(id);
  return Number.isNaN(number) ? String(id) : String(number);
}
