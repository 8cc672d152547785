import { RefusedError } from '../errors.js';
import { peek, peekText } from '../internal/peek.js';
import type { McpDetail, Outcome, RecordError } from '../schema/record.js';
import { authorizationFailure } from './authorization.js';

/** What else is known of a failure when it is judged. */
export interface FailureContext {
  /** The caller's own signal was aborted. */
  readonly aborted: boolean;
  /** What that signal was aborted with. */
  readonly abortReason?: unknown;
  /** The protocol's method. */
  readonly method?: string | undefined;
  /** The server's answer to the operation's last request; undefined where none was seen. */
  readonly answer?: Answer | undefined;
}

/** An outcome, with the reason where it is a failure. */
export interface Judgement {
  readonly outcome: Outcome;
  readonly error?: RecordError | undefined;
  /** Why the client did not accept what the server answered. */
  readonly answerRefused?: McpDetail['answer_refused'];
}

const SUCCESS: Judgement = { outcome: 'OUTCOME_SUCCESS' };
const PARTIAL: Judgement = { outcome: 'OUTCOME_PARTIAL' };

/** JSON-RPC codes that the v1 SDK makes itself when nothing came back (`ErrorCode` in its types). */
const CONNECTION_CLOSED = -32000;
const REQUEST_TIMEOUT = -32001;

/**
 * Judges the result of an operation. `isError` is a failure of the tool; its text is output, and goes on record only where outputs do.
 * A task that runs on has not succeeded yet, nor has a tool that waits for more input.
 */
export function judgeResult(result: unknown, answer?: Answer): Judgement {
  const own = kindOf(result);
  const kind = own === 'result' ? (answer?.kind ?? own) : own;
  if (kind === 'tool_error') return TOOL_ERROR;
  if (kind === 'task') return judgeTask(taskIn(result) ?? answer?.task);
  return kind === 'input_required' ? PARTIAL : SUCCESS;
}

const TOOL_ERROR: Judgement = { outcome: 'OUTCOME_FAILURE_ERROR', error: { type: 'tool_error' } };

function judgeTask(task: TaskFacts | undefined): Judgement {
  if (task?.status === 'completed') return SUCCESS;
  const type = ENDED_TASKS.get(task?.status ?? '');
  return type === undefined ? PARTIAL : { outcome: 'OUTCOME_FAILURE_ERROR', error: { type } };
}

/** The `error.type` of tasks that ended without a result, by their status. */
const ENDED_TASKS: ReadonlyMap<string, string> = new Map([
  ['failed', 'task_failed'],
  ['cancelled', 'task_cancelled'],
]);

/** Judges what an operation rejected with. */
export function judgeError(reason: unknown, context: FailureContext): Judgement {
  const code = codeOf(reason);
  const message = messageOf(reason);
  const base = { ...(code !== undefined && { code }), message };
  if (reason instanceof RefusedError)
    return failure('OUTCOME_FAILURE_DENIED', { ...base, type: reason.reason });
  const { answer } = context;
  const isServersError = answer?.kind === 'error' && answer.code === code;
  if (!isServersError && isAbort(reason, context)) {
    const type = isDeadline(context.abortReason) ? 'timeout' : 'cancelled';
    return failure('OUTCOME_FAILURE_ERROR', { type, ...base });
  }
  const authorization = authorizationFailure(reason, isServersError);
  if (authorization !== undefined) {
    const { outcome, error } = authorization;
    return failure(outcome, { ...base, ...ofCause(error, reason), type: typeOf(error) });
  }
  if (isServersError) return failure('OUTCOME_FAILURE_ERROR', { type: typeOf(reason), ...base });
  if (isTimeout(reason, code)) return failure('OUTCOME_FAILURE_ERROR', { type: 'timeout', ...base });
  if (isConnectionClosed(code, message) || isAiSdkError(reason, /^Connection closed$|closed client$/))
    return failure('OUTCOME_FAILURE_ERROR', { type: 'connection_closed', ...base });
  return judgeRefusal(reason, context, base);
}

type Details = Omit<RecordError, 'type' | 'message'> & { readonly message: string | undefined };

/** Judges an error that the client made of an answer, or where no answer was seen. */
function judgeRefusal(reason: unknown, { answer, method }: FailureContext, base: Details): Judgement {
  const type = typeOf(reason);
  if (answer === undefined || answer.kind === 'error')
    return failure('OUTCOME_FAILURE_ERROR', { type, ...base });
  const answerRefused = refusalOf(reason, method);
  const taskType = ENDED_TASKS.get(answer.task?.status ?? '');
  if (taskType !== undefined) {
    const judgement = failure('OUTCOME_FAILURE_ERROR', { ...base, type: taskType });
    return answer.kind === 'task' ? { ...judgement, answerRefused } : judgement;
  }
  if (answer.kind === 'tool_error') return { ...TOOL_ERROR, answerRefused };
  if (answer.kind === 'task') return { ...failure('OUTCOME_PARTIAL', { type, ...base }), answerRefused };
  const isInvalid = answerRefused === 'output_schema' || answerRefused === 'result_schema';
  const shown = isInvalid ? INVALID_RESULT : type;
  return { ...failure('OUTCOME_FAILURE_ERROR', { ...base, type: shown }), answerRefused };
}

