import { expect } from 'chai';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InsufficientScopeError, InvalidGrantError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
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
