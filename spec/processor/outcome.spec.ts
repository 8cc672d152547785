import { expect } from 'chai';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  AccessDeniedError,
  InsufficientScopeError,
  InvalidGrantError,
  ServerError,
} from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { RefusedError } from '../../lib/errors.js';
import { judgeError, judgeResult } from '../../lib/processor/outcome.js';

const judge = (reason: unknown, aborted = false) => {
  const { outcome, error } = judgeError(reason, { aborted });
  return [outcome, error?.type];
};

describe('the outcome of an operation', () => {
  it('is success for a result', () => {
    expect(judgeResult({ content: [] })).to.deep.equal({ outcome: 'OUTCOME_SUCCESS' });
    expect(judgeResult(undefined)).to.deep.equal({ outcome: 'OUTCOME_SUCCESS' });
  });

  it('[attack 6] tells isError, JSON-RPC errors, 401 and 403 apart', () => {
    expect(judgeResult({ isError: true, content: [] })).to.deep.equal({
      outcome: 'OUTCOME_FAILURE_ERROR',
      error: { type: 'tool_error' },
    });
    expect(judge(new McpError(ErrorCode.InvalidParams, 'bad'))).to.deep.equal([
      'OUTCOME_FAILURE_ERROR',
      '-32602',
    ]);
    expect(judge(new StreamableHTTPError(401, 'no'))).to.deep.equal(['OUTCOME_FAILURE_UNAUTHORIZED', '401']);
    expect(judge(new StreamableHTTPError(403, 'no'))).to.deep.equal(['OUTCOME_FAILURE_DENIED', '403']);
  });

  it('knows the OAuth failures of the SDK', () => {
    expect(judge(new UnauthorizedError())).to.deep.equal([
      'OUTCOME_FAILURE_UNAUTHORIZED',
      'UnauthorizedError',
    ]);
    expect(judge(new InvalidGrantError('no'))[0]).to.equal('OUTCOME_FAILURE_UNAUTHORIZED');
    expect(judge(new InsufficientScopeError('no'))[0]).to.equal('OUTCOME_FAILURE_DENIED');
  });

  it('tells a timeout, a cancellation and a lost connection apart', () => {
    const timeout = McpError.fromError(ErrorCode.RequestTimeout, 'Request timed out', { timeout: 5 });
    expect(judge(timeout)).to.deep.equal(['OUTCOME_FAILURE_ERROR', 'timeout']);
    expect(judge(new McpError(ErrorCode.RequestTimeout, 'AbortError'), true)).to.deep.equal([
      'OUTCOME_FAILURE_ERROR',
      'cancelled',
    ]);
    expect(judge(new McpError(ErrorCode.ConnectionClosed, 'Connection closed'))).to.deep.equal([
      'OUTCOME_FAILURE_ERROR',
      'connection_closed',
    ]);
  });

  it("does not take a server's own -32000 and -32001 for ours", () => {
    expect(judge(new McpError(-32000, 'Bad Request: no valid session'))[1]).to.equal('-32000');
    expect(judge(new McpError(-32001, 'Session not found'))[1]).to.equal('-32001');
  });

  it('uses the code of a system error, and the class of an error without a code', () => {
    expect(judge(Object.assign(new Error('no'), { code: 'ECONNREFUSED' }))[1]).to.equal('ECONNREFUSED');
    expect(judge(new TypeError('no'))[1]).to.equal('TypeError');
    class PolicyRefusal extends Error {}
    expect(judge(new PolicyRefusal('no'))[1]).to.equal('PolicyRefusal');
  });

  it('never throws on what a promise may reject with', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    );
    for (const reason of [undefined, null, 7, '', 'text', hostile, Object.create(null)]) {
      expect(judge(reason)[0]).to.equal('OUTCOME_FAILURE_ERROR');
    }
  });
});

/** An error as JavaScript has them, with more on it. */
const failing = (more: object, message = 'no') => Object.assign(new Error(message), more);
const whole = (reason: unknown) => judgeError(reason, { aborted: false });
class AppOAuthFailure extends Error {}
class TokenRefused extends AppOAuthFailure {}

