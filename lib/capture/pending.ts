import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { judgeError, readAnswer, type Judgement } from '../processor/outcome.js';
import type { Wrapper } from './client.js';
import type { OperationUnderWay } from './connection.js';

/** Requests of servers without an answer, by transport and JSON-RPC id. A server may use an id twice. */
const questions = shared('questions', () => new WeakMap<object, Map<unknown, OperationUnderWay[]>>());

/** The error code of a client whose user rejects a sampling request (MCP specification, sampling). */
const REJECTED_BY_USER = -1;

/** Requests that a user decides about. */
const DECIDED: ReadonlySet<string> = new Set(['sampling/createMessage', 'elicitation/create', 'roots/list']);

/** Notes that a server waits for the answer to a request of its own. */
export function asked(transport: object, id: unknown, running: OperationUnderWay): void {
  const open = questions.get(transport) ?? new Map<unknown, OperationUnderWay[]>();
  questions.set(transport, open);
  open.set(id, [...(open.get(id) ?? []), running]);
}

/** Whether a server waits for the answer to a request of its own. */
export function isAsked(transport: object, id: unknown): boolean {
  return (
    questions
      .get(transport)
      ?.get(id)
      ?.some(({ ended }) => !ended) === true
  );
}

/** Answers that were handed to their transport, whose `send` has not settled yet. */
const handedOver = new WeakMap<OperationUnderWay, () => void>();

/**
 * Ends the operation of an outgoing answer once the answer has been sent. The decision is known when the answer is handed to the
 * transport: a connection that closes before `send` settles does not change it.
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

/** Ends an operation whose connection closes: by the answer that was handed over, or else as unanswered. */
export function closed(running: OperationUnderWay, unanswered: Judgement): void {
  const end = handedOver.get(running);
  if (end === undefined) running.finish(unanswered);
  else end();
}

/** Ends an operation whose request the server has cancelled. */
export function withdrawn(transport: object, id: unknown): void {
  const error = { type: 'cancelled', message: 'the server took its request back' };
  const running = take(transport, id);
  if (running !== undefined) running.finish({ outcome: 'OUTCOME_FAILURE_ERROR', error });
}

/** Ends with the result of the client's handler. Where the user declined or dismissed, the server was denied what it asked for. */
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

/** Ends with the error that the client's handler threw, or that was sent instead of a result. */
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

/** Requests of clients without an answer, by client and JSON-RPC id: a client does not restart its ids with a new connection. */
const open = shared('open requests', () => new WeakMap<object, Map<string | number, OperationUnderWay>>());

/** Notes that an operation waits for the answer to a request. */
export function awaitAnswer(running: OperationUnderWay, id: string): void {
  const { client } = running;
  let waiting = open.get(client);
  if (waiting === undefined) open.set(client, (waiting = new Map()));
  waiting.set(keyOf(id), running);
}

/** Forgets the requests of an operation that is over. */
export function forgetAnswers(running: OperationUnderWay): void {
  const waiting = open.get(running.client);
  if (waiting === undefined || waiting.size === 0) return;
  for (const { request_id: id } of running.legs) {
    const key = keyOf(id);
    if (waiting.get(key) === running) waiting.delete(key);
  }
}

/**
 * Reads each response as the server sent it, before the client judges it: an error that the client makes of a response does not say
 * what the response was.
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

/** Both SDKs take a response with the id `"3"` for the answer to request 3. */
function keyOf(id: unknown): string | number {
  const number = Number(id);
  return Number.isNaN(number) ? String(id) : number;
}
