import { peek, peekText } from '../internal/peek.js';
import type { McpDetail } from '../schema/record.js';
import { judgeError, judgeResult, type Answer, type Judgement } from './outcome.js';

/**
 * What became of a tool's handler. `McpServer` turns what a tool throws, and what it refuses itself, into results that say `isError`, so
 * that the answer alone does not tell them from a tool's own.
 */
export interface Handling {
  /** Whether the handler ran, and how it ended. */
  state: NonNullable<McpDetail['handler']>;
  /** Why the server answered in the tool's place: what it checked before the handler ran, or after. */
  refusal?: 'arguments' | 'unknown_tool' | 'output' | 'other' | undefined;
  /** What the handler threw. */
  thrown?: unknown;
}

/** The code of JSON-RPC for parameters that are not valid, with which the SDK refuses calls. */
const INVALID_PARAMS = '-32602';

/**
 * Judges an answer on the side of the server that gives it. A client that gets the answer judges by the answer alone; the server knows
 * more: whether the tool ran, and whether it threw. Texts of errors that tools throw are output, and are not repeated here.
 *
 * @param response The JSON-RPC response as it goes out.
 */
export function judgeServed(
  response: unknown,
  answer: Answer,
  { toolName, handling }: { toolName?: string | undefined; handling?: Handling | undefined },
): Judgement {
  const error = peek(response, 'error');
  if (error === undefined && answer.kind !== 'tool_error') return judgeResult(answer.result, answer);
  const refusal = handling?.refusal ?? (error === undefined ? undefined : refusalIn(error, toolName));
  if (refusal === 'unknown_tool') return failed('unknown_tool', 'the server has no such tool');
  if (refusal === 'arguments')
    return failed(
      'invalid_arguments',
      'the arguments do not match the schema of the tool, which did not run',
    );
  if (refusal === 'output')
    return {
      ...failed('invalid_result', 'the result of the tool does not match its schema'),
      answerRefused: 'output_schema',
    };
  if (handling?.state === 'threw') {
    const { outcome, error: thrown } = judgeError(handling.thrown, { aborted: false });
    const { type = 'Error', code } = thrown ?? {};
    return { outcome, error: { type, ...(code !== undefined && { code }), message: 'the tool threw' } };
  }
  return error === undefined ? judgeResult(answer.result, answer) : judgeError(error, { aborted: false });
}

/** How the SDK says in a JSON-RPC error that it refuses a call: v2 where there is no such tool, both for what has not the form of a call. */
function refusalIn(error: unknown, toolName: string | undefined): Handling['refusal'] {
  if (toolName === undefined || String(peek(error, 'code')) !== INVALID_PARAMS) return undefined;
  const message = peekText(error, 'message')?.replace(/^MCP error -32602: /, '') ?? '';
  if (message === `Tool ${toolName} not found`) return 'unknown_tool';
  if (message.startsWith('Invalid tools/call request: ')) return 'arguments';
  return message.startsWith('Invalid tools/call result: ') ? 'output' : undefined;
}

function failed(type: string, message: string): Judgement {
  return { outcome: 'OUTCOME_FAILURE_ERROR', error: { type, message } };
}

/** The reason that both SDKs' clients give when they cancel a request because it took too long. */
const TIMED_OUT =
  /^(?:McpError: MCP error -32001: |SdkError: |Error: )?(?:Request timed out|Maximum total timeout exceeded)$/;

/** Judges a request that its client has cancelled. An SDK's client also cancels what it has waited for long enough. */
export function judgeCancelled(reason: unknown): Judgement {
  return typeof reason === 'string' && TIMED_OUT.test(reason)
    ? failed('timeout', 'the client waited long enough, and took its request back')
    : failed('cancelled', 'the client took its request back');
}