/** The check by which the client refused an answer that was no error. v1 and v2 have different codes for it. */
function refusalOf(reason: unknown, method: string | undefined): McpDetail['answer_refused'] {
  const code = codeOf(reason);
  switch (code) {
    case 'UNSUPPORTED_RESULT_TYPE':
      return 'result_type';
    case 'INVALID_RESULT':
      return 'result_schema';
    case 'LIST_PAGINATION_EXCEEDED':
    case 'INPUT_REQUIRED_ROUNDS_EXCEEDED':
      return 'limit';
    case '-32600':
    case '-32602':
      // The server has accepted the request, so that this is the client's check of the tool's output.
      return method === 'tools/call' ? 'output_schema' : 'result_schema';
    case '-32603':
      // v1's streams wrap errors of their checks into an internal error.
      return 'result_schema';
    default:
      return Array.isArray(peek(reason, 'issues')) ? 'result_schema' : 'other';
  }
}

/** The `error.type` of an answer that did not pass the client's checks. A code would look like the server's. */
const INVALID_RESULT = 'invalid_result';

function failure(
  outcome: Outcome,
  error: { type: string; code?: string; message: string | undefined },
): Judgement {
  const { message, ...rest } = error;
  return { outcome, error: { ...rest, ...(message !== undefined && message !== '' && { message }) } };
}

/** The code of the cause, where the cause gives the failure its type. The message stays that of the caller's error. */
function ofCause(error: unknown, reason: unknown): { code?: string } {
  const code = error === reason ? undefined : codeOf(error);
  return code === undefined ? {} : { code };
}

/**
 * Whether the caller's signal is the reason of a failure. Where an answer came before the abort, it is not, unless the failure carries
 * the signal's reason.
 */
function isAbort(reason: unknown, { aborted, abortReason, answer }: FailureContext): boolean {
  if (!aborted) return false;
  if (answer === undefined || answer.kind === 'input_required') return true;
  if (reason === abortReason || peek(reason, 'cause') === abortReason) return true;
  const name = peekText(reason, 'name');
  return name === 'AbortError' || name === 'TimeoutError' || tells(reason, abortReason);
}

/** Whether the message of a failure ends with the signal's reason: both SDKs wrap it into an error of their own. */
function tells(reason: unknown, abortReason: unknown): boolean {
  try {
    const quoted = String(abortReason);
    return quoted !== '' && messageOf(reason)?.endsWith(quoted) === true;
  } catch {
    return false;
  }
}

/**
 * Whether a signal was aborted because time ran out: by a signal with a timeout of its own, or with a reason whose name, code or cause says so.
 * Its words do not count, since a person wrote them.
 */
function isDeadline(abortReason: unknown): boolean {
  let link = abortReason;
  for (let depth = 0; depth < MAX_CAUSES && link !== undefined; depth++) {
    const code = codeOf(link);
    // The reason is the caller's own, so that this code is not a server's.
    if (isTimeout(link, code) || code === String(REQUEST_TIMEOUT)) return true;
    link = peek(link, 'cause');
  }
  return false;
}

/** How far the causes of an abort are followed. */
const MAX_CAUSES = 5;

