import { peek } from '../internal/peek.js';
import { shared } from '../internal/shared.js';
import { judgeError, readAnswer, type Judgement } from '../processor/outcome.js';
import { judgeCancelled, judgeServed } from '../processor/served.js';
import type { Wrapper } from './client.js';
import type { OperationUnderWay } from './connection.js';

/** Requests of the other side without an answer, by transport and JSON-RPC id. A peer may use an id twice. */
const questions = shared('questions', () => new WeakMap<object, Map<unknown, OperationUnderWay[]>>());

/** The error code of a client whose user rejects a sampling request (MCP specification, sampling). */
const REJECTED_BY_USER = -1;

/** Requests that a user decides about. */
const DECIDED: ReadonlySet<string> = new Set(['sampling/createMessage', 'elicitation/create', 'roots/list']);

/** Notes that the other side waits for the answer to a request of its own. */
export function asked(transport: object, id: unknown, running: OperationUnderWay): void {
  const open = questions.get(transport) ?? new Map<unknown, OperationUnderWay[]>();
  questions.set(transport, open);
  open.set(id, [...(open.get(id) ?? []), running]);
}

/** Whether the other side waits for the answer to a request of its own. */
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

/** The request that the SDK is looking for a handler for. */
let dispatched: OperationUnderWay | undefined;

/** Runs what finds the handler of a request. No handler has run until it returns: the SDK's servers call handlers in a later microtask. */
export function dispatch(running: OperationUnderWay, proceed: () => unknown): void {
  const outer = dispatched;
  dispatched = running;
  try {
    proceed();
  } finally {
    dispatched = outer;
  }
}

/** JSON-RPC 2.0, section 5.1: internal error. */
const INTERNAL_ERROR = -32603;

/**
 * Sends an answer, and ends the operation of its request once it has been sent. The decision is known when the answer is handed to the
 * transport: a connection that closes before `send` settles does not change it. Where callers wait for records, an answer of a server
 * goes out when its record is safe, and an error in its place where that fails. A request that no handler takes is refused at once: nothing
 * was done for it, and v2's transport gives such a refusal its HTTP status (404, 400) only while it hands the request over.
 *
 * @param send Hands a message to the transport.
 */
export function sendAnswer(transport: object, answer: unknown, send: (message: unknown) => unknown): unknown {
  const running = take(transport, peek(answer, 'id'));
  if (running === undefined) return send(answer);
  const end = () => concludeWith(running, answer);
  const isRefusal = running === dispatched;
  if (running.side === 'server' && !isRefusal && running.recorders.some(({ keepsWaiting }) => keepsWaiting)) {
    end();
    const delivery = running.complete();
    if (delivery === undefined) return send(answer);
    const error = { code: INTERNAL_ERROR, message: 'the request could not be put on record' };
    return delivery.then(
      () => send(answer),
      () => send({ jsonrpc: '2.0', id: peek(answer, 'id'), error }),
    );
  }
  const sending = send(answer);
  const finish = () => {
    if (running.ended) return;
    end();
    running.completeInBackground();
  };
  if (!(sending instanceof Promise)) finish();
  else {
    handedOver.set(running, finish);
    sending.then(finish, (reason: unknown) => {
      if (running.ended) return;
      const error = peek(answer, 'error');
      if (error === undefined) noteDecision(running, peek(answer, 'result'));
      running.finish(judgeError(reason, { aborted: false }));
    });
  }
  return sending;
}

/** Ends an operation by the answer that goes out, and leaves its recorders to the caller. */
function concludeWith(running: OperationUnderWay, answer: unknown): void {
  const error = peek(answer, 'error');
  const result = peek(answer, 'result');
  if (running.side !== 'server') {
    if (error === undefined) running.conclude(decisionOf(running, result), result);
    else running.conclude(rejectionOf(running, error));
    return;
  }
  const read = readAnswer(answer);
  running.answered(read);
  if (running.method === 'initialize') running.connection.sawInitializeResult(read.result);
  const { toolName } = running.subject;
  running.conclude(judgeServed(answer, read, { toolName, handling: running.handling }), result);
}

/** Ends an operation whose connection closes: by the answer that was handed over, or else as unanswered. */
export function closed(running: OperationUnderWay, unanswered: Judgement): void {
  const end = handedOver.get(running);
  if (end === undefined) running.finish(unanswered);
  else end();
}

/** Ends an operation whose request the other side has cancelled, for a reason that it gives. */
export function withdrawn(transport: object, id: unknown, reason?: unknown): void {
  const running = take(transport, id);
  if (running === undefined) return;
  const error = { type: 'cancelled', message: 'the server took its request back' };
  running.finish(
    running.side === 'server' ? judgeCancelled(reason) : { outcome: 'OUTCOME_FAILURE_ERROR', error },
  );
}

/** Ends with the result of the client's handler. Where the user declined or dismissed, the server was denied what it asked for. */
export function decide(running: OperationUnderWay, result: unknown): void {
  running.finish(decisionOf(running, result), result);
}

function decisionOf(running: OperationUnderWay, result: unknown): Judgement {
  const action = noteDecision(running, result);
  return action === 'decline' || action === 'cancel' ? denied(action) : { outcome: 'OUTCOME_SUCCESS' };
}

function noteDecision(running: OperationUnderWay, result: unknown): unknown {
  const action = peek(result, 'action');
  if (running.side === 'client' && DECIDED.has(running.method))
    running.decision = typeof action === 'string' ? action : 'accept';
  return action;
}

/** Ends with the error that the client's handler threw, or that was sent instead of a result. */
export function reject(running: OperationUnderWay, reason: unknown, aborted = false): void {
  running.finish(rejectionOf(running, reason, aborted));
}

function rejectionOf(running: OperationUnderWay, reason: unknown, aborted = false): Judgement {
  const isRejection = DECIDED.has(running.method) && peek(reason, 'code') === REJECTED_BY_USER && !aborted;
  if (isRejection) running.decision = 'decline';
  return isRejection ? denied(String(REJECTED_BY_USER)) : judgeError(reason, { aborted });
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
