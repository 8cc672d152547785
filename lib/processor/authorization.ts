import { peek, peekText } from '../internal/peek.js';

/** How an error that concerns authorization ends an operation. */
type AuthorizationOutcome = 'OUTCOME_FAILURE_UNAUTHORIZED' | 'OUTCOME_FAILURE_DENIED';

/** An error that concerns authorization: the error itself, or what it names as its cause. */
export interface AuthorizationFailure {
  readonly outcome: AuthorizationOutcome;
  readonly error: unknown;
}

/**
 * Error codes that only OAuth has: RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 9449 sections 5 and 8. Its other codes
 * (`invalid_request`, `server_error`) are used by many interfaces, and count only in errors of OAuth's classes.
 */
const OAUTH_CODES: ReadonlySet<string> = new Set([
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_token',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'insufficient_scope',
]);

/** The owner of the resource or its server refused (RFC 6749 section 4.1.2.1, RFC 6750 section 3.1). */
const DENIALS: ReadonlySet<string> = new Set(['access_denied', 'insufficient_scope']);

/** The authorization server itself failed, which says nothing of the client's rights (RFC 6749 section 4.1.2.1). */
const BREAKDOWNS: ReadonlySet<string> = new Set([
  'server_error',
  'temporarily_unavailable',
  'too_many_requests',
  'slow_down',
  'method_not_allowed',
]);

/** How far the causes of an error are followed: deeper ones are no longer about the call. */
const MAX_CAUSES = 5;

/**
 * What an error, or one of its causes, says of authorization; undefined where it is about something else.
 *
 * @param isServersError whether the error is a JSON-RPC error of the server. Its code is then never taken for an HTTP status.
 */
export function authorizationFailure(
  reason: unknown,
  isServersError = false,
): AuthorizationFailure | undefined {
  let link = reason;
  for (let depth = 0; depth < MAX_CAUSES && link !== undefined; depth++) {
    const outcome = outcomeOf(link, isServersError && depth === 0);
    if (outcome !== undefined) return { outcome, error: link };
    const cause = peek(link, 'cause');
    link = cause === link ? undefined : cause;
  }
  return undefined;
}

function outcomeOf(error: unknown, isServersError: boolean): AuthorizationOutcome | undefined {
  const status = httpStatusOf(error, isServersError);
  const names = namesOf(error);
  const oauth = oauthCodeOf(error, names);
  const isDenied = status === 403 || names.some((name) => name.includes('InsufficientScope'));
  if (isDenied || (oauth !== undefined && DENIALS.has(oauth))) return 'OUTCOME_FAILURE_DENIED';
  if (oauth !== undefined && BREAKDOWNS.has(oauth)) return undefined;
  const isUnauthorized = status === 401 || names.includes('UnauthorizedError');
  return isUnauthorized || oauth !== undefined ? 'OUTCOME_FAILURE_UNAUTHORIZED' : undefined;
}

/**
 * The HTTP status that an error carries. v1 of the SDK has it in `code`, v2 in `status`, as most HTTP clients do; others have
 * `statusCode`, or the response itself.
 */
function httpStatusOf(error: unknown, isServersError: boolean): number | undefined {
  const response = peek(error, 'response');
  const places = [
    peek(error, 'status'),
    peek(error, 'statusCode'),
    peek(response, 'status'),
    peek(response, 'statusCode'),
    isServersError ? undefined : peek(error, 'code'),
  ];
  return places.map(asStatus).find((status) => status !== undefined);
}

function asStatus(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^[1-5]\d\d$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && status >= 100 && status <= 599 ? status : undefined;
}

/**
 * The OAuth error code of an error of OAuth, known by its class, by the SDK's method that makes a response of it, or by a code that
 * only OAuth has. The `errorCode` of a database or a platform is no such code.
 */
function oauthCodeOf(error: unknown, names: readonly string[]): string | undefined {
  const code = peekText(error, 'errorCode') ?? peekText(error, 'code');
  if (code !== undefined && OAUTH_CODES.has(code)) return code;
  const isOfFamily = names.some((name) => name.includes('OAuth')) || canRespond(error, code);
  return isOfFamily ? (code ?? '') : undefined;
}

/** Whether an error has the method of v1's OAuth errors, which stays when a bundler renames their classes. */
function canRespond(error: unknown, code: string | undefined): boolean {
  return (
    typeof peek(error, 'toResponseObject') === 'function' && (code === undefined || /^[a-z_]+$/.test(code))
  );
}

/** The name of an error, and those of its classes. */
function namesOf(error: unknown): string[] {
  const names = [peekText(error, 'name')];
  try {
    for (let link = error; typeof link === 'object' && link !== null; link = Object.getPrototypeOf(link))
      names.push(peekText(peek(link, 'constructor'), 'name'));
  } catch {
    // The `getPrototypeOf` trap of a Proxy threw.
  }
  return names.filter((name) => name !== undefined);
}
