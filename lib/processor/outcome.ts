import { RefusedError } from '../errors.js';
import type { Outcome, RecordError } from '../schema/record.js';

/** What else is known of a failure when it is judged. */
export interface FailureContext {
  /** The caller's own signal was aborted: the failure is a cancellation, whatever the SDK made of it. */
  readonly aborted: boolean;
}

/** An outcome, with the reason where it is a failure. */
export interface Judgement {
  readonly outcome: Outcome;
  readonly error?: RecordError | undefined;
}

const SUCCESS: Judgement = { outcome: 'OUTCOME_SUCCESS' };

/** JSON-RPC codes that the v1 SDK makes itself when nothing came back (`ErrorCode` in its types). */
const CONNECTION_CLOSED = -32000;
const REQUEST_TIMEOUT = -32001;

/**
 * Judges a value that an operation resolved to: a tool's own `isError` is a failure of the tool, not of the call. What the
 * tool said of it is output, and goes on record only where outputs do.
 */
export function judgeResult(result: unknown): Judgement {
  if (read(result, 'isError') !== true) return SUCCESS;
  return { outcome: 'OUTCOME_FAILURE_ERROR', error: { type: 'tool_error' } };
}

/** Judges what an operation rejected with. */
export function judgeError(reason: unknown, { aborted }: FailureContext): Judgement {
  const code = codeOf(reason);
  const message = messageOf(reason);
  const base = { ...(code !== undefined && { code }), message };
  if (aborted) return failure('OUTCOME_FAILURE_ERROR', { type: 'cancelled', ...base });
  if (reason instanceof RefusedError)
    return failure('OUTCOME_FAILURE_DENIED', { ...base, type: reason.reason });
  if (isDenied(reason, code))
    return failure('OUTCOME_FAILURE_DENIED', { type: typeOf(reason, code), ...base });
  if (isUnauthorized(reason, code))
    return failure('OUTCOME_FAILURE_UNAUTHORIZED', { type: typeOf(reason, code), ...base });
  const type = isTimeout(reason, code)
    ? 'timeout'
    : isConnectionClosed(code, message)
      ? 'connection_closed'
      : typeOf(reason, code);
  return failure('OUTCOME_FAILURE_ERROR', { type, ...base });
}

function failure(
  outcome: Outcome,
  error: { type: string; code?: string; message: string | undefined },
): Judgement {
  const { message, ...rest } = error;
  return { outcome, error: { ...rest, ...(message !== undefined && message !== '' && { message }) } };
}

function isUnauthorized(reason: unknown, code: string | undefined): boolean {
  const name = classOf(reason);
  // The SDK's OAuth errors carry no HTTP status; they are a family by name and by their `errorCode`.
  return (
    code === '401' ||
    read(reason, 'status') === 401 ||
    name === 'UnauthorizedError' ||
    isOAuthError(reason, name)
  );
}

/** v2's OAuth errors have names of their own, and one base class whose name says it. */
function isOfOAuthFamily(reason: unknown): boolean {
  try {
    for (let link = reason; typeof link === 'object' && link !== null; link = Object.getPrototypeOf(link)) {
      if (String(read(read(link, 'constructor'), 'name')).includes('OAuth')) return true;
    }
  } catch {
    return false;
  }
  return false;
}

function isOAuthError(reason: unknown, name: string): boolean {
  return (
    name.includes('OAuth') ||
    isOfOAuthFamily(reason) ||
    typeof read(reason, 'errorCode') === 'string' ||
    typeof read(reason, 'toResponseObject') === 'function'
  );
}

function isDenied(reason: unknown, code: string | undefined): boolean {
  return (
    code === '403' ||
    read(reason, 'status') === 403 ||
    classOf(reason).includes('InsufficientScope') ||
    read(reason, 'errorCode') === 'insufficient_scope'
  );
}

/** -32001 is also what some servers answer; only the SDK's own timeout says how long it waited. */
function isTimeout(reason: unknown, code: string | undefined): boolean {
  if (code === 'REQUEST_TIMEOUT' || read(reason, 'name') === 'TimeoutError') return true;
  const data = read(reason, 'data');
  return (
    code === String(REQUEST_TIMEOUT) &&
    (read(data, 'timeout') !== undefined || read(data, 'maxTotalTimeout') !== undefined)
  );
}

/** -32000 is also what servers use for errors of their own; the SDK's carries these words. */
function isConnectionClosed(code: string | undefined, message: string | undefined): boolean {
  if (code === 'CONNECTION_CLOSED' || code === 'NOT_CONNECTED' || message === 'Not connected') return true;
  return code === String(CONNECTION_CLOSED) && message?.endsWith('Connection closed') === true;
}

function typeOf(reason: unknown, code: string | undefined): string {
  return code ?? classOf(reason);
}

function codeOf(reason: unknown): string | undefined {
  const code = read(reason, 'code') ?? read(reason, 'errorCode') ?? read(read(reason, 'cause'), 'code');
  return (typeof code === 'number' && Number.isFinite(code)) || (typeof code === 'string' && code !== '')
    ? String(code)
    : undefined;
}

function classOf(reason: unknown): string {
  if (typeof reason !== 'object' || reason === null) return typeof reason;
  const name = read(reason, 'name');
  const own = read(read(reason, 'constructor'), 'name');
  // A class that never set `name` still says `Error` there; its constructor knows better.
  if (typeof own === 'string' && own !== '' && (name === 'Error' || typeof name !== 'string')) return own;
  return typeof name === 'string' && name !== '' ? name : 'Error';
}

function messageOf(reason: unknown): string | undefined {
  if (typeof reason === 'string') return reason;
  const message = read(reason, 'message');
  return typeof message === 'string' ? message : undefined;
}

/** Reads a property of anything; a getter or Proxy that throws counts as absent, since judging must never fail a call. */
function read(value: unknown, key: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}
