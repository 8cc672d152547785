import { peek, peekText } from '../internal/peek.js';

/** How an error that concerns authorization ends an operation. */
type AuthorizationOutcome = 'OUTCOME_FAILURE_UNAUTHORIZED' | 'OUTCOME_FAILURE_DENIED';

/** An error that concerns authorization: the error itself, or what it names as its cause. */
export interface AuthorizationFailure {
  readonly outcome: AuthorizationOutcome;
  readonly error: unknown;
}

/**
 * Error codes that nothing but OAuth has: RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 9449 sections 5 and 8. Others of
 * OAuth's (`invalid_request`, `server_error`) are words that many interfaces use, and count only for errors of OAuth's family.
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

/** Who owns the resource, or the server that guards it, said no (RFC 6749 section 4.1.2.1, RFC 6750 section 3.1). */
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
 * @param isServersError whether the error is a JSON-RPC error of the server's. Its code is the server's own and no HTTP status,
 * whatever number it is.
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
 * The OAuth error code of an error, where it is one of OAuth's: by its class, by the SDK's own method that makes a response of
 * it, or by a code that nothing else has. A database's or a platform's `errorCode` is none.
 */
function oauthCodeOf(error: unknown, names: readonly string[]): string | undefined {
  const code = peekText(error, 'errorCode') ?? peekText(error, 'code');
  if (code !== undefined && OAUTH_CODES.has(code)) return code;
  const isOfFamily = names.some((name) => name.includes('OAuth')) || canRespond(error, code);
  return isOfFamily ? (code ?? '') : undefined;
}

/** v1's errors of OAuth keep this family trait in bundles that have renamed their classes. */
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
    // A Proxy may refuse to tell its prototype.
  }
  return names.filter((name) => name !== undefined);
}