describe('the outcome of a failure', () => {
  const JUDGED: [what: string, reason: unknown, outcome: string, type: string][] = [
    ['a status of 401', failing({ status: 401 }), 'UNAUTHORIZED', 'Error'],
    ['a code of 401', failing({ code: 401 }), 'UNAUTHORIZED', '401'],
    ['a code of "401"', failing({ code: '401' }), 'UNAUTHORIZED', '401'],
    ['the name of an SDK', failing({ name: 'UnauthorizedError' }), 'UNAUTHORIZED', 'UnauthorizedError'],
    ['a name of OAuth', failing({ name: 'OAuthTokenError' }), 'UNAUTHORIZED', 'OAuthTokenError'],
    ['a base class of OAuth', new TokenRefused('no'), 'UNAUTHORIZED', 'TokenRefused'],
    ['an OAuth error code', failing({ errorCode: 'invalid_grant' }), 'UNAUTHORIZED', 'invalid_grant'],
    ['an OAuth response', failing({ toResponseObject: () => ({}) }), 'UNAUTHORIZED', 'Error'],
    ['a status of 403', failing({ status: 403 }), 'DENIED', 'Error'],
    ['a code of 403', failing({ code: 403 }), 'DENIED', '403'],
    ['a name for a scope', failing({ name: 'InsufficientScopeError' }), 'DENIED', 'InsufficientScopeError'],
    ['a code for a scope', failing({ errorCode: 'insufficient_scope' }), 'DENIED', 'insufficient_scope'],
    ['a statusCode of 401', failing({ statusCode: 401 }), 'UNAUTHORIZED', 'Error'],
    ['the status of a response', failing({ response: { status: 401 } }), 'UNAUTHORIZED', 'Error'],
    ['a statusCode of 403', failing({ statusCode: 403 }), 'DENIED', 'Error'],
    ['a status that is a word', failing({ status: 'UNAUTHENTICATED' }), 'ERROR', 'Error'],
    ['a code of Prisma', failing({ errorCode: 'P1001' }), 'ERROR', 'P1001'],
    [
      'a code of Firebase',
      failing({ errorCode: 'auth/network-request-failed' }),
      'ERROR',
      'auth/network-request-failed',
    ],
    ['a code of Node.js there', failing({ errorCode: 'ECONNREFUSED' }), 'ERROR', 'ECONNREFUSED'],
    ['a code of SQL', failing({ code: '28P01' }), 'ERROR', '28P01'],
    ['a word that others use too', failing({ errorCode: 'invalid_request' }), 'ERROR', 'invalid_request'],
    [
      'an OAuth error in the cause',
      failing({ code: 'ERA_NEGOTIATION_FAILED', cause: new InvalidGrantError('no') }),
      'UNAUTHORIZED',
      'invalid_grant',
    ],
    [
      'a 403 in the cause of the cause',
      failing({ cause: failing({ cause: failing({ status: 403 }) }) }),
      'DENIED',
      'Error',
    ],
    ['a denial by the owner', new AccessDeniedError('no'), 'DENIED', 'access_denied'],
    ['an authorization server that broke down', new ServerError('no'), 'ERROR', 'server_error'],
    ["an abort that is nobody's", new DOMException('no', 'AbortError'), 'ERROR', 'AbortError'],
    ['a failed fetch', failing({ cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } }), 'ERROR', 'timeout'],
    ['a status of 400', failing({ status: 400 }), 'ERROR', 'Error'],
    ['an error code that is no text', failing({ errorCode: 7 }), 'ERROR', '7'],
    ['a timeout of version 2', failing({ code: 'REQUEST_TIMEOUT' }), 'ERROR', 'timeout'],
    ['a timeout of the platform', failing({ name: 'TimeoutError' }), 'ERROR', 'timeout'],
    ['a timeout in all', failing({ code: -32001, data: { maxTotalTimeout: 9 } }), 'ERROR', 'timeout'],
    ['a timeout of one answer', failing({ code: -32001, data: { timeout: 9 } }), 'ERROR', 'timeout'],
    ['such data with another code', failing({ code: -32002, data: { timeout: 9 } }), 'ERROR', '-32002'],
    ['that code with other data', failing({ code: -32001, data: {} }), 'ERROR', '-32001'],
    ['a connection of version 2', failing({ code: 'CONNECTION_CLOSED' }), 'ERROR', 'connection_closed'],
    ['no connection in version 2', failing({ code: 'NOT_CONNECTED' }), 'ERROR', 'connection_closed'],
    ['no connection in version 1', new Error('Not connected'), 'ERROR', 'connection_closed'],
    [
      'a lost connection',
      failing({ code: -32000 }, 'MCP error -32000: Connection closed'),
      'ERROR',
      'connection_closed',
    ],
    ['the same words in the middle', failing({ code: -32000 }, 'Connection closed early'), 'ERROR', '-32000'],
    ['the same words with another code', failing({ code: 5 }, 'Connection closed'), 'ERROR', '5'],
    ['a code of the cause', failing({ cause: { code: 'ECONNRESET' } }), 'ERROR', 'ECONNRESET'],
    ['a code that is no number', failing({ code: Number.NaN }), 'ERROR', 'Error'],
    ['an infinite code', failing({ code: Infinity }), 'ERROR', 'Error'],
    ['an empty code', failing({ code: '' }), 'ERROR', 'Error'],
    ['a code that is an object', failing({ code: {} }), 'ERROR', 'Error'],
    ['a name of its own', failing({ name: 'PaymentError' }), 'ERROR', 'PaymentError'],
    ['an empty name', Object.assign(Object.create(null) as object, { name: '' }), 'ERROR', 'Error'],
    ['a name that is no text', Object.assign(Object.create(null) as object, { name: 5 }), 'ERROR', 'Error'],
    ['a name without a class', Object.assign(Object.create(null) as object, { name: 'Odd' }), 'ERROR', 'Odd'],
    ['a plain object', { reason: 'no' }, 'ERROR', 'Object'],
    ['a text', 'no', 'ERROR', 'string'],
    ['nothing', undefined, 'ERROR', 'undefined'],
    ['null', null, 'ERROR', 'object'],
    ['a function', () => undefined, 'ERROR', 'function'],
  ];
  for (const [what, reason, outcome, type] of JUDGED)
    it(`is judged by ${what}`, () => {
      expect(judge(reason)).to.deep.equal([`OUTCOME_FAILURE_${outcome}`, type]);
    });

  it('has the code and the message where there are any', () => {
    expect(whole(failing({ code: -32602 }, 'bad'))).to.deep.equal({
      outcome: 'OUTCOME_FAILURE_ERROR',
      error: { type: '-32602', code: '-32602', message: 'bad' },
    });
    expect(whole('text').error).to.deep.equal({ type: 'string', message: 'text' });
    for (const silent of [new Error(''), { message: 5 }, undefined])
      expect(whole(silent).error).not.to.have.any.keys('code', 'message');
  });

  it('is a cancellation once the caller has aborted, whatever came of it', () => {
    expect(judgeError(failing({ code: 401 }), { aborted: true })).to.deep.equal({
      outcome: 'OUTCOME_FAILURE_ERROR',
      error: { type: 'cancelled', code: '401', message: 'no' },
    });
  });

  it('is that of the whole where its causes run in a circle', () => {
    const first = failing({ code: 'FIRST' });
    const second = failing({ cause: first });
    Object.assign(first, { cause: second });
    expect(judge(first)).to.deep.equal(['OUTCOME_FAILURE_ERROR', 'FIRST']);
  });

  it('is denied for a refusal of our own, by its reason', () => {
    const { outcome, error } = whole(new RefusedError('actor_required', 'who?'));
    expect(outcome).to.equal('OUTCOME_FAILURE_DENIED');
    expect(error).to.include({ type: 'actor_required', message: 'who?' });
  });

  it('is that of what can be read, where a part of it cannot', () => {
    const guarded = new Error('no');
    Object.defineProperty(guarded, 'status', {
      get: () => {
        throw new Error('guarded');
      },
    });
    expect(judge(guarded)).to.deep.equal(['OUTCOME_FAILURE_ERROR', 'Error']);
    const closed = new Proxy(new Error('no'), {
      getPrototypeOf: () => {
        throw new Error('closed');
      },
    });
    expect(judge(closed)[0]).to.equal('OUTCOME_FAILURE_ERROR');
  });

  it('is a failure of the tool only for isError itself', () => {
    for (const isError of [false, 'true', 1, undefined])
      expect(judgeResult({ isError })).to.deep.equal({ outcome: 'OUTCOME_SUCCESS' });
    const callable = Object.assign(() => undefined, { isError: true });
    expect(judgeResult(callable).outcome).to.equal('OUTCOME_FAILURE_ERROR');
  });
});
