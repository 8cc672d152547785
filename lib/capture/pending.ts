import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { judgeError, readAnswer, type Judgement } from '../processor/outcome.js';
import type { Wrapper } from './client.js';
import type { OperationUnderWay } from './connection.js';

/** What servers have asked and nobody has answered, by transport and JSON-RPC id. Ids that a server uses twice queue up. */
const questions = shared('questions', () => new WeakMap<object, Map<unknown, OperationUnderWay[]>>());

/** What the specification has clients answer where the user rejects a sampling request. */
const REJECTED_BY_USER = -1;

/** A user decides about these; what else a server may ask is answered or not. */
const DECIDED: ReadonlySet<string> = new Set(['sampling/createMessage', 'elicitation/create', 'roots/list']);

/** Notes that a server waits for the answer to a request of its own. */
export function asked(transport: object, id: unknown, running: OperationUnderWay): void {
  const open = questions.get(transport) ?? new Map<unknown, OperationUnderWay[]>();
  questions.set(transport, open);
  open.set(id, [...(open.get(id) ?? []), running]);
}

/** Answers that were handed to their transport, whose `send` has not settled yet. */
const handedOver = new WeakMap<OperationUnderWay, () => void>();

/**
 * Ends the operation that an outgoing answer belongs to, once the answer has been sent. What was decided is known from the
 * moment when the answer is handed over: a connection that closes before `send` settles does not change it.
 */
export function answered(transport: object, answer: unknown, sending: unknown): void {
  const running = take(transport, peek(answer, 'id'));
  if (running === undefined) return;
  const end = () => {
    const error = peek(answer, 'error');
    if (error === undefined) decide(running, peek(answer, 'result'));
    else reject(running, error);
  };
  if (!(sending instanceof Promise)) return end();
  handedOver.set(running, end);
  sending.then(end, (reason: unknown) => {
    if (running.ended) return;
    const error = peek(answer, 'error');
    if (error === undefined) noteDecision(running, peek(answer, 'result'));
    running.finish(judgeError(reason, { aborted: false }));
  });
}

/** Ends an operation whose connection closes: by the answer that was handed over, else by what the closing makes of it. */
export function closed(running: OperationUnderWay, unanswered: Judgement): void {
  const end = handedOver.get(running);
  if (end === undefined) running.finish(unanswered);
  else end();
}

/** Ends an operation whose question the server has taken back. */
export function withdrawn(transport: object, id: unknown): void {
  const error = { type: 'cancelled', message: 'the server took its request back' };
  const running = take(transport, id);
  if (running !== undefined) running.finish({ outcome: 'OUTCOME_FAILURE_ERROR', error });
}

/** Ends with what the client's handler gave. A user who declines or dismisses has denied the server what it asked for. */
export function decide(running: OperationUnderWay, result: unknown): void {
  const action = noteDecision(running, result);
  if (action !== 'decline' && action !== 'cancel') running.finish({ outcome: 'OUTCOME_SUCCESS' }, result);
  else running.finish(denied(action), result);
}

function noteDecision(running: OperationUnderWay, result: unknown): unknown {
  const action = peek(result, 'action');
  if (DECIDED.has(running.method)) running.decision = typeof action === 'string' ? action : 'accept';
  return action;
}

/** Ends with what the client's handler threw, or the error that was sent in its stead. */
export function reject(running: OperationUnderWay, reason: unknown, aborted = false): void {
  const isRejection = DECIDED.has(running.method) && peek(reason, 'code') === REJECTED_BY_USER && !aborted;
  if (isRejection) running.decision = 'decline';
  running.finish(isRejection ? denied(String(REJECTED_BY_USER)) : judgeError(reason, { aborted }));
}

function denied(type: string): Judgement {
  return { outcome: 'OUTCOME_FAILURE_DENIED', error: { type, message: 'the server was refused' } };
}

function take(transport: object, id: unknown): OperationUnderWay | undefined {
  const open = questions.get(transport);
  const waiting = open?.get(id)?.filter((running) => !running.ended) ?? [];
  const [oldest, ...others] = waiting;
  if (others.length > 0) open?.set(id, others);
  else open?.delete(id);
  return oldest;
}

/** Requests that are out, by client and JSON-RPC id: a client counts its ids on, whatever connection it has. */
const open = shared('open requests', () => new WeakMap<object, Map<string | number, OperationUnderWay>>());

/** Notes that an operation waits for the answer to a request. */
export function awaitAnswer(running: OperationUnderWay, id: string): void {
  const { client } = running;
  let waiting = open.get(client);
  if (waiting === undefined) open.set(client, (waiting = new Map()));
  waiting.set(keyOf(id), running);
}

/** Forgets what an operation still waits for: it is over. */
export function forgetAnswers(running: OperationUnderWay): void {
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
    const waiting = open.get(this);
    const running = waiting?.get(key);
    if (running !== undefined) {
      waiting?.delete(key);
      running.answered(readAnswer(response));
    }
    return Reflect.apply(original, this, args);
  };

/** Both SDKs take the id `"3"` for an answer to request 3. */
function keyOf(id: unknown): string | number {
  const number = Number(id);
  return Number.isNaN(number) ? String(id) : number;
}