/** Codes of Node.js and HTTP clients for a timeout. */
const TIMEOUT_CODES: ReadonlySet<string | undefined> = new Set([
  'REQUEST_TIMEOUT',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** Names of timeouts: `TimeoutError` of the platform, `HeadersTimeoutError` of undici, and similar. */
const TIMEOUT_NAME = /Timeout(?:Error|Exception)?$/;

/** -32001 is also what some servers answer; only the SDK's own timeout says how long it waited. */
function isTimeout(reason: unknown, code: string | undefined): boolean {
  if (isAiSdkError(reason, /^(?:Request|MCP client initialization) timed out after \d+ms$/)) return true;
  if (TIMEOUT_CODES.has(code) || TIMEOUT_NAME.test(classOf(reason))) return true;
  const data = peek(reason, 'data');
  return (
    code === String(REQUEST_TIMEOUT) &&
    (peek(data, 'timeout') !== undefined || peek(data, 'maxTotalTimeout') !== undefined)
  );
}

/** Errors of the AI SDK's client have no code, unless the server sent one. */
function isAiSdkError(reason: unknown, message: RegExp): boolean {
  if (peekText(reason, 'name') !== 'MCPClientError' || codeOf(reason) !== undefined) return false;
  return message.test(messageOf(reason) ?? '');
}

/** -32000 is also what servers use for errors of their own; the SDK's carries these words. */
function isConnectionClosed(code: string | undefined, message: string | undefined): boolean {
  if (code === 'CONNECTION_CLOSED' || code === 'NOT_CONNECTED' || message === 'Not connected') return true;
  return code === String(CONNECTION_CLOSED) && message?.endsWith('Connection closed') === true;
}

function typeOf(reason: unknown): string {
  return codeOf(reason) ?? classOf(reason);
}

function codeOf(reason: unknown): string | undefined {
  // The number of a DOMException is a legacy (20 for every abort); its name counts.
  const own = isDomException(reason) ? undefined : peek(reason, 'code');
  const code = own ?? peek(reason, 'errorCode') ?? peek(peek(reason, 'cause'), 'code');
  return (typeof code === 'number' && Number.isFinite(code)) || (typeof code === 'string' && code !== '')
    ? String(code)
    : undefined;
}

function isDomException(reason: unknown): boolean {
  return peek(peek(reason, 'constructor'), 'name') === 'DOMException';
}

function classOf(reason: unknown): string {
  if (typeof reason !== 'object' || reason === null) return typeof reason;
  const name = peek(reason, 'name');
  const own = peek(peek(reason, 'constructor'), 'name');
  // A class that does not set `name` inherits `Error`; then the constructor's name counts.
  if (typeof own === 'string' && own !== '' && (name === 'Error' || typeof name !== 'string')) return own;
  return typeof name === 'string' && name !== '' ? name : 'Error';
}

function messageOf(reason: unknown): string | undefined {
  if (typeof reason === 'string') return reason;
  const message = peek(reason, 'message');
  return typeof message === 'string' ? message : undefined;
}

/** The key in `_meta` by which each result names its server (revision 2026-07-28). */
const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

/** The server's answer to a request as it was on the wire, before the client judged it. */
export interface Answer {
  readonly kind: NonNullable<McpDetail['answer']>;
  /** The code of a JSON-RPC error. */
  readonly code?: string | undefined;
  readonly task?: TaskFacts | undefined;
  /** The server, as it names itself. */
  readonly server?: { readonly name?: string | undefined; readonly version?: string | undefined } | undefined;
  /** The result itself. */
  readonly result?: unknown;
}

/** A task that a server works on, or has worked on. */
export interface TaskFacts {
  readonly id: string;
  readonly status?: string | undefined;
}

/** Reads a JSON-RPC response, of either SDK and any revision of the protocol. */
export function readAnswer(response: unknown): Answer {
  const error = peek(response, 'error');
  if (error !== undefined) return { kind: 'error', code: codeIn(error) };
  const result = peek(response, 'result');
  const info = peek(peek(result, '_meta'), SERVER_INFO);
  const server =
    info === undefined ? undefined : { name: peekText(info, 'name'), version: peekText(info, 'version') };
  return { kind: kindOf(result), task: taskIn(result), server, result };
}

/** What kind of answer a result is. */
function kindOf(result: unknown): Answer['kind'] {
  if (peek(result, 'isError') === true) return 'tool_error';
  if (peek(result, 'resultType') === 'input_required') return 'input_required';
  const isTask =
    peek(result, 'resultType') === 'task' || peekText(peek(result, 'task'), 'taskId') !== undefined;
  return isTask ? 'task' : 'result';
}

/** The task of a result: under `task` in revision 2025-11-25, in the result itself with the extension of 2026. */
function taskIn(result: unknown): TaskFacts | undefined {
  for (const place of [peek(result, 'task'), result]) {
    const id = peekText(place, 'taskId');
    if (id !== undefined) return { id, status: peekText(place, 'status') };
  }
  return undefined;
}

function codeIn(error: unknown): string | undefined {
  const code = peek(error, 'code');
  return typeof code === 'number' ? String(code) : undefined;
}

/** Failures without an answer of the server. */
const UNANSWERED: ReadonlySet<string> = new Set(['timeout', 'cancelled', 'connection_closed', 'abandoned']);

/** Whether an ending shows an answer that was not seen: to a probe before the handshake, or as an HTTP error. */
export function seemsAnswered(method: string, { outcome, error }: Partial<Judgement> = {}): boolean {
  if (error === undefined || outcome !== 'OUTCOME_FAILURE_ERROR') return error?.type !== 'abandoned';
  return method === 'initialize' && !UNANSWERED.has(error.type);
}
